"""Turning, mirroring and reversing a clip, and what becomes of a direction of motion: the one symmetry that labels can follow.

Columns of the factor table say what is done to the pixels, in this order: ``flipped`` mirrors left and right, ``turns`` are
counter-clockwise quarter turns, ``reversed`` plays the frames backwards. Mirroring top and bottom is ``flipped`` with two turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

COLUMNS = ("flipped", "turns", "reversed")


@dataclass(frozen=True)
class View:
    """One way to show a clip."""

    flipped: bool = False
    turns: int = 0
    reversed: bool = False


VIEWS = tuple(View(flipped, turns, backwards) for backwards in (False, True) for flipped in (False, True) for turns in range(4))
"""All sixteen, the clip as it is first."""


def shown_angle(
    angle: Float64[np.ndarray, " clips"],
    flipped: Bool[np.ndarray, " clips"],
    turns: Int[np.ndarray, " clips"],
    backwards: Bool[np.ndarray, " clips"],
) -> Float64[np.ndarray, " clips"]:
    """Directions (radians, counter-clockwise from the right) after mirroring, turning and reversing, in [0, 2 pi).

    Mirrored left and right: pi - a. A quarter turn counter-clockwise: a + pi/2. Backwards: a + pi.
    """
    mirrored = np.where(flipped, np.pi - angle, angle)
    moved: Float64[np.ndarray, " clips"] = np.mod(mirrored + np.pi / 2 * turns + np.pi * backwards, 2 * np.pi)
    return np.where(moved < 2 * np.pi, moved, 0.0)  # the remainder of a tiny negative number rounds to a full turn


def shown_pixels(
    video: Float[Tensor, "frames 3 size size"], flipped: bool, turns: int, backwards: bool
) -> Float[Tensor, "frames 3 size size"]:
    """One clip mirrored, turned and reversed."""
    if flipped:
        video = video.flip(3)
    video = torch.rot90(video, turns, (2, 3))
    return video.flip(0) if backwards else video
