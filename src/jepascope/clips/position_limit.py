"""What the position of one end of the path alone can tell of the direction: a leak that no centred path can avoid."""

from __future__ import annotations

import functools

import numpy as np

from jepascope.clips.factors import angle_within, direction_angle, sample_factors
from jepascope.clips.ranges import DIRECTION_NAMES

SCENES = 400_000
BINS = 24


@functools.cache
def end_position_limit(seed: int = 0, continuous: bool = False) -> float:
    """Accuracy of the best reader that knows the first (or last) position exactly and nothing else; no unit, chance is 1/8.

    ``continuous``: angles anywhere within the classes' sectors (circle), not the eight directions alone (directions8, complex).
    The last position minus the first is the displacement, so with the midpoint independent of direction each end points a
    little against or along it. Estimated by simulation: class frequencies in a fine grid of positions, learned on half of
    the scenes and scored on the other half.
    """
    rng = np.random.default_rng(seed)
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
