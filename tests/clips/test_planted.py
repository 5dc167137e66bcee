"""Planted clips show numbers as pixels, and a linear map of the pixels gives them back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jepascope.clips.planted import NUMBERS, numbers_shown, planted_clips
from jepascope.clips.presets import twins
from jepascope.errors import BadArgument


def test_pixels_are_pixels_and_give_the_numbers_back() -> None:
    clips = planted_clips(seed=1, fit=2, judge=2, test=2)
    video = clips.video()
    assert video.shape == (48, 2, 3, 16, 16)
    assert float(video.min()) >= 0 and float(video.max()) <= 1
    torch.testing.assert_close(numbers_shown(video), clips.source.numbers(clips.factors), atol=5e-6, rtol=0)


def test_the_class_is_shown_as_its_equations_say() -> None:
    clips = planted_clips(fit=2, judge=2, test=2)
    numbers = numbers_shown(clips.video()).double()
    angle = torch.tensor(clips.factors["angle"].to_numpy())[:, None].expand(-1, 8)
    code = torch.complex(numbers[..., 0], numbers[..., 1])
    torch.testing.assert_close(code, torch.exp(1j * angle), atol=1e-5, rtol=0)
    triple = torch.complex(numbers[..., 2], numbers[..., 3])
    torch.testing.assert_close(triple**3, torch.exp(1j * angle), atol=1e-4, rtol=0)  # e(3y)^3 = e(9y) = e(y) for eighths of a turn
    torch.testing.assert_close(
        numbers[..., NUMBERS["signed"]], numbers[..., NUMBERS["sign"]] * numbers[..., NUMBERS["angle"]], atol=1e-5, rtol=0
    )


def test_twins_differ_in_the_class_alone() -> None:
    clips = planted_clips(fit=2, judge=2, test=2)
    other = twins(clips, "direction")
    a, b = (c.source.numbers(c.factors) for c in (clips, other))
    assert torch.equal(a[..., NUMBERS["noise"]], b[..., NUMBERS["noise"]])
    assert torch.equal(a[..., NUMBERS["sign"]], b[..., NUMBERS["sign"]])
    assert bool((clips.labels("direction")[0] != other.labels("direction")[0]).all())
    assert bool(((a[..., :2] - b[..., :2]).norm(dim=-1) > 0.5).all())


def test_splits_hold_every_class_and_sign_alike_and_part_scenes() -> None:
    factors = planted_clips(fit=4, judge=4, test=2).factors
    counts = factors.groupby(["split", "direction", "sign"]).size().unstack(["direction", "sign"])
    assert (counts.nunique(axis=1) == 1).all()
    assert counts.loc["fit"].iloc[0] == 2 and counts.loc["test"].iloc[0] == 1
    assert factors["scene"].is_unique


def test_seeds_change_the_noise_alone() -> None:
    one, two = planted_clips(0, 2, 2, 2), planted_clips(1, 2, 2, 2)
    assert not np.array_equal(one.factors["noise_seed"], two.factors["noise_seed"])
    assert one.factors.drop(columns="noise_seed").equals(two.factors.drop(columns="noise_seed"))
    assert torch.equal(one.video(), planted_clips(0, 2, 2, 2).video())


@pytest.mark.parametrize("counts", [{"fit": 3}, {"judge": 0}, {"test": 1}])
def test_counts_must_be_even(counts: dict[str, int]) -> None:
    with pytest.raises(BadArgument, match="even number"):
        planted_clips(**counts)


def test_another_size_is_refused() -> None:
    with pytest.raises(BadArgument, match="2 frames of 16 x 16"):
        planted_clips(fit=2, judge=2, test=2).at(4, 32).video()
