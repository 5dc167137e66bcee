"""A map of cells, each with its number while there is room: rows down, columns across, marks for what a colour cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, MINUS, finite, shown
from jepascope.report.charts.canvas import BLACK, GREY, Drawing, Values, canvas, finish, legend_below, style
from jepascope.report.charts.looks import Dash

MOST_NUMBERED = 14  # columns up to which a cell has room for its number
MOST_SPOKEN = 80  # cells that are read aloud one by one; of more, the largest of each row
DARK = 0.55  # of the scale: from here on the number in a cell is white


@dataclass(frozen=True)
class Frame:
    """A box around one cell, with its entry in the legend and what is read aloud of it."""

    row: int
    column: int
    color: str = BLACK
    dash: Dash = "-"
    width: float = 1.6
    inset: float = 0.04
    label: str = ""
    spoken: str = ""


@dataclass(frozen=True)
class Map:
    """Cells with the names of rows and columns. ``notes``: what stands in a cell or is said of it; ``hatched``: cells without meaning."""

    values: np.ndarray
    rows: Sequence[str]
    columns: Sequence[str]
    title: str = ""
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    notes: dict[tuple[int, int], str] = field(default_factory=dict)
    hatched: frozenset[tuple[int, int]] = frozenset()
    frames: Sequence[Frame] = ()
    missing: str = ABSENT


def draw(
    name: str,
    title: str,
    maps: Sequence[Map],
    xlabel: str = "",
    ylabel: str = "",
    side_by_side: bool = False,
    most_numbered: int = MOST_NUMBERED,
    bar: str = "",
    diagonal: str = "",
    by_size: bool = False,
    also: str = "",
) -> Drawing:
    """Maps of one scale, from 0 (or the least value) to 1 (or the largest); ``bar`` names a scale where cells have no room for numbers.

    ``by_size``: a cell is as dark as its number is far from 0 on either side, 1 and beyond being darkest.
    """
    shades = [np.clip(np.abs(drawn.values), 0, 1) if by_size else drawn.values for drawn in maps]
    known = np.concatenate([shade[np.isfinite(shade)] for shade in shades])
    low, high = float(min([0.0, *known])), 1.15 * float(max([1.0, *known]))
    tall = [len(drawn.rows) for drawn in maps]
    each = 0.42 if max(tall) <= 8 else max(0.2, 3.4 / max(tall))
    with style(name):
        inches = each * (max(tall) if side_by_side else sum(tall)) + 0.35 * len(maps) * (not side_by_side)
        figure, places = canvas(0.85 + inches, *((1, len(maps)) if side_by_side else (len(maps), 1)), sharey=side_by_side)
        if not side_by_side:  # rows are as tall in one panel as in the other
            places[0].get_gridspec().set_height_ratios(tall)  # type: ignore[union-attr]
        numbered = max(len(drawn.columns) for drawn in maps) <= most_numbered
        for axes, drawn, shade in zip(places, maps, shades, strict=True):
            image = axes.imshow(shade, cmap="Greys", vmin=low, vmax=high, aspect="auto")
            _cells(axes, drawn, (shade - low) / (high - low) > DARK, numbered)
            _frame(axes, drawn, 12 if side_by_side else 20)
            if diagonal:
                ends = [0, len(drawn.columns) - 1], [0, len(drawn.rows) - 1]
                axes.plot(*ends, color="#D55E00", ls=(0, (1, 2)), lw=1.6, label=diagonal, scalex=False, scaley=False)
            axes.set_xlabel(xlabel if side_by_side or axes is places[-1] else "")
        places[0].set_ylabel(ylabel)
        if bar and not numbered:
            figure.colorbar(image, ax=places, shrink=0.8, aspect=30, pad=0.015, label=bar)
        legend_below(figure, 2)
        return finish(figure, name, title, "; ".join(filter(None, [*_spoken(maps), also])) + ".", values_of(maps))


def values_of(maps: Sequence[Map]) -> Values:
    """Every cell."""
    cells = ((drawn, at, value) for drawn in maps for at, value in np.ndenumerate(drawn.values))
    return (
        ("panel", "row", "column", "value"),
        *((drawn.title, drawn.rows[row], drawn.columns[column], float(value)) for drawn, (row, column), value in cells),
    )


def _cells(axes: Axes, drawn: Map, dark: np.ndarray, numbered: bool) -> None:
    small = 8.5 if len(drawn.columns) <= 9 else 7
    for (row, column), value in np.ndenumerate(drawn.values):
        at, hatched = (row, column), (row, column) in drawn.hatched
        if hatched:
            axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fc="white", ec=GREY, hatch="/////", lw=0))
        if numbered:
            box = {"fc": "white", "ec": "none", "pad": 1.2} if hatched else None
            text = drawn.texts.get(at) or (two_decimals(float(value)) if finite(float(value)) else drawn.missing)
            axes.text(
                column,
                row,
                text,
                ha="center",
                va="center",
                color="white" if dark[at] and not hatched else "black",
                fontsize=small,
                bbox=box,
            )
    for frame in drawn.frames:
        corner, side = (frame.column - 0.5 + frame.inset, frame.row - 0.5 + frame.inset), 1 - 2 * frame.inset
        look = {"ec": frame.color, "ls": frame.dash, "lw": frame.width, "label": frame.label or None}
        axes.add_patch(Rectangle(corner, side, side, fill=False, zorder=4, **look))


def two_decimals(value: float) -> str:
    """How a number stands in a cell."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", MINUS) if finite(value) else ABSENT


def _frame(axes: Axes, drawn: Map, fitting: int) -> None:
    names = [short(name, LABEL if len(drawn.columns) < 6 else 14) for name in drawn.columns]
    step = 1 if max(map(len, names)) > 4 else max(1, -(-len(names) // fitting))
    turned = max(map(len, names)) * len(names) > 60
    axes.set_xticks(range(0, len(names), step), names[::step])
    if turned:
        axes.tick_params(axis="x", labelrotation=30)
        for text in axes.get_xticklabels():
            text.set(ha="right", rotation_mode="anchor")
    every = max(1, -(-len(drawn.rows) // 24))
    axes.set_yticks(range(0, len(drawn.rows), every), [short(name, LABEL) for name in drawn.rows[::every]])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(drawn.title, fontsize=9)


def _spoken(maps: Sequence[Map]) -> list[str]:
    few = sum(drawn.values.size for drawn in maps) <= MOST_SPOKEN
    sentences = []
    for drawn in maps:
        for index, name in enumerate(drawn.rows):
            row = drawn.values[index]
            if not np.isfinite(row).any():
                continue
            if few:
                notes = [drawn.notes.get((index, column), "") for column in range(len(row))]
                cells = (
                    f"{column} {shown(float(value))}{f' ({note})' if note else ''}"
                    for column, value, note in zip(drawn.columns, row, notes, strict=True)
                    if finite(float(value))
                )
                text = ", ".join(cells)
            else:
                at = int(np.nanargmax(row))
                text = f"largest {shown(float(row[at]))} at {drawn.columns[at]}"
            sentences.append(f"{drawn.title}, {name}: {text}" if drawn.title else f"{name}: {text}")
        sentences += [frame.spoken for frame in drawn.frames if frame.spoken]
    return sentences
