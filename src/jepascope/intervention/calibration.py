"""How far a decoded angle lies from the one that was asked for: of rows of the table ``calibration``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.stats import LEVEL, Interval, expanded_level, mean_interval, scene_weights, widened

CHANCE = 90.0  # degrees by which a random angle misses, on average


def angle_errors(rows: pd.DataFrame) -> pd.Series[float]:
    """Absolute circular difference of decoded and requested angle, degrees in 0 to 180."""
    return ((rows["decoded"] - rows["requested"] + 180) % 360 - 180).abs()


def mean_error(rows: pd.DataFrame) -> Interval:
    """Mean of the errors with its 95 % interval over scenes, which are averaged over requested angles first."""
    by_scene = rows.assign(error=angle_errors(rows)).groupby("scene")["error"].mean().to_numpy()
    error = mean_interval(by_scene, scene_weights(len(by_scene), np.random.default_rng(0)), expanded_level(LEVEL, len(by_scene)))
    return widened(error, (by_scene - error.value) / len(by_scene), bounds=(0, 180))
