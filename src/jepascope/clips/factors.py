"""Factors of a scene: what varies between clips, and how it is drawn.

Positions and sizes are fractions of the frame's side; a speed is the distance travelled in one clip, in frame sides, so
that one scene can be rendered at any size and length. Directions are angles in radians, counter-clockwise on the screen:
0 = right (E), pi/2 = up (N).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.clips.ranges import DIRECTION_NAMES, POSITION_RANGE, SHAPES, SIZE_RANGE, SPEED_RANGE


def direction_angle(names: pd.Series | np.ndarray) -> np.ndarray:
    """Angle in radians of each direction name."""
    lookup = {name: 2 * np.pi * i / len(DIRECTION_NAMES) for i, name in enumerate(DIRECTION_NAMES)}
    return np.array([lookup[str(name)] for name in names], dtype=np.float64)


def nearest_direction(angle: np.ndarray) -> np.ndarray:
    """Name of the nearest of the eight directions to each angle (radians)."""
    index = np.round(np.asarray(angle) / (2 * np.pi / len(DIRECTION_NAMES))).astype(int) % len(DIRECTION_NAMES)
    names: np.ndarray = np.array(DIRECTION_NAMES)[index]
    return names


def sample_factors(angles: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Draw every factor but the direction, independently of it and of each other.

    The midpoint of the path is uniform over one box for all clips: the box that keeps the largest, fastest object inside
    the frame whatever its direction. So neither the mean position nor the distance to the border tells the direction.
    (The *first* and the *last* position alone must tell something: their difference is the displacement. The leak check
    prints how much.)
    """
    n = len(angles)
    table = pd.DataFrame(
        {
            "direction": nearest_direction(angles),
            "angle": np.mod(angles, 2 * np.pi),
            "speed": rng.uniform(*SPEED_RANGE, n),
            "x": rng.uniform(*POSITION_RANGE, n),
            "y": rng.uniform(*POSITION_RANGE, n),
            "size": rng.uniform(*SIZE_RANGE, n),
            "shape": rng.choice(SHAPES, n),
            "hue": rng.uniform(0, 1, n),
            "lightness": rng.uniform(0.75, 1.0, n),
            "background": rng.uniform(0.25, 0.45, n),
            "noise": np.full(n, 0.02),
            "noise_seed": rng.integers(0, 2**31, n),
            "reversed": np.zeros(n, dtype=bool),
        }
    )
    return table
