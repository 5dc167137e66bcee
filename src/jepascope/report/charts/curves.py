"""Curves and points over two axes, in one panel or several: series with their intervals, bands of draws, and levels beside them.

A series of one line over the layers, beside chance::

    draw("reads", "Accuracy by layer", [Panel([Series.of(rows, "layer", "accuracy", "trained", Look(BLUE, "o"))], [Level(0.1, "chance")])],
         Axis("layer"), Axis("accuracy"))
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import columns_of, finite, percent, share_words, shown, with_interval
from jepascope.report.charts.canvas import BLACK, GREY, PALE, Drawing, Values, canvas, finish, legend_below, panels_on, style
from jepascope.report.charts.end_names import End, name_ends
from jepascope.report.charts.looks import DOTTED, Dash, Look

ACROSS = 3  # panels side by side
MOST_STEPS = 12  # values of one series that are read aloud; of more, the least and the largest
MOST_SPOKEN = 60  # series that are
NO_VALUE = "no value"


@dataclass(frozen=True)
class Axis:
    """Its label, the word that its values are read aloud with, where it is ticked (by ``names`` where given), and what it has to show."""

    label: str = ""
    word: str = ""
    ticks: Sequence[float] = ()
    names: Sequence[str] = ()
    limits: tuple[float | None, float | None] = (None, None)
    log: bool = False


@dataclass(frozen=True)
class Level:
    """A line across the panel at one value, upright where it is one of x; it is left out where the value is unknown."""

    value: float
    label: str = ""
    dash: Dash = DOTTED
    color: str = BLACK
    upright: bool = False
    share: bool = False
    width: float = 1.1

    @property
    def known(self) -> bool:
        return finite(float(self.value))

    @property
    def spoken(self) -> str:
        """'chance 12.5 %'; nothing of a line without a name or a value."""
        return f"{self.label} {(percent if self.share else shown)(self.value)}" if self.label and self.known else ""

    def draw(self, axes: Axes) -> None:
        if not self.known:
            return
        line = axes.axvline if self.upright else axes.axhline
        line(self.value, color=self.color, ls=self.dash, lw=self.width, label=self.label or None, zorder=1)


@dataclass(frozen=True)
class Series:
    """Points of a panel, the ends of their intervals ('bars', a 'band', or a 'hatched' one), and what of them is read aloud.

    ``says``: 'steps' (every value), 'range' (least and largest), 'top', 'mean', or '' for nothing.
    ``where`` marks points drawn hollow; ``shift`` draws all of them to the right, so that series do not hide each other.
    """

    label: str
    x: Any
    y: Any
    look: Look
    low: Any = None
    high: Any = None
    around: str = "bars"
    where: Any = None
    hollow_label: str = ""
    says: str = "steps"
    share: bool = False
    fill: str = ""
    spoken_label: str = ""
    shift: float = 0.0

    @classmethod
    def of(cls, rows: pd.DataFrame, x: str, y: str, label: str, look: Look, ends: Sequence[str] | None = None, **more: Any) -> Series:
        """Columns of a table in rising order of ``x``; ``where`` names a column of flags."""
        rows = rows.sort_values(x, kind="stable")
        low, high = (rows[end] for end in (columns_of(rows, y)[1:] if ends is None else ends)) if ends != () else (None, None)
        if isinstance(more.get("where"), str):
            more["where"] = rows[more["where"]]
        return cls(label, rows[x], rows[y], look, low, high, **more)

    @classmethod
    def spread(cls, rows: pd.DataFrame, x: str, y: str, label: str, look: Look, **more: Any) -> Series:
        """Draws or seeds: their mean, in a band from the least to the largest."""
        by = rows.groupby(x)[y]
        mean = by.mean()
        return cls(label, mean.index, mean, look, by.min(), by.max(), **{"around": "band", "fill": PALE, "says": "mean", **more})

    @property
    def empty(self) -> bool:
        return len(self.x) == 0

    def spoken(self, word: str) -> str:
        """What is read aloud of it, its x by ``word``."""
        say = percent if self.share else shown
        x, y = np.asarray(self.x, dtype=float), np.asarray(self.y, dtype=float)
        low, high = (np.full(len(y), np.nan) if end is None else np.asarray(end, dtype=float) for end in (self.low, self.high))
        known = np.isfinite(y)
        if not self.says or self.empty:
            return ""
        name = self.spoken_label or self.label
        if not known.any():
            return f"{name}: {NO_VALUE}"
        lowest, largest = say(float(y[known].min())), say(float(y[known].max()))
        if self.says == "range" or (self.says == "steps" and len(y) > MOST_STEPS):
            return f"{name}: {lowest} to {largest}"
        if self.says == "mean":
            return f"{name}: {say(float(y[known].mean()))} on average"
        if self.says == "top":
            return f"{name}: highest {largest} at {word}{shown(float(x[np.nanargmax(y)]), 2)}"
        steps = (
            f"{_value(value, least, most, self.share)} at {word}{at:.4g}" for at, value, least, most in zip(x, y, low, high, strict=True)
        )
        return f"{name}: {', '.join(steps)}"

    def draw(self, axes: Axes, number: int) -> None:
        look, above, at = self.look, 5 - min(number, 3), np.asarray(self.x, dtype=float) + self.shift
        if self.around != "bars" and self.low is not None:
            band: dict[str, Any] = {"color": self.fill or look.color, "alpha": 0.8 if self.fill == PALE else 0.16, "lw": 0}
            if self.around == "hatched":
                band = {"fc": "none", "ec": look.color, "alpha": 0.5, "lw": 0.6, "hatch": look.hatch}
            alone = not (look.dash or look.marker)
            axes.fill_between(at, self.low, self.high, label=self.label if alone else None, **band)
            if alone:
                return
        elif self.low is not None:
            axes.vlines(at, self.low, self.high, color=look.color, lw=1.2, ls="-" if look.width > 1 else (0, (1, 1)), zorder=above)
        axes.plot(at, self.y, label=self.label or None, zorder=above, **look.line())
        if self.where is not None and np.any(self.where):
            x, y = (np.asarray(values)[np.asarray(self.where, dtype=bool)] for values in (at, self.y))
            axes.plot(x, y, label=self.hollow_label or None, zorder=above + 1, **look.points(hollow=True).line())


@dataclass(frozen=True)
class Panel:
    """Series and levels between two axes; ``x`` and ``y`` where they differ from the figure's."""

    series: Sequence[Series]
    levels: Sequence[Level] = ()
    title: str = ""
    x: Axis | None = None
    y: Axis | None = None
    note: str = ""

    @property
    def unknown(self) -> bool:
        """Whether it has points, and of none of them a value."""
        values = [np.asarray(series.y, dtype=float) for series in self.series if not series.empty]
        return bool(values) and not any(np.isfinite(some).any() for some in values)


def key(label: str, look: Look) -> Series:
    """An entry of the legend alone."""
    return Series(label, [], [], look)


def draw(
    name: str,
    title: str,
    panels: Sequence[Panel],
    x: Axis,
    y: Axis,
    across: int = ACROSS,
    height: float = 0.0,
    legend: int = 3,
    also: str = "",
) -> Drawing:
    """The figure with its description: every panel's series and levels, each thing that is the same in all panels once."""
    across = max(1, min(across, len(panels)))
    down = -(-len(panels) // across)
    common_x, common_y = (not any(getattr(panel, which) for panel in panels) for which in ("x", "y"))
    with style(name):
        figure, places = canvas(height or (3.6 if len(panels) == 1 else 1.3 + 1.9 * down), down, across, common_x, common_y)
        for number, axes, panel in panels_on(places, panels):
            for order, series in enumerate(panel.series):
                series.draw(axes, order)
            for level in panel.levels:
                level.draw(axes)
            lowest = number + across >= len(panels)
            own = panel.x or x
            said_below = not lowest and (panels[number + across].x or x).label == own.label
            _set(axes, "x", replace(own, label="") if said_below else own, 18 // across)
            _set(axes, "y", panel.y or replace(y, label=y.label if number % across == 0 else ""), 12)
            axes.tick_params(labelbottom=lowest or not common_x)
            if panel.title and len(panels) > 1:
                axes.set_title("\n".join(short(line, LABEL + 10) for line in panel.title.split("\n")), fontsize=8.5)
            if panel.unknown:
                if not common_y or all(other.unknown for other in panels):
                    axes.set_yticks([])  # they would be numbers of nothing
                axes.text(0.5, 0.5, NO_VALUE, transform=axes.transAxes, ha="center", va="center")
            if panel.note:
                axes.text(0.25, 0.5, panel.note, transform=axes.transAxes, ha="center", va="center")
        if legend and not (len(panels) == 1 and name_ends(places[0], ends_of(panels[0]) or [])):
            legend_below(figure, legend)
        return finish(figure, name, title, "; ".join(filter(None, [*spoken(panels, x), also])) + ".", values_of(panels))


def values_of(panels: Iterable[Panel]) -> Values:
    """Every point of every series with its interval, and the levels."""
    rows: list[tuple[str | float, ...]] = [("panel", "series", "x", "value", "low", "high")]
    for panel in panels:
        title = panel.title.replace("\n", ", ") or (panel.y.label if panel.y else "")
        for series in panel.series:
            ends = ([""] * len(series.x) if end is None else list(end) for end in (series.low, series.high))
            name = series.spoken_label or series.label
            rows += [(title, name, *point) for point in zip(list(series.x), list(series.y), *ends, strict=True) if name]
        rows += [(title, level.label, "", level.value, "", "") for level in panel.levels if level.spoken]
    return tuple(rows)


def ends_of(panel: Panel) -> list[End] | None:
    """Where each named line ends at the right; None where some do not end there, and only a legend can name all."""
    right = max((float(np.max(series.x)) for series in panel.series if not series.empty), default=0.0)
    ends = []
    for series in (series for series in panel.series if series.label or series.hollow_label):
        known = [] if series.empty else [(x, y) for x, y in zip(series.x, series.y, strict=True) if finite(float(y))]
        if not known or series.hollow_label or max(known)[0] < right:
            return None
        ends.append(End(float(max(known)[1]), series.label, series.look.color))
    named = [level for level in panel.levels if level.label and level.known]
    return None if any(level.upright for level in named) else [*ends, *(End(level.value, level.label, level.color) for level in named)]


def spoken(panels: Iterable[Panel], x: Axis) -> list[str]:
    """Every panel's series under its title, then the levels, each once."""
    sentences = [(panel, series.spoken(f"{(panel.x or x).word} ".lstrip())) for panel in panels for series in panel.series]
    texts = [f"{panel.title.replace(chr(10), ', ')}, {text}" if panel.title else text for panel, text in sentences if text]
    if len(texts) > MOST_SPOKEN:
        texts = [*texts[:MOST_SPOKEN], f"{len(texts) - MOST_SPOKEN} more are in the table"]
    return [*texts, *dict.fromkeys(filter(None, (level.spoken for panel in panels for level in panel.levels)))]


def _value(value: float, low: float, high: float, share: bool) -> str:
    if share:
        return share_words(value, low, high) if finite(low) else percent(value)
    return with_interval(value, low, high) if finite(low) else shown(value)


def _set(axes: Axes, which: str, axis: Axis, fitting: int) -> None:
    """Ticks (thinned to what fits), limits and words of one axis."""
    own = axes.xaxis if which == "x" else axes.yaxis
    if axis.log:
        axes.set_xscale("log")
        own.set_major_locator(LogLocator(subs=(1, 3)))
        own.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        own.set_minor_formatter(NullFormatter())
    if len(axis.ticks):
        step = max(1, -(-len(axis.ticks) // fitting))
        own.set_ticks(list(axis.ticks)[::step], labels=list(axis.names)[::step] or None)
    if axis.limits != (None, None):
        (axes.set_xlim if which == "x" else axes.set_ylim)(*axis.limits)
    own.set_label_text(axis.label)


def whole(column: Iterable[Any]) -> list[int]:
    """Ticks at every whole number that a column holds."""
    return sorted({int(value) for value in column})


ZERO = Level(0.0, "", "-", BLACK, width=0.7)
UNIT = Level(1.0, "", DOTTED, GREY, upright=True, width=0.8)


def layers(column: Iterable[Any], label: str = "layer (after this many blocks)") -> Axis:
    """An axis of layers, ticked where there are any."""
    return Axis(label, "layer", whole(column))
