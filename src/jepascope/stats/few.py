"""Intervals where units are so few that no resample of them reaches far enough.

Resamples of three scenes lie between the least and the largest of the three, which is where their mean lies, too, in most samples but
by no means in 95 % of them; no level of a percentile interval mends that. Student's interval of the quantity to first order does.
"""

from __future__ import annotations

from math import inf, isfinite, nan, sqrt

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from jepascope.stats.bootstrap import LEVEL, Array, Interval, expanded_level
from jepascope.stats.heavy import heavy_tailed, led_by_few

FEW = 8  # scenes: from here on the expanded percentile interval serves


def widened(
    interval: Interval,
    of_scene: Float[Array, " scenes"],
    of_draw: Float[Array, " draws"] | None = None,
    level: float = LEVEL,
    bounds: tuple[float, float] = (-inf, inf),
    margins: Float[Array, " scenes"] | None = None,
) -> Interval:
    """The interval, or with fewer than FEW scenes the one that holds it and Student's: value -+ t s.

    ``of_scene`` (and ``of_draw``): each unit's influence on the value, which sum to zero; s^2 is the sum over both of n / (n - 1) times
    their squares, with the degrees of freedom of Welch (1947) and Satterthwaite (1946). NaN ends with one scene. ``bounds``: of the value.
    ``margins``: what the value is a share of. Where a few scenes hold most of it (``heavy_tailed``), the same is done with the variance and
    the freedom that these few allow (``led_by_few``), however many scenes there are.
    """
    led = margins is not None and heavy_tailed(margins)
    if (len(of_scene) >= FEW and not led) or not isfinite(interval.value):
        return interval
    if len(of_scene) < 2:
        return Interval(interval.value, nan, nan, interval.n)
    given = [part for part in (of_scene, of_draw) if part is not None and len(part) > 1]
    parts = [(float(np.square(part).sum()) * len(part) / (len(part) - 1), len(part) - 1.0) for part in given]
    if led and margins is not None:
        parts[0] = led_by_few(of_scene, margins)
    total = sum(variance for variance, _ in parts)
    if not total > 0:
        return interval
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts)
    reach = float(stdtrit(freedom, 0.5 + level / 2)) * sqrt(total)
    low, high = min(interval.low, interval.value - reach), max(interval.high, interval.value + reach)
    return Interval(interval.value, max(low, bounds[0]), min(high, bounds[1]), interval.n)


def reaches_zero(denominator: Float[Array, " scenes"], resampled: Float[Array, " resamples"]) -> bool:
    """Whether a denominator's interval holds zero or lies below it, as its resampled sums say, or Student's where scenes are few: then
    there is nothing to take a share of."""
    n = len(denominator)
    if n < 2 or np.quantile(resampled, (1 - expanded_level(LEVEL, n)) / 2) <= 0 or (resampled == 0).any():
        return True
    mean = float(denominator.mean())
    return n < FEW and widened(Interval(mean, mean, mean, n), (denominator - mean) / n).low <= 0
