"""Clips with their motion taken away: what a shortcut could read. Nothing here moves, so direction must be at chance."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.errors import BadArgument

DEGRADATIONS = ("first_frame", "last_frame", "shuffled_frames", "mean_frame")


def degrade(video: Float[Tensor, "clips frames channels height width"], how: str, seed: int = 0) -> Float[Tensor, "clips frames channels height width"]:
    """The clip with the order of its frames destroyed, at the same length.

    ``first_frame`` and ``last_frame`` repeat one frame, ``mean_frame`` repeats the average of all, ``shuffled_frames``
    draws another order for every clip.
    """
    frames = video.shape[1]
    if how == "first_frame":
        return video[:, :1].expand_as(video)
    if how == "last_frame":
        return video[:, -1:].expand_as(video)
    if how == "mean_frame":
        return video.mean(dim=1, keepdim=True).expand_as(video)
    if how == "shuffled_frames":
        generator = torch.Generator().manual_seed(seed)
        order = torch.stack([torch.randperm(frames, generator=generator) for _ in range(len(video))])
        return torch.stack([clip[row] for clip, row in zip(video, order, strict=True)])
    raise BadArgument(f"There is no degradation '{how}'; known are {', '.join(DEGRADATIONS)}.")
