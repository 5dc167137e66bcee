"""Shares of clips: one with Wilson's interval, and the difference of two on the same clips."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

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
