"""How numbers look on the page. Stored values are never rounded; this is the one place that shortens them for the eye."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

DIGITS = 3
ABSENT = "n/a"
MINUS = "\u2212"


@dataclass(frozen=True)
class Cell:
    """One table cell: what is shown, the stored value behind it (kept in the page), and whether to stress it."""

    text: str
    exact: str = ""
    strong: bool = False

    def __str__(self) -> str:
        return self.text


def finite(value: Any) -> bool:
    """Whether a value is a number that can be shown."""
    return isinstance(value, int | float) and math.isfinite(value)


def shown(value: Any, digits: int = DIGITS) -> str:
    """A number with ``digits`` significant digits, never in exponent form between 1e-4 and 1e6; 'n/a' for NaN and None."""
    if not isinstance(value, int | float) or math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    number = float(value)
    if number == 0:
        return "0"
    exponent = math.floor(math.log10(abs(number)))
    if exponent < -4 or exponent >= 6:
        text = f"{number:.{digits - 1}e}"
    elif exponent >= digits - 1:
        text = f"{number:.0f}"
    else:
        text = f"{number:.{digits - 1 - exponent}f}" if exponent < 0 else f"{number:.{max(digits - 1 - exponent, 0)}f}"
    return text.replace("-", MINUS, 1) if number < 0 else text


def percent(value: Any) -> str:
    """A share as a percentage with three significant digits at most."""
    if not finite(value):
        return ABSENT
    text = f"{100 * value:.1f}"
    return (text[:-2] if text.endswith(".0") else text).replace("-", MINUS) + " %"


def span(low: Any, high: Any) -> str:
    """An interval in brackets."""
    return f"[{shown(low)}, {shown(high)}]"


def percent_span(low: Any, high: Any) -> str:
    """An interval of shares, in per cent."""
    return f"[{percent(low)[:-2]}, {percent(high)}]" if finite(low) and finite(high) else f"[{ABSENT}, {ABSENT}]"


def with_interval(value: Any, low: Any, high: Any) -> str:
    """Value and interval, as they stand together everywhere."""
    return f"{shown(value)} {span(low, high)}"


def ratio_text(value: Any, low: Any, high: Any, is_bound: bool) -> str:
    """A ratio with its interval; when its denominator cannot be told from zero, only the lower bound is printed."""
    if is_bound:
        return f"≥ {shown(low)}" if finite(low) else "unbounded"
    return with_interval(value, low, high)


def number_cell(value: Any) -> Cell:
    """A number alone."""
    return Cell(shown(value), repr(float(value)) if finite(value) else "")


def interval_cell(value: Any, low: Any, high: Any, strong: bool = False) -> Cell:
    """A number with its interval."""
    exact = f"{float(value)!r} [{float(low)!r}, {float(high)!r}]" if finite(value) and finite(low) and finite(high) else ""
    return Cell(with_interval(value, low, high), exact, strong)


def p_text(p: Any) -> str:
    """A p value."""
    return shown(p, 2)


def duration(seconds: Any) -> str:
    """Seconds as a reader says them."""
    if not finite(seconds):
        return ABSENT
    if seconds < 120:
        return f"{shown(seconds)} s"
    if seconds < 7200:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def count_range(values: Any) -> str:
    """'80' when every count is the same, '60 to 80' otherwise."""
    counts = sorted({int(value) for value in values if finite(float(value))})
    if not counts:
        return ABSENT
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
