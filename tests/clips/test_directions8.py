"""directions8: what its factors, splits and twins promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.clipset import SPLITS
from jepascope.clips.drawn import SPLIT_SHARES
from jepascope.clips.factors import direction_angle, nearest_direction
from jepascope.clips.presets import PRESETS, directions8, preset, reverse_twins, twins
from jepascope.clips.ranges import DIRECTION_NAMES, SHAPES
from jepascope.clips.variables import VARIABLES
from jepascope.errors import BadArgument

SEEDS = st.integers(0, 2**31)


def test_the_default_is_the_papers_eight_directions_of_fifty_clips() -> None:
    clips = directions8()
    labels, names = clips.labels("direction")
    assert names == DIRECTION_NAMES
    assert np.bincount(labels).tolist() == [50] * 8


@pytest.mark.parametrize("per_class", [5, 8, 50])
def test_every_direction_is_split_in_the_same_shares_and_no_split_is_empty(per_class: int) -> None:
    counts = directions8(per_class=per_class).factors.groupby(["direction", "split"]).size().unstack()
    assert sorted(counts.columns) == sorted(SPLITS)
    for split, share in SPLIT_SHARES.items():
        assert counts[split].nunique() == 1 and counts[split].iloc[0] >= 1
        assert counts[split].iloc[0] == pytest.approx(share * per_class, abs=1)


@settings(max_examples=25)
@given(seed=SEEDS, size=st.sampled_from([32, 48, 64]))
def test_the_object_never_touches_the_border_of_the_frame(seed: int, size: int) -> None:
    clips = directions8(seed, per_class=5, frames=4, size=size)
    alpha = clips.source.coverage(clips.factors, clips.frames, clips.size)
    border = torch.ones(size, size, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert alpha[..., border].max() == 0
    assert alpha.amax(dim=(2, 3)).min() > 0.9


@pytest.mark.parametrize("seed", [0, 1])
def test_no_other_factor_carries_the_direction(seed: int) -> None:
    """Means of every drawn factor over the clips of one direction deviate as draws at random do."""
    factors = directions8(seed, per_class=100).factors
    for name in ("x", "y", "speed", "size", "hue", "lightness", "background"):
        values = factors[name]
        z = (factors.groupby("direction")[name].mean() - values.mean()) / (values.std() / 10)
        assert z.abs().max() < 4, name  # 112 means in all: beyond 4 by chance in 1 of 140 pairs of seeds
    shapes = factors.groupby("direction")["shape"].value_counts(normalize=True)
    assert (shapes - 1 / len(SHAPES)).abs().max() < 0.2


def test_the_angle_of_a_direction_is_the_direction_of_the_angle() -> None:
    names = np.array(DIRECTION_NAMES)
    assert nearest_direction(direction_angle(names)).tolist() == list(names)
    assert nearest_direction(direction_angle(names) + 0.3 - 2 * np.pi).tolist() == list(names)


def test_an_object_that_goes_north_goes_up_the_screen_and_east_to_the_right() -> None:
    clips = directions8(per_class=5, frames=4)
    alpha = clips.source.coverage(clips.factors, 4, 64)
    pixel = torch.arange(64.0)
    x = (alpha.sum(2) * pixel).sum(-1) / alpha.sum((2, 3))
    y = (alpha.sum(3) * pixel).sum(-1) / alpha.sum((2, 3))
    moved = torch.stack([x[:, -1] - x[:, 0], y[:, 0] - y[:, -1]], dim=1)
    angle = torch.from_numpy(clips.factors["angle"].to_numpy(copy=True))
    travelled = torch.from_numpy(clips.factors["speed"].to_numpy(copy=True)) * 64 * 3 / 4
    expected = torch.stack([angle.cos() * travelled, angle.sin() * travelled], dim=1)
    torch.testing.assert_close(moved.double(), expected, atol=0.15, rtol=0)  # pixels


def test_a_seed_names_one_table_and_another_seed_another() -> None:
    assert directions8(3, per_class=5).digest == directions8(3, per_class=5).digest
    first, second = directions8(3, per_class=5).factors, directions8(4, per_class=5).factors
    for name in ("x", "y", "speed", "size", "hue", "noise_seed"):
        assert not np.isin(first[name], second[name]).any()


def test_the_noise_has_the_spread_that_its_factor_says() -> None:
    clips = directions8(per_class=5, frames=4)
    quiet = clips.with_factors("quiet", noise=0.0)
    difference = (clips.video() - quiet.video()).mean(dim=2)  # the same in all three channels
    assert difference.std().item() == pytest.approx(0.02, rel=0.02)
    assert abs(difference.mean().item()) < 1e-3


# twins


@pytest.mark.parametrize("variable", sorted(VARIABLES))
def test_twins_differ_in_the_variable_and_in_nothing_else(variable: str) -> None:
    clips = directions8(per_class=8)
    other = twins(clips, variable)
    own = list(VARIABLES[variable].columns)
    assert clips.factors.drop(columns=own).equals(other.factors.drop(columns=own))
    assert (clips.factors[own] != other.factors[own]).any(axis=1).all()


def test_the_value_of_a_twin_is_uniform_over_the_other_classes() -> None:
    clips = directions8(per_class=100)
    step = (twins(clips).labels("direction")[0] - clips.labels("direction")[0]) % 8
    counts = np.bincount(step, minlength=8)
    assert counts[0] == 0
    expected = len(clips) / 7
    assert ((counts[1:] - expected) ** 2 / expected).sum() < 22.5  # chi-square, 6 degrees of freedom, 1 in 1,000


def test_where_neither_object_is_a_pair_of_twins_has_the_same_pixels() -> None:
    clips = directions8(per_class=5, frames=4)
    other = twins(clips)
    covered = [c.source.coverage(c.factors, 4, 64) > 0 for c in (clips, other)]
    empty = ~(covered[0] | covered[1])[:, :, None].expand(-1, -1, 3, -1, -1)
    assert torch.equal(clips.video()[empty], other.video()[empty])
    assert not torch.equal(clips.video()[~empty], other.video()[~empty])


@pytest.mark.parametrize("frames", [5, 8, 16])
def test_reverse_twins_show_the_same_frames_in_the_opposite_order_bit_for_bit(frames: int) -> None:
    clips = directions8(per_class=5, frames=frames, size=32)
    other = reverse_twins(clips)
    assert torch.equal(other.video(), clips.video().flip(1))
    assert ((other.labels("direction")[0] - clips.labels("direction")[0]) % 8 == 4).all()


def test_the_reverse_of_a_reverse_is_the_clip() -> None:
    clips = directions8(per_class=5, frames=4, size=32)
    assert reverse_twins(reverse_twins(clips)).digest == clips.digest


# refusals


def test_an_unknown_preset_is_refused_with_the_list_of_presets() -> None:
    with pytest.raises(BadArgument, match=f"no clip set 'directions9'.*{', '.join(PRESETS)}"):
        preset("directions9")


def test_too_few_clips_for_three_splits_are_refused() -> None:
    with pytest.raises(BadArgument, match="at least 5 clips per direction"):
        preset("directions8", per_class=4)
