"""Shares of clips: one with Wilson's interval, and the difference of two on the same clips."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Bool

from jepascope.errors import BadArgument
from jepascope.stats.bootstrap import LEVEL, Interval


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


def paired_drop(before: Bool[np.ndarray, " clips"], after: Bool[np.ndarray, " same"], level: float = LEVEL) -> Interval:
    """Share right before less share right after, of the same clips (each a scene), with Bonett & Price's (2012) adjusted Wald interval.

    Only clips whose reading changed count: with b lost and c gained of n, (b - c) / n. One lost and one gained clip are added for the
    interval, so that it has width where nothing changed; a bootstrap would then say "exactly nothing", whatever n.
    """
    if before.shape != after.shape or before.ndim != 1 or not len(before):
        raise BadArgument(f"A drop needs two readings of the same clips, not {before.shape} and {after.shape}.")
    n, lost, gained = len(before), int((before & ~after).sum()), int((after & ~before).sum())
    more, less = (lost + 1) / (n + 2), (gained + 1) / (n + 2)
    middle = more - less
    half = NormalDist().inv_cdf(0.5 + level / 2) * sqrt((more + less - middle**2) / (n + 2))
    return Interval((lost - gained) / n, max(-1.0, middle - half), min(1.0, middle + half), n)
