"""Factors of a scene: what varies between clips, and how it is drawn.

Positions and sizes are fractions of the frame's side; a speed is the distance travelled in one clip, in frame sides, so
that one scene can be rendered at any size and length. Directions are angles in radians, counter-clockwise on the screen:
0 = right (E), pi/2 = up (N).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from jepascope.clips.ranges import DIRECTION_NAMES, POSITION_RANGE, SHAPES, SIZE_RANGE, SPEED_RANGE

# Drawn angles lie whole multiples of STEP from 0 or from a direction. The floats pi and pi / 4 are multiples of 2^-50, and so is every
# sum of those; below 8 all multiples of 2^-50 are floats. So turning by sectors or half a turn, there and back, is exact bit for bit.
STEP = 2.0**-40
SECTOR = 2 * np.pi / len(DIRECTION_NAMES)
SECTOR_LIMIT = float(np.floor(SECTOR / 2 * (1 - 1e-9) / STEP) * STEP)  # how far a drawn angle may be from its direction


def direction_angle(names: pd.Series | np.ndarray) -> np.ndarray:
    """Angle in radians of each direction name."""
    lookup = {name: 2 * np.pi * i / len(DIRECTION_NAMES) for i, name in enumerate(DIRECTION_NAMES)}
    return np.array([lookup[str(name)] for name in names], dtype=np.float64)


def nearest_direction(angle: np.ndarray) -> np.ndarray:
    """Name of the nearest of the eight directions to each angle (radians)."""
    names: np.ndarray = np.array(DIRECTION_NAMES)[_nearest(np.asarray(angle))]
    return names


def _nearest(angle: np.ndarray) -> np.ndarray:
    index: np.ndarray = np.round(angle / SECTOR).astype(int) % len(DIRECTION_NAMES)
    return index


def direction_offset(angle: np.ndarray) -> np.ndarray:
    """Each angle less that of its nearest direction: where it lies within its sector (radians, at most half a sector)."""
    at = np.asarray(angle, dtype=np.float64)
    offset = at - direction_angle(np.array(DIRECTION_NAMES))[_nearest(at)]
    turns: np.ndarray = np.where(offset > np.pi, offset - 2 * np.pi, offset)  # just below a full turn is just below E
    return turns.clip(-SECTOR_LIMIT, SECTOR_LIMIT)


def opposite(angle: np.ndarray) -> np.ndarray:
    """The angles half a turn on (radians)."""
    at = np.asarray(angle, dtype=np.float64)
    turned: np.ndarray = np.where(at < np.pi, at + np.pi, at - np.pi)
    return turned


def any_angle(count: int, rng: np.random.Generator) -> np.ndarray:
    """Angles (radians) uniform on the circle."""
    drawn: np.ndarray = np.floor(rng.uniform(0, 2 * np.pi, count) / STEP) * STEP
    return drawn


def angle_within(directions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Angles (radians) uniform within the sectors around these directions (radians)."""
    offset = np.round(rng.uniform(-SECTOR / 2, SECTOR / 2, len(directions)) / STEP) * STEP
    drawn: np.ndarray = np.mod(directions + offset.clip(-SECTOR_LIMIT, SECTOR_LIMIT), 2 * np.pi)
    return drawn


def displacement(angle: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) travelled in one clip, in frame sides, y downwards, in float32.

    Exactly opposite for opposite angles; of the eight directions up to 1e-16, which no position shows.
    """
    # of opposite angles one lies in the first half turn: both are computed there
    half = np.where(angle < np.pi, angle, angle - np.pi)
    sign = np.where(angle < np.pi, 1.0, -1.0)
    # the eight directions keep the rounding that they always had, so that pixels of earlier studies stay what they were
    exact = direction_offset(angle) == 0
    along = np.where(exact, np.cos(angle), sign * np.cos(half))
    across = np.where(exact, np.sin(angle), sign * np.sin(half))
    return (along * speed).astype(np.float32), (-across * speed).astype(np.float32)


@dataclass(frozen=True)
class Factor:
    """A column of the factor table: what it says, with its unit, and how so many of it are drawn (None: it is given)."""

    meaning: str
    draw: Callable[[int, np.random.Generator], np.ndarray] | None = None


def uniform(low: float, high: float) -> Callable[[int, np.random.Generator], np.ndarray]:
    return lambda count, rng: rng.uniform(low, high, count)


def any_shape(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(SHAPES, count)


SCENE = {
    "scene": Factor("id; clips of one scene share it"),
    "split": Factor("fit, judge or test"),
    "direction": Factor("of the main object's motion in the image: the nearest of eight"),
    "angle": Factor("of that motion (radians)"),
    "speed": Factor("that it travels (frame sides a clip)", uniform(*SPEED_RANGE)),
    "x": Factor("middle of its path, from the left (frame sides)", uniform(*POSITION_RANGE)),
    "y": Factor("middle of its path, from the top (frame sides)", uniform(*POSITION_RANGE)),
    "size": Factor("radius of the disc of its area (frame sides)", uniform(*SIZE_RANGE)),
    "shape": Factor("its outline", any_shape),
    "hue": Factor("its hue (turns; 0 is red)", uniform(0, 1)),
    "lightness": Factor("its lightness (share of the lightest)", uniform(0.75, 1.0)),
    "background": Factor("grey of the background (intensity)", uniform(0.25, 0.45)),
    "noise": Factor("standard deviation of the sensor's noise (intensity)", lambda count, _: np.full(count, 0.02)),
    "noise_seed": Factor("draws that noise", lambda count, rng: rng.integers(0, 2**31, count)),
    "reversed": Factor("whether that noise runs backwards", lambda count, _: np.zeros(count, dtype=bool)),
}
"""The main object, the plain background and the noise, in the order in which they are drawn."""


def drawn(factors: dict[str, Factor], count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """So many of each factor that is drawn, one after another, each independently of all others."""
    return {name: factor.draw(count, rng) for name, factor in factors.items() if factor.draw is not None}


def sample_factors(angles: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Draw every factor but the direction, independently of it and of each other.

    The midpoint of the path is uniform over one box for all clips: the box that keeps the largest, fastest object inside
    the frame whatever its direction. So neither the mean position nor the distance to the border tells the direction.
    (The *first* and the *last* position alone must tell something: their difference is the displacement. The leak check
    prints how much.)
    """
    directions = {"direction": nearest_direction(angles), "angle": np.mod(angles, 2 * np.pi)}
    return pd.DataFrame({**directions, **drawn(SCENE, len(angles), rng)})
