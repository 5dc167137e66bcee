"""Turning, mirroring and reversing a clip, and what becomes of a direction of motion: the one symmetry that labels can follow.

Columns of the factor table say what is done to the pixels, in this order: ``flipped`` mirrors left and right, ``turns`` are
counter-clockwise quarter turns, ``reversed`` plays the frames backwards. Mirroring top and bottom is ``flipped`` with two turns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int, UInt8

COLUMNS = ("flipped", "turns", "reversed")


@dataclass(frozen=True)
class View:
    """One way to show a clip, or a picture."""

    flipped: bool = False
    turns: int = 0
    reversed: bool = False

    def picture(self, stored: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "shown_height shown_width 3"]:
        """A picture mirrored and turned."""
        return np.ascontiguousarray(np.rot90(stored[:, ::-1] if self.flipped else stored, self.turns))

    @property
    def matrix(self) -> Float64[np.ndarray, "2 2"]:
        """Where a step to the right and a step down (the columns) lead on the screen, as (right, down)."""
        turn = np.linalg.matrix_power(np.array([[0.0, 1.0], [-1.0, 0.0]]), self.turns)
        return turn @ np.diag([-1.0 if self.flipped else 1.0, 1.0])


VIEWS = tuple(View(flipped, turns, backwards) for backwards in (False, True) for flipped in (False, True) for turns in range(4))
"""All sixteen, the clip as it is first, then the others that play forwards."""


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
