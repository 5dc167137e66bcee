"""Where an interval lies beside a level: the one question that every word about a number comes from."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Literal

Side = Literal["above", "below", "across", "unknown"]


def side(low: float | None, high: float | None, level: float = 0.0) -> Side:
    """'above' or 'below' as the whole interval lies beyond the level, 'across' where it holds it, 'unknown' without an interval."""
    if low is None or high is None or isnan(low) or isnan(high) or not isfinite(level):
        return "unknown"
    return "above" if low > level else "below" if high < level else "across"


def powerless(low: float | None, high: float | None, margin: float) -> bool:
    """Whether an interval reaches beyond the margin on both sides: neither an effect of that size nor the lack of one could be seen in it.
    False without an interval or a margin."""
    return side(low, high, -margin) == side(low, high, margin) == "across"
