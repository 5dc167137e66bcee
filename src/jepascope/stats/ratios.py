"""Ratios of sums over scenes (causal effects are such), and the test that one is too small to matter."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan

import numpy as np
from jaxtyping import Float

from jepascope.errors import BadArgument
from jepascope.stats.bootstrap import LEVEL, RESAMPLES, Array, Interval, bootstrap_weights, expanded_level, finite, percentile_interval
from jepascope.stats.few import reaches_zero, widened

EQUIVALENCE_ALPHA = 0.05


def ratio_of_means(
    numerator: Float[Array, " scenes"],
    denominator: Float[Array, " scenes"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """sum(numerator) / sum(denominator) with its expanded percentile bootstrap interval over scenes, which are kept paired;
    wider where they are fewer than eight, and where a few of them carry most of the denominator (``few.widened``).

    A scene is the unit: several conditions of one scene are summed before they come here. When the denominator's own 95 %
    interval reaches zero the ratio means nothing, and value and ends are NaN, as they are for fewer than two scenes.
    """
    numerator, denominator = finite("numerator", numerator, 1), finite("denominator", denominator, 1)
    scenes = len(numerator)
    if scenes != len(denominator):
        raise BadArgument(f"Numerator and denominator must be of the same scenes, not {scenes} and {len(denominator)}.")
    below = (weights := bootstrap_weights(scenes, resamples, rng)) @ denominator
    if reaches_zero(denominator, below):
        return Interval(nan, nan, nan, scenes)
    value = float(numerator.sum() / denominator.sum())
    interval = percentile_interval(value, weights @ numerator / below, scenes, expanded_level(level, scenes))
    return widened(interval, (numerator - value * denominator) / denominator.sum(), level=level, margins=denominator)


@dataclass(frozen=True)
class Equivalence:
    """Whether a ratio is shown to be smaller than ``margin`` in size; ``low`` and ``high`` are its 90 % interval.

    ``equivalent`` False means not shown: because there is an effect, or because the interval is too wide to say.
    """

    value: float
    low: float
    high: float
    margin: float
    n: int
    equivalent: bool


def equivalence(
    numerator: Float[Array, " scenes"],
    denominator: Float[Array, " scenes"],
    margin: float,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    alpha: float = EQUIVALENCE_ALPHA,
) -> Equivalence:
    """Two one-sided tests at ``alpha`` that sum(numerator) / sum(denominator) lies within -margin .. margin (Schuirmann 1987).

    Both reject if the interval of level 1 - 2 alpha (``ratio_of_means``) lies inside: an effect of the margin's size or more is then
    called none in at most ``alpha`` of cases. ``margin`` is in the ratio's own units and is chosen before looking. NaN, and not
    shown, where the denominator's interval reaches zero.
    """
    if not (isfinite(margin) and margin > 0):
        raise BadArgument(f"An equivalence margin must be a number above 0, not {margin}: no data show that an effect is exactly zero.")
    if not 0 < alpha < 0.5:
        raise BadArgument(f"The error rate of an equivalence test must lie between 0 and 0.5, not at {alpha}.")
    interval = ratio_of_means(numerator, denominator, rng, resamples, 1 - 2 * alpha)
    return Equivalence(interval.value, interval.low, interval.high, margin, interval.n, -margin < interval.low and interval.high < margin)
