"""How numbers look on the page. Stored values are never rounded; this is the one place that shortens them for the eye."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from jepascope.stats import Side

DIGITS = 3
ABSENT = "n/a"
NOTHING = 1e-6  # an effect this small is the rounding of float32, not a measurement
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
    return isinstance(value, Real) and math.isfinite(value)  # Real: NumPy's scalars are numbers too


def json_number(value: Any) -> float | None:
    """A number as JSON holds it; None where there is none (missing, NaN or infinite)."""
    value = math.nan if value is None else float(value)
    return value if math.isfinite(value) else None


def json_values(value: Any) -> Any:
    """A value with all that it holds as JSON holds it: names as text, tuples as lists, and null for a number that does not exist."""
    if isinstance(value, Mapping):
        return {str(key): json_values(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [json_values(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(value: Any, digits: int = DIGITS) -> str:
    """A number with ``digits`` significant digits, never in exponent form between 1e-4 and 1e6; 'n/a' for NaN and None."""
    if not isinstance(value, Real):
        return ABSENT
    number = float(value)
    if math.isnan(number):
        return ABSENT
    if math.isinf(number):
        return "∞" if number > 0 else f"{MINUS}∞"
    if number == 0:
        return "0"
    exponent = math.floor(math.log10(abs(number)))
    plain = -4 <= exponent < 6
    text = f"{number:.{max(digits - 1 - exponent, 0)}f}" if plain else f"{number:.{digits - 1}e}"
    return text.replace("-", MINUS, 1) if number < 0 else text


def count(value: Any) -> str:
    """A whole number (a layer, a rank, a number of scenes)."""
    return f"{value:.0f}" if finite(value) else ABSENT


def _decimals(value: float, low: float, high: float) -> int:
    """Decimals that give the largest of three numbers three significant digits and the value itself at least two."""
    largest = max(abs(value), abs(low), abs(high))
    wanted = 2 - math.floor(math.log10(largest)) if largest else 0
    own = 1 - math.floor(math.log10(abs(value))) if value else 0
    return max(wanted, min(own, 4), 0)


def percent(value: Any) -> str:
    """A share as a percentage with one decimal."""
    if not finite(value):
        return ABSENT
    return f"{100 * value:.1f}".replace("-", MINUS).replace("100.0", "100") + "\u00a0%"


def decimals(value: Any, digits: int = 2) -> str:
    """A number with so many decimals, as headlines and the terminal print it: without a sign before zero; 'n/a' for none."""
    if value is None or math.isnan(value):
        return ABSENT
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def decimals_span(low: Any, high: Any, digits: int = 2) -> str:
    """An interval of such numbers."""
    return f"[{decimals(low, digits)}, {decimals(high, digits)}]"


def whole_percent(value: float, low: float, high: float) -> str:
    """A share with its interval: '62 [57, 67] %'."""
    return f"{decimals(100 * value, 0)} {decimals_span(100 * low, 100 * high, 0)} %"


def span(low: Any, high: Any) -> str:
    """An interval in brackets."""
    return f"[{shown(low)}, {shown(high)}]"


def percent_span(low: Any, high: Any) -> str:
    """An interval of shares, in per cent."""
    return f"[{percent(low)[:-2]}, {percent(high)}]" if finite(low) and finite(high) else f"[{ABSENT}, {ABSENT}]"


def with_interval(value: Any, low: Any, high: Any) -> str:
    """Value and interval, as they stand together everywhere: with the same number of decimals."""
    if not (finite(value) and finite(low) and finite(high)) or max(abs(value), abs(low), abs(high)) >= 1e6:
        return f"{shown(value)} {span(low, high)}"
    if max(abs(value), abs(low), abs(high)) < NOTHING:
        return f"0 (within {NOTHING:g})"
    decimals = _decimals(value, low, high)
    texts = [f"{number:.{decimals}f}".replace("-", MINUS) for number in (value, low, high)]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def columns_of(row: Any, name: str = "value") -> tuple[str, str, str]:
    """The columns of a value and of the ends of its interval: its own, or the table's low and high where it has none of its own."""
    return (name, f"{name}_low", f"{name}_high") if f"{name}_low" in row else (name, "low", "high")


def interval_of(row: Any, name: str = "value") -> tuple[float, float, float]:
    """A value of a table's row, and the ends of its interval."""
    value, low, high = (row[column] for column in columns_of(row, name))
    return value, low, high


def interval_words(row: Any, name: str = "value") -> str:
    """'0.62 [0.57, 0.67]', of a table's row."""
    return with_interval(*interval_of(row, name))


def share_words(value: Any, low: Any, high: Any) -> str:
    """'62.0 % [57.1, 66.8 %]'."""
    return f"{percent(value)} {percent_span(low, high)}"


def apart(own: Any, other: Any, name: str = "") -> Side:
    """Where one interval lies beside another: 'above' or 'below' it, 'across' where they touch, 'unknown' without both. Of two rows of a
    table (of the column ``name``), or of two things that have a ``low`` and a ``high``."""
    low, high, least, most = (_end(of, f"{name}_{end}".lstrip("_")) for of in (own, other) for end in ("low", "high"))
    if not all(finite(end) for end in (low, high, least, most)):
        return "unknown"
    return "above" if low > most else "below" if high < least else "across"


def _end(of: Any, name: str) -> Any:
    return getattr(of, name) if hasattr(of, name) else of[name]


def ratio_text(value: Any, low: Any, high: Any, is_bound: bool) -> str:
    """A ratio with its interval; when its denominator cannot be told from zero, ``value`` is a lower bound (stats.EffectRatio). Whether a
    ratio may be stated at all is for ``intervention.claims`` to say."""
    if is_bound:
        return "unbounded" if value == math.inf else f"≥ {shown(value)}"
    return with_interval(value, low, high)


def number_cell(value: Any) -> Cell:
    """A number alone."""
    return Cell(shown(value), exact(value))


def interval_cell(value: Any, low: Any, high: Any, strong: bool = False) -> Cell:
    """A number with its interval."""
    exact = f"{float(value)!r} [{float(low)!r}, {float(high)!r}]" if finite(value) and finite(low) and finite(high) else ""
    return Cell(with_interval(value, low, high), exact, strong)


def cell_of(row: Any, name: str = "value", strong: bool = False) -> Cell:
    """The same of a table's row."""
    return interval_cell(*interval_of(row, name), strong)


def share_cell(value: Any, low: Any, high: Any) -> Cell:
    """A share with its interval, and the stored number behind it."""
    return Cell(share_words(value, low, high), exact(value))


def exact(value: Any) -> str:
    """The stored number behind a shown one."""
    return repr(float(value)) if finite(value) else ""


def stacked(cell: Cell) -> Cell:
    """The interval below its value, which keeps a table of many effects narrow."""
    return replace(cell, text=cell.text.replace(" [", "\n[", 1))


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


def of_each(values: Any, say: Any = shown) -> str:
    """'0.1 to 0.3' of what is known, or '0.1' where that says all of it."""
    known = sorted(float(value) for value in values if finite(float(value)))
    ends = [say(known[0]), say(known[-1])] if known else [ABSENT]
    return ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"


def count_range(values: Any) -> str:
    """'80' when every count is the same, '60 to 80' otherwise."""
    return of_each(values, lambda value: str(int(value)))
