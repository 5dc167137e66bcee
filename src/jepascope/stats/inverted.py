"""The p that belongs to an interval, and Student's interval of a mean over independent runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, nan, sqrt

import numpy as np
from scipy.special import stdtrit

from jepascope.stats.bootstrap import LEVEL, Interval
from jepascope.stats.sides import side

STEPS = 40


def p_of_interval(interval_at: Callable[[float], Interval], least: float = 1e-9) -> float:
    """Two-sided p of no difference: the least alpha at which the interval of level 1 - alpha leaves zero out, so that p and interval never
    disagree (Cox & Hinkley 1974, 7.2). ``interval_at``: intervals that lie within each other. ``least``: what no p falls below, 2 / (1 +
    resamples) of a bootstrap. NaN where there is no interval."""

    def excluded(alpha: float) -> str:
        interval = interval_at(1 - alpha)
        return side(interval.low, interval.high)

    if excluded(least) == "unknown":
        return nan
    if excluded(least) != "across":
        return least
    inside, beyond = least, 1.0
    for _ in range(STEPS):
        middle = (inside + beyond) / 2
        inside, beyond = (middle, beyond) if excluded(middle) == "across" else (inside, middle)
    return beyond


def student(values: Sequence[float], level: float = LEVEL, bounds: tuple[float, float] = (-inf, inf)) -> Interval:
    """The mean of independent values with Student's interval, cut at the ``bounds`` of the value; NaN ends for fewer than two."""
    given = np.asarray(values, dtype=np.float64)
    if len(given) < 2:
        return Interval(float(given.mean()) if len(given) else nan, nan, nan, len(given))
    reach = float(stdtrit(len(given) - 1, 0.5 + level / 2)) * float(given.std(ddof=1)) / sqrt(len(given))
    mean = float(given.mean())
    return Interval(mean, max(mean - reach, bounds[0]), min(mean + reach, bounds[1]), len(given))
