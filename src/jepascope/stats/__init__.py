"""Intervals, permutation percentiles and corrections: every number on screen gets its uncertainty here.

All bootstraps resample whole scenes (and, where a control is involved, its draws as well) by multinomial counts, so that a
resampled sum is one row of a matrix product. Intervals are percentile intervals (Efron & Tibshirani 1993, chapter 13); those of
effects are expanded for few units (``expanded_level``).
"""

from __future__ import annotations

from jepascope.stats.bootstrap import (
    LEVEL,
    RESAMPLES,
    Interval,
    bootstrap_weights,
    expanded_level,
    joint_level,
    mean_interval,
    r_squared,
    scene_weights,
)
from jepascope.stats.clusters import clustered, scene_proportion, scene_sums
from jepascope.stats.controlled import MIN_DRAWS, OUTSIDE_DRAWS, EffectRatio, causal_effect_ratio
from jepascope.stats.few import FEW, widened
from jepascope.stats.nulls import holm, null_bound, p_value, percentile_in_null
from jepascope.stats.proportions import paired_drop, proportion, wilson
from jepascope.stats.ratios import EQUIVALENCE_ALPHA, Equivalence, equivalence, ratio_of_means
from jepascope.stats.sides import Side, side

__all__ = [
    "EQUIVALENCE_ALPHA",
    "FEW",
    "LEVEL",
    "MIN_DRAWS",
    "OUTSIDE_DRAWS",
    "RESAMPLES",
    "EffectRatio",
    "Equivalence",
    "Interval",
    "Side",
    "bootstrap_weights",
    "causal_effect_ratio",
    "clustered",
    "equivalence",
    "expanded_level",
    "holm",
    "joint_level",
    "mean_interval",
    "null_bound",
    "p_value",
    "paired_drop",
    "percentile_in_null",
    "proportion",
    "r_squared",
    "ratio_of_means",
    "scene_proportion",
    "scene_sums",
    "scene_weights",
    "side",
    "widened",
    "wilson",
]
