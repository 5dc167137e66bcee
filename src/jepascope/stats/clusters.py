"""Shares of clips with Wilson's interval; and clips that are no independent units: several of one scene (windows of one video) count as
what the scene says, not as so many.

Where every clip is a scene of its own, everything here is what it is without scenes, to the last bit.
"""

from __future__ import annotations

from math import nan, sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from scipy.stats import t as student_t

from jepascope.errors import BadArgument
from jepascope.stats.bootstrap import LEVEL, Array, Interval


def proportion(successes: int, n: int, level: float = LEVEL) -> Interval:
    """A share with its Wilson (1927) score interval, which stays inside 0..1 and has width at 0 and at n."""
    if not 0 <= successes <= n or n == 0:
        raise BadArgument(f"A proportion needs 0 <= successes <= n and n >= 1, not {successes} of {n}.")
    share = successes / n
    return Interval(share, *wilson(share, n, level), n)


def wilson(share: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Ends of the score interval of a share of n units, n whole or effective."""
    z = NormalDist().inv_cdf(0.5 + level / 2)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # the ends are exactly 0 and 1 there, which rounding would miss
    return 0.0 if share == 0 else middle - half, 1.0 if share == 1 else middle + half


def clustered(scenes: Shaped[Array, " units"]) -> bool:
    """Whether some scene has several units."""
    return len(np.unique(scenes)) < len(scenes)


def scene_sums(values: Float[Array, "*rows units"], scenes: Int[Array, " units"]) -> Float[Array, "*rows scenes"]:
    """Sums over the units of each scene, scenes in the order of their ids; the values themselves where each unit is a scene.

    An effect is a ratio of sums, and resampling whole scenes draws all units of a scene equally often: so the bootstrap over scenes
    of such a ratio is that of these sums.
    """
    if values.shape[-1] != len(scenes):
        raise BadArgument(f"There are {values.shape[-1]} values but {len(scenes)} scene ids; pass one scene id a value.")
    if not clustered(scenes):
        return values
    ids, index = np.unique(scenes, return_inverse=True)
    sums: np.ndarray = np.asarray(values, dtype=np.float64) @ (index[:, None] == np.arange(len(ids))).astype(np.float64)
    return sums


def scene_proportion(right: Bool[Array, " units"], scenes: Int[Array, " units"] | None = None, level: float = LEVEL) -> Interval:
    """A share of units with Wilson's interval, at the effective number of units where scenes have several.

    Effective (Rao & Scott 1992; Korn & Graubard 1998): n p (1 - p) over the variance of the share's numerator between scenes, no more
    than n, times (t_(n-1) / t_(K-1))^2 because that variance is itself an estimate from K scenes. Where all are right, or none, no
    variance can be seen, and scenes count as units. NaN ends with one scene.
    """
    n, hits = len(right), int(right.sum())
    if scenes is None or not clustered(scenes):
        return proportion(hits, n, level)
    many, share = len(np.unique(scenes)), hits / n
    if many < 2:
        return Interval(share, nan, nan, n)
    apart = scene_sums(right - share, scenes)
    variance = many / (many - 1) * float(np.square(apart).sum())
    within = n * share * (1 - share)
    effective = float(many) if variance <= 0 or within <= 0 else min(float(n), n * within / variance)
    quantile = 0.5 + level / 2
    effective *= float(student_t.ppf(quantile, n - 1) / student_t.ppf(quantile, many - 1)) ** 2
    low, high = wilson(share, effective, level)
    return Interval(share, low, high, n)
