"""Factors of a scene: what varies between clips, and how it is drawn.

Positions and sizes are fractions of the frame's side; a speed is the distance travelled in one clip, in frame sides, so
that one scene can be rendered at any size and length. Directions are angles in radians, counter-clockwise on the screen:
0 = right (E), pi/2 = up (N).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

DIRECTION_NAMES = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")
SHAPES = ("disc", "square", "diamond", "triangle")

SIZE_RANGE = (0.07, 0.105)  # radius of the disc of equal area
SPEED_RANGE = (0.14, 0.26)  # travelled in one clip
MARGIN = 0.01  # what stays free between the object's outermost point and the border


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
    reach = SPEED_RANGE[1] / 2 + SIZE_RANGE[1] * 1.56 + MARGIN  # 1.56: circumradius of the equal-area triangle
    table = pd.DataFrame(
        {
            "direction": nearest_direction(angles),
            "angle": np.mod(angles, 2 * np.pi),
            "speed": rng.uniform(*SPEED_RANGE, n),
            "x": rng.uniform(reach, 1 - reach, n),
            "y": rng.uniform(reach, 1 - reach, n),
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
