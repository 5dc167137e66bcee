"""Degradations leave every frame as it is and take the motion away."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from jepascope.clips.degrade import DEGRADATIONS, degrade
from jepascope.clips.presets import directions8, reverse_twins
from jepascope.errors import BadArgument


@pytest.fixture(scope="module")
def video() -> Tensor:
    return directions8(per_class=5, frames=8, size=32).video()


@pytest.mark.parametrize("how", DEGRADATIONS)
def test_shape_and_range_stay(video: Tensor, how: str) -> None:
    out = degrade(video, how)
    assert out.shape == video.shape and out.min() >= 0 and out.max() <= 1


@pytest.mark.parametrize(("how", "frame"), [("first_frame", 0), ("last_frame", -1)])
def test_one_frame_repeated_stands_still(video: Tensor, how: str, frame: int) -> None:
    assert torch.equal(degrade(video, how), video[:, [frame] * 8])


def test_the_mean_frame_of_a_clip_and_of_its_reverse_are_the_same(video: Tensor) -> None:
    back = reverse_twins(directions8(per_class=5, frames=8, size=32)).video()
    torch.testing.assert_close(degrade(video, "mean_frame"), degrade(back, "mean_frame"), atol=1e-6, rtol=0)


def test_shuffled_frames_are_the_clips_own_frames_in_another_order(video: Tensor) -> None:
    out = degrade(video, "shuffled_frames")
    order = (out[:, :, None] == video[:, None]).flatten(3).all(-1)  # clip, shown, source
    assert order.sum(1).eq(1).all() and order.sum(2).eq(1).all()
    places = order.int().argmax(2)
    assert len({tuple(row) for row in places.tolist()}) > 30  # almost every clip has an order of its own
    steps = (places.diff(dim=1) == 1).float().mean()
    assert steps < 0.25  # of eight frames in random order one in eight follows its predecessor


def test_the_shuffle_of_a_clip_does_not_depend_on_its_batch(video: Tensor) -> None:
    whole = degrade(video, "shuffled_frames", seed=3)
    parts = torch.cat([degrade(part, "shuffled_frames", seed=3) for part in video.flip(0).split(7)]).flip(0)
    assert torch.equal(whole, parts)
    assert not torch.equal(whole, degrade(video, "shuffled_frames", seed=4))


def test_an_unknown_degradation_is_refused_with_the_list(video: Tensor) -> None:
    with pytest.raises(BadArgument, match=f"no degradation 'blurred'.*{', '.join(DEGRADATIONS)}"):
        degrade(video, "blurred")
