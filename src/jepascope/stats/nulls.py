"""What chance alone gives: bounds, percentiles and p values from draws of a null, and Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, nan

import numpy as np
from jaxtyping import Float

from jepascope.stats.bootstrap import LEVEL, Array, finite


def null_bound(null: Float[Array, " draws"], level: float = LEVEL) -> float:
    """The ceil(level x (draws + 1))-th smallest draw: one more exchangeable draw lies above it in at most 1 - level of cases.

    (Phipson & Smyth 2010.) Draws of the largest of many statistics make it hold for all of them at once (Westfall & Young 1993).
    Fewer than level / (1 - level) draws cannot bound anything, and give NaN.
    """
    null = finite("null", null, 1)
    # the tolerance is for 0.95 x 20, which is 19 and not a little more
    rank = ceil(level * (len(null) + 1) - 1e-9)
    return float(np.sort(null)[rank - 1]) if rank <= len(null) else nan


def percentile_in_null(value: float, null: Float[Array, " draws"]) -> float:
    """Where a value lies among draws of the null, 0..100 (ties count half)."""
    null = finite("null", null, 1)
    return float(100 * ((null < value).sum() + 0.5 * (null == value).sum()) / len(null))


def p_value(value: float, null: Float[Array, " draws"]) -> float:
    """(1 + #{null >= value}) / (1 + draws): one-sided, never zero (Phipson & Smyth 2010)."""
    null = finite("null", null, 1)
    return float((1 + (null >= value).sum()) / (1 + len(null)))


def holm(p: Sequence[float] | Float[Array, " tests"]) -> Float[Array, " tests"]:
    """Holm's (1979) step-down adjusted p values, in the order given; NaN (a test that could not be made) stays NaN."""
    given = np.asarray(p, dtype=np.float64)
    adjusted = np.full(given.shape, nan)
    order = np.argsort(given)[: int(np.isfinite(given).sum())]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted
