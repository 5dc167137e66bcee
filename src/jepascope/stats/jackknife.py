"""The delete-a-group jackknife: how far a value moves when a tenth of the clips that it was found in is another tenth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan, sqrt

import numpy as np
from scipy.special import stdtr, stdtrit

from jepascope.stats.bootstrap import LEVEL, Interval


@dataclass(frozen=True)
class Jackknifed:
    """A value with its standard error and the degrees of freedom of that."""

    value: float
    error: float
    freedom: float

    def interval(self, n: int = 0, bounds: tuple[float, float] = (-inf, inf)) -> Interval:
        """95 % interval by Student's t, cut at the ``bounds`` of the value."""
        reach = float(stdtrit(self.freedom, 0.5 + LEVEL / 2)) * self.error if self.error else 0.0
        return Interval(self.value, max(self.value - reach, bounds[0]), min(self.value + reach, bounds[1]), n)

    def p_below(self, bound: float) -> float:
        """One-sided p of the hypothesis that the quantity is not below ``bound``."""
        return float(stdtr(self.freedom, (self.value - bound) / self.error)) if self.error else float(self.value >= bound)


def jackknifed(value: float, *samples: Sequence[float]) -> Jackknifed:
    """``samples``: of every independent sample that the value rests on, the value without each of its groups in turn.

    Variance (g - 1) / g sum (v_i - mean v)^2 for g groups (Shao & Tu 1995, 2.3), summed over the samples; degrees of freedom of Welch and
    Satterthwaite. A bootstrap draws clips twice, which adds noise to what is found and lowers every alignment: its intervals do not
    hold the alignment that new clips would give.
    """
    parts = [(len(given), float(np.square(np.asarray(given) - np.mean(given)).sum()) * (len(given) - 1) / len(given)) for given in samples]
    total = sum(variance for _, variance in parts)
    if not total > 0:
        return Jackknifed(value, 0.0, nan)
    return Jackknifed(value, sqrt(total), total**2 / sum(variance**2 / (groups - 1) for groups, variance in parts))


def p_above_zero(values: Sequence[float] | np.ndarray) -> float:
    """One-sided p of Student's test that the mean of some scenes is not above zero; NaN for fewer than two."""
    given = np.asarray(values, dtype=np.float64)
    if len(given) < 2:
        return nan
    spread = float(given.std(ddof=1)) / sqrt(len(given))
    return 1 - float(stdtr(len(given) - 1, given.mean() / spread)) if spread else float(given.mean() <= 0)
