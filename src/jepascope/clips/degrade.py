"""What a shortcut could read: clips with their motion taken away, so that direction must be at chance; and one end of the path alone, which
tells a little of it whatever is done."""

from __future__ import annotations

import functools
import zlib

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.factors import angle_within, direction_angle, sample_factors
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.errors import BadArgument

DEGRADATIONS = ("first_frame", "last_frame", "shuffled_frames", "mean_frame")
SCENES = 400_000  # that are simulated
BINS = 24  # of a position, each way


def degrade(
    video: Float[Tensor, "clips frames channels height width"], how: str, seed: int = 0
) -> Float[Tensor, "clips frames channels height width"]:
    """The clip with the order of its frames destroyed, at the same length.

    ``first_frame`` and ``last_frame`` repeat one frame, ``mean_frame`` repeats the average of all, ``shuffled_frames``
    draws another order for every clip (from its own pixels and ``seed``, so that it does not depend on the batch).
    """
    frames = video.shape[1]
    if how == "first_frame":
        return video[:, :1].expand_as(video)
    if how == "last_frame":
        return video[:, -1:].expand_as(video)
    if how == "mean_frame":
        return video.mean(dim=1, keepdim=True).expand_as(video)
    if how == "shuffled_frames":
        return torch.stack([clip[_order(clip, frames, seed)] for clip in video])
    raise BadArgument(f"There is no degradation '{how}'; known are {', '.join(DEGRADATIONS)}.")


def still_pixels(
    video: Float[Tensor, "clips frames 3 height width"], how: str, side: int, seed: int = 0
) -> Float[Tensor, "clips features"]:
    """What a probe of a degraded clip's pixels reads: grey, averaged down to at most ``side`` pixels a side.

    Of clips whose frames are all the same, one frame: the others say nothing more.
    """
    grey = degrade(video, how, seed).mean(dim=2)
    if how != "shuffled_frames":
        grey = grey[:, :1]
    return torch.nn.functional.adaptive_avg_pool2d(grey, min(side, video.shape[-1])).flatten(1)


def _order(clip: Float[Tensor, "frames channels height width"], frames: int, seed: int) -> Tensor:
    own = zlib.crc32((clip * 255).round().byte().cpu().numpy().tobytes())
    return torch.randperm(frames, generator=torch.Generator().manual_seed(own + seed))


@functools.cache
def end_position_limit(continuous: bool) -> float:
    """Accuracy of the best reader that knows the first (or last) position exactly and nothing else; no unit, chance is 1/8.

    ``continuous``: angles anywhere within the classes' sectors (circle), not the eight directions alone (directions8, complex).
    The last position minus the first is the displacement, so with the midpoint independent of direction each end points a
    little against or along it. Estimated by simulation: class frequencies in a fine grid of positions, learned on half of
    the scenes and scored on the other half.
    """
    rng = np.random.default_rng(0)
    labels = rng.integers(0, len(DIRECTION_NAMES), SCENES)
    directions = direction_angle(np.array(DIRECTION_NAMES))[labels]
    scenes = sample_factors(angle_within(directions, rng) if continuous else directions, rng)
    x = scenes["x"] - np.cos(scenes["angle"]) * scenes["speed"] / 2
    y = scenes["y"] + np.sin(scenes["angle"]) * scenes["speed"] / 2
    cells = [np.clip(((v - v.min()) / (v.max() - v.min()) * BINS).astype(int), 0, BINS - 1).to_numpy() for v in (x, y)]
    cell = cells[0] * BINS + cells[1]
    half = SCENES // 2
    counts = np.zeros((BINS * BINS, len(DIRECTION_NAMES)), dtype=np.int64)
    np.add.at(counts, (cell[:half], labels[:half]), 1)
    return float((counts.argmax(axis=1)[cell[half:]] == labels[half:]).mean())
