"""Values beside their controls, row by row: bars or points with intervals, and every single draw as a dot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from jepascope.findings.names import LABEL, control_name, short
from jepascope.findings.numbers import finite, interval_of, shown, with_interval
from jepascope.report.charts.canvas import BLACK, GREY, Drawing, Values, canvas, cloud, finish, legend_below, panels_on, style
from jepascope.report.charts.curves import Level
from jepascope.report.charts.looks import CONTROLS, Look, of_control

NO_VALUE, OWN = "no value", "the subspace"
MOST_NAMED = 80  # marks that are read aloud one by one; of more, controls by their least and largest


@dataclass(frozen=True)
class Mark:
    """One value of a row with its interval; ``draws`` are dots beside it."""

    label: str
    look: Look
    value: float
    low: float = float("nan")
    high: float = float("nan")
    draws: Sequence[float] = ()


@dataclass(frozen=True)
class Row:
    """A row: its first mark is what it is about, the others are held against it. None keeps a place free."""

    label: str
    marks: Sequence[Mark | None]

    @classmethod
    def of(
        cls,
        label: str,
        rows: Mapping[str, Any],
        name: str = "value",
        looks: Mapping[str, Look] = CONTROLS,
        draws: Mapping[str, Sequence[float]] | None = None,
    ) -> Row:
        """The subspace and its controls, each by its row of a table; those that have none keep their place."""
        null = draws or {}

        def mark(at: str, look: Look) -> Mark | None:
            return Mark(control_name(at), look, *interval_of(rows[at], name), null.get(at, ())) if at in rows else None

        return cls(label, [mark(at, look) for at, look in looks.items()])

    @classmethod
    def each(
        cls, names: Iterable[str], rows: Mapping[str, Any], name: str = "value", draws: Mapping[str, Sequence[float]] | None = None
    ) -> list[Row]:
        """A line for the subspace and for each of its controls, named at its beginning, which needs no legend."""
        null = draws or {}

        def mark(at: str) -> Mark:
            return Mark("", CONTROLS[at] if at in CONTROLS else of_control(at), *interval_of(rows[at], name), null.get(at, ()))

        return [cls(OWN if at == "subspace" else control_name(at), [mark(at) if at in rows else None]) for at in names]


@dataclass(frozen=True)
class Panel:
    """Rows, and values to hold them against."""

    rows: Sequence[Row]
    levels: Sequence[Level] = field(default=(Level(0.0, "", "-", BLACK, upright=True, width=0.7),))
    title: str = ""
    label: str = ""
    limits: tuple[float | None, float | None] = (None, None)


def draw(name: str, title: str, panels: Sequence[Panel], label: str = "", across: int = 1, bars: bool = False, also: str = "") -> Drawing:
    """Panels in rows of ``across``; every row as tall as its marks need."""
    across = max(1, min(across, len(panels)))
    down = -(-len(panels) // across)
    slots = max(len(row.marks) for panel in panels for row in panel.rows)
    rows = [max(len(panel.rows) for panel in panels[line * across : (line + 1) * across]) for line in range(down)]
    each = 0.16 * (slots + 1) if bars else 0.22 if slots == 1 else max(0.36, 0.09 * slots)
    titled = 0.55 if any(panel.title for panel in panels) else 0.2
    with style(name):
        figure, places = canvas(0.75 + sum(titled + each * many for many in rows), down, across, sharex=not any(p.label for p in panels))
        spacing = 1 / (slots + 1) if bars else min(0.2, 0.8 / slots)
        for number, axes, panel in panels_on(places, panels):
            for order, row in enumerate(panel.rows):
                for slot, mark in enumerate(row.marks):
                    if mark is not None:
                        _mark(axes, mark, order + (slot - (slots - 1) / 2) * spacing, 1.0 if slots == 1 else spacing, bars)
            for level in panel.levels:
                level.draw(axes)
            left = None if number % across == 0 else panels[number - 1]
            below = panels[number + across] if number + across < len(panels) else None
            _frame(axes, panel, left, below is None or below.label != panel.label, label)
        legend_below(figure, 3)
        return finish(figure, name, title, "; ".join(filter(None, [*_spoken(panels), also])) + ".", values_of(panels))


def values_of(panels: Sequence[Panel]) -> Values:
    """Every mark with its interval, and every draw."""
    rows: list[tuple[str | float, ...]] = [("panel", "row", "what", "draw", "value", "low", "high")]
    for panel in panels:
        title = " ".join(filter(None, (panel.title.replace("\n", ", "), panel.label)))
        for label, mark in ((row.label, mark) for row in panel.rows for mark in row.marks if mark is not None):
            rows.append((title, label, mark.label, "", mark.value, mark.low, mark.high))
            rows += [(title, label, mark.label, number, value, "", "") for number, value in enumerate(mark.draws)]
    return tuple(rows)


def _mark(axes: Axes, mark: Mark, y: float, spread: float, bars: bool) -> None:
    look, known = mark.look, finite(float(mark.value))
    if bars:
        face = "white" if look.hollow else look.color
        axes.barh(y, mark.value if known else 0.0, 0.78 * spread, fc=face, hatch=look.hatch, ec=BLACK, lw=0.7, label=mark.label)
        if not known:
            axes.text(0, y, f" {NO_VALUE}", va="center", fontsize=8, color=GREY)
    elif known:
        axes.plot(mark.value, y, label=mark.label, zorder=4, **look.points().line())
    if finite(float(mark.low)) and finite(float(mark.high)):
        axes.plot([mark.low, mark.high], [y, y], color=BLACK if bars else look.color, lw=1.3, marker="|" if bars else None, ms=5, zorder=5)
    if len(mark.draws) > 1:
        shift = np.linspace(-0.28, 0.28, len(mark.draws)) * spread  # so that equal draws do not hide each other
        cloud(axes, mark.draws, y + shift, 1.7, GREY, 0.5)  # what lies below is seen


def _frame(axes: Axes, panel: Panel, left: Panel | None, lowest: bool, label: str) -> None:
    """Names of rows and titles stand once, in the first panel of a line that has them."""
    names = [short(row.label, LABEL) for row in panel.rows]
    named = left is None or names != [short(row.label, LABEL) for row in left.rows]
    axes.set_yticks(range(len(names)), names if named else [""] * len(names))
    axes.set_ylim(len(panel.rows) - 0.45, -0.55)
    axes.set_xlim(*panel.limits)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    if panel.title and (left is None or panel.title != left.title):
        axes.set_title(panel.title, fontsize=8.5)
    if lowest:
        axes.set_xlabel(panel.label or label)
        axes.tick_params(labelbottom=True)


def _spoken(panels: Sequence[Panel]) -> list[str]:
    """Each row's own value and, in brackets, what it is held against; then the levels."""
    few = sum(len(row.marks) for panel in panels for row in panel.rows) <= MOST_NAMED
    sentences = []
    for panel in panels:
        parts = [part for part in (panel.title.replace("\n", ", "), panel.label) if part]
        for row in panel.rows:
            marks = [mark for mark in row.marks if mark is not None]
            if not marks:
                continue
            first, rest = marks[0], marks[1:]
            beside = ", ".join(f"{mark.label} {_value(mark)}" for mark in rest)
            known = [float(mark.value) for mark in rest if finite(float(mark.value))]
            if not few:
                beside = f"the others {shown(min(known))} to {shown(max(known))}" if known else ""
            sentences.append(f"{', '.join([*parts, row.label])} {_value(first)}" + (f" ({beside})" if beside else ""))
        sentences += [level.spoken for level in panel.levels if level.spoken]
    return list(dict.fromkeys(sentences))


def _value(mark: Mark) -> str:
    if not finite(float(mark.value)):
        return NO_VALUE
    return with_interval(mark.value, mark.low, mark.high) if finite(float(mark.low)) else shown(mark.value)
