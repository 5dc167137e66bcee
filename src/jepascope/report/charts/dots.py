"""A dot plot for a small screen: one value a line beside its name and its number, with every draw as a dot behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import finite
from jepascope.findings.questions import points
from jepascope.report.charts.canvas import BLACK, BLUE, GREY, Drawing, Values, canvas, cloud, finish, style

WIDE = 4.9  # inches; 353 SVG units, which a phone shows as they are
EACH = 0.2  # inches of a line
ROUND = 0.62  # of a line that its draws are spread over


@dataclass(frozen=True)
class Dot:
    """A line: its name, the value with its interval, the draws behind it or one value ``beside`` it, and whether it is what the plot is
    about (``leads``) or held against it (``named``)."""

    label: str
    value: float
    text: str
    low: float = nan
    high: float = nan
    draws: Sequence[float] = ()
    leads: bool = False
    named: bool = False
    beside: float = nan


@dataclass(frozen=True)
class Part:
    """Lines over one axis in per cent."""

    dots: Sequence[Dot]
    label: str
    level: float = nan
    level_label: str = ""


def draw(name: str, title: str, parts: Sequence[Part]) -> Drawing:
    """Shares from 0 to 1, each line's number at the right; every part below the one before, on the same scale."""
    with style(name):
        figure, places = canvas(EACH * sum(heights(parts)) + 0.46 * len(parts), len(parts), 1, sharex=True, width=WIDE)
        places[0].get_gridspec().set_height_ratios(heights(parts))  # type: ignore[union-attr]
        draw_on(places, parts)
        return finish(figure, name, title, "; ".join(_spoken(part) for part in parts) + ".", values_of(parts))


def heights(parts: Sequence[Part]) -> list[float]:
    """Of every part beside the others, in lines."""
    return [len(part.dots) + 0.2 for part in parts]


def draw_on(places: Sequence[Axes], parts: Sequence[Part]) -> None:
    """The parts on axes that are there."""
    marks = (value for part in parts for dot in part.dots for value in (dot.value, dot.low, dot.high, dot.beside, *dot.draws))
    shares = [value for value in marks if finite(float(value))]
    least, most = min([0.0, *shares]), max([1.0, *shares])
    for axes, part in zip(places, parts, strict=True):
        for line, dot in enumerate(part.dots):
            _line(axes, dot, line)
        _frame(axes, part, (100 * least - 1, 100 * most + 1))


def values_of(parts: Sequence[Part]) -> Values:
    """Every line with its interval, and every draw."""
    rows: list[tuple[str | float, ...]] = [("axis", "what", "draw", "value", "low", "high", "beside")]
    for axis, dot in ((part.label, dot) for part in parts for dot in part.dots):
        rows.append((axis, dot.label, "", dot.value, dot.low, dot.high, dot.beside))
        rows += [(axis, dot.label, number, value, "", "", "") for number, value in enumerate(dot.draws)]
    return tuple(rows)


def _line(axes: Axes, dot: Dot, line: int) -> None:
    color = BLUE if dot.leads else BLACK
    if len(dot.draws):
        spread = np.linspace(-0.5, 0.5, len(dot.draws)) * ROUND  # so that equal draws do not hide each other
        cloud(axes, 100 * np.asarray(dot.draws, dtype=float), line + spread, 1.8, GREY, 0.45)
    if finite(dot.beside):
        axes.plot([100 * dot.beside] * 2, [line - 0.3, line + 0.3], color=GREY, lw=2.4, alpha=0.55, solid_capstyle="butt", zorder=3)
    if finite(dot.low) and finite(dot.high):
        axes.plot([100 * dot.low, 100 * dot.high], [line, line], color=color, lw=2.2 if dot.leads else 1.3, zorder=4, solid_capstyle="butt")
    if finite(dot.value):
        size, shape = (7.5, "o") if dot.leads else (4.5, "D" if dot.named else "o" if finite(dot.beside) else "|")
        axes.plot(100 * dot.value, line, marker=shape, ms=size if shape != "|" else 7, mew=1.3, color=color, zorder=5)
    weight = "bold" if dot.leads or dot.named else "normal"
    axes.text(1.01, line, dot.text, transform=axes.get_yaxis_transform(), va="center", fontsize=9, fontweight=weight, color=color)


def _frame(axes: Axes, part: Part, limits: tuple[float, float]) -> None:
    axes.set_yticks(range(len(part.dots)), [short(dot.label, LABEL) for dot in part.dots])
    for text, dot in zip(axes.get_yticklabels(), part.dots, strict=False):
        text.set(fontweight="bold" if dot.leads or dot.named else "normal", color=BLUE if dot.leads else BLACK)
    axes.set_ylim(len(part.dots) - 0.4, -0.6)
    axes.set_xlim(*limits)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelbottom=True)
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=BLACK, lw=0.7, zorder=1)
    axes.set_xlabel(part.label + (f"; dotted: {part.level_label}" if part.level_label else ""), fontsize=9)
    if finite(part.level):
        axes.axvline(100 * part.level, color=BLACK, lw=0.9, ls=(0, (1, 1.5)), zorder=1)


def _spoken(part: Part) -> str:
    told = ", ".join(
        f"{dot.label} {dot.text}"
        + (f" ({len(dot.draws)} draws)" if len(dot.draws) else f" (beside {points(dot.beside)})" if finite(dot.beside) else "")
        for dot in part.dots
    )
    return f"{part.label}: {told}" + (f", {part.level_label}" if part.level_label else "")
