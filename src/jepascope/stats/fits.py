"""Intervals that are said of the procedure: the spread over re-fits, added to that over scenes and draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot, isfinite, nan, sqrt

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from jepascope.stats.bootstrap import LEVEL, Array, Interval

FEWEST_GROUPS = 5
"""Fewer groups left out in turn say too little of a variance: Student's t with three degrees of freedom is 3.2."""


@dataclass(frozen=True)
class Refitted:
    """A quantity made anew; ``again``: its values on other samples, or (``left_out``) without one group of its scenes, group by group."""

    again: Float[Array, " fits"]
    left_out: bool = False

    @property
    def error(self) -> float:
        """Standard error over samples: the spread of the values; of groups left out the delete-a-group jackknife's, (G - 1) / G times the
        sum of squares about their mean (Kott 2001). The latter is too large for what is far from linear in its clips: leaving some out
        takes away more than adding as many would add (nano, diff_means: by half). NaN with fewer than FEWEST_GROUPS."""
        count = len(self.again)
        if count < FEWEST_GROUPS or not np.isfinite(self.again).all():
            return nan
        squares = float(np.square(self.again - self.again.mean()).sum())
        return sqrt(squares * (count - 1) / count if self.left_out else squares / (count - 1))

    def reach(self, level: float = LEVEL) -> float:
        """How far Student's interval of the quantity reaches to either side, with one degree of freedom less than there are values."""
        return float(stdtrit(len(self.again) - 1, 0.5 + level / 2)) * self.error


def of_the_encoder(interval: Interval, refitted: Iterable[Refitted], scale: float = 1.0, level: float = LEVEL) -> Interval:
    """The interval of a quantity that was measured for one fit, widened by what re-fits change: of the procedure, on new scenes all over.

    Reaches of independent samples (test scenes with draws, fit scenes, judge scenes) add as squares on either side (MOVER: Zou & Donner
    2008), so that one that is longer upwards stays so. ``scale``: how much the quantity moves for one unit of what was made anew. NaN ends
    where a spread is not known.
    """
    reaches = [scale * one.reach(level) for one in refitted]
    if not reaches or not isfinite(interval.value) or not all(map(isfinite, reaches)):
        return Interval(interval.value, nan, nan, interval.n)
    low, high = (hypot(interval.value - end, *reaches) for end in (interval.low, interval.high))
    return Interval(interval.value, interval.value - low, interval.value + high, interval.n)


def groups_of(labels: Int[Array, " clips"], scenes: Int[Array, " clips"], groups: int, seed: int) -> Int[Array, " clips"]:
    """A group 0..groups-1 for every clip: whole scenes, those of a class dealt out one after another in random order."""
    rng = np.random.default_rng([seed, 18])
    ids, first = np.unique(scenes, return_index=True)
    order = np.lexsort((rng.permutation(len(ids)), labels[first]))
    dealt = np.empty(len(ids), dtype=np.int64)
    dealt[order] = np.arange(len(ids)) % groups
    return dealt[np.searchsorted(ids, scenes)]


def fewest_scenes(labels: Int[Array, " clips"], scenes: Int[Array, " clips"]) -> int:
    """Scenes of the class that has the fewest."""
    return min(len(np.unique(scenes[labels == label])) for label in np.unique(labels))
