"""Clips with their motion taken away: what a shortcut could read. Nothing here moves, so direction must be at chance."""

from __future__ import annotations

import zlib

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.errors import BadArgument

DEGRADATIONS = ("first_frame", "last_frame", "shuffled_frames", "mean_frame")


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
