"""A picture of measured labels: first and last frame of windows, with an arrow along the motion or, greyed, the reason for none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from jepascope.clips.classes import in_turn
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.windows import middles

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARROW = 0.3  # of a frame's side, from its middle each way
SHOWN = 48  # windows on one sheet: as many as can be looked at
ACROSS = 4
CELL = (2.7, 1.5)  # inches of a window: two frames and the line above them
LINE = 26  # characters above a frame
FADED = 0.35  # of an abstained window's contrast

Pictures = Callable[[dict[str, Any]], UInt8[np.ndarray, "2 height width 3"]]
"""First and last frame of a row of the label table."""


def motion_sheet(table: pd.DataFrame, pictures: Pictures) -> Figure:
    """A sheet of up to SHOWN windows of a label table (see ``label_rows``): every direction in turn, then those without one.

    ``pictures`` is asked for one row at a time.
    """
    rows = shown_rows(table, SHOWN)
    figure, places = sheet_of_pairs(len(rows), ACROSS, CELL, above=0.18, between=0.16)
    for cells, (first, last) in zip(rows.to_dict("records"), places, strict=True):
        row = {str(name): cell for name, cell in cells.items()}
        _show(row, pictures(row), first, last)
    return figure


def shown_rows(table: pd.DataFrame, shown: int) -> pd.DataFrame:
    """Which windows are shown: of each direction, and of each reason for none, equally many as far as they go, spread over the table.
    Directions come first, in their order.
    """
    kind = table["direction"].fillna(table["abstained"])
    names = [*DIRECTION_NAMES, *sorted(set(kind) - set(DIRECTION_NAMES))]
    labels = np.array([names.index(name) for name in kind], dtype=np.int64)
    groups = [np.flatnonzero(labels == label) for label in range(len(names))]
    counts = np.bincount(labels[in_turn(labels)[:shown]], minlength=len(names)).tolist()
    return table.iloc[[group[place] for group, count in zip(groups, counts, strict=True) for place in middles(len(group), count)]]


def _show(row: dict[str, Any], frames: UInt8[np.ndarray, "2 height width 3"], first: Any, last: Any) -> None:
    named = isinstance(row["direction"], str)
    where = f"{Path(row['file']).name[: LINE - 8]} {row['start']:.1f} s"
    title = f"{row['direction']} {round(row['angle']) % 360}°, {row['speed']:.1f} px, {row['moves']}" if named else row["abstained"]
    for axes, frame in zip((first, last), frames, strict=True):
        grey = np.repeat(frame.mean(axis=2, keepdims=True), 3, axis=2)
        axes.imshow(frame if named else (255 - FADED * (255 - grey)).astype(np.uint8), interpolation="nearest")
    first.set_title(where, fontsize=6, loc="left", pad=2)
    last.set_title(title, fontsize=6, loc="left", pad=2, color="black" if named else "0.5")
    if named:
        height, width = frames.shape[1:3]
        arrow_through(last, (width / 2, height / 2), math.radians(row["angle"]), min(height, width))


def sheet_of_pairs(
    count: int, across: int, cell: tuple[float, float], above: float, between: float
) -> tuple[Figure, list[tuple[Any, Any]]]:
    """A figure and, for each of ``count`` pairs of frames, its two axes. ``cell``: inches of a pair, ``above`` of which are for its title
    in the first row; ``between``: room between rows, as a share of a frame."""
    from matplotlib.figure import Figure

    rows = max(1, math.ceil(count / across))
    figure = Figure(figsize=(across * cell[0], rows * cell[1]), dpi=120)
    grid = figure.subplots(rows, 2 * across, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": between})
    for axes in grid.flat:
        axes.set_axis_off()
    figure.subplots_adjust(left=0.005, right=0.995, top=1 - above / (rows * cell[1]), bottom=0.005)
    places = (divmod(place, across) for place in range(count))
    return figure, [(grid[row, 2 * column], grid[row, 2 * column + 1]) for row, column in places]


def arrow(axes: Any, start: tuple[float, float], end: tuple[float, float], width: float = 1.4) -> None:
    """White with a black rim, to be seen on any ground; in pixels."""
    from matplotlib.patheffects import withStroke

    look = {"arrowstyle": "-|>", "color": "white", "lw": width, "shrinkA": 0, "shrinkB": 0}
    drawn = axes.annotate("", xy=end, xytext=start, arrowprops=look)
    drawn.arrow_patch.set_path_effects([withStroke(linewidth=width + 1, foreground="black")])


def arrow_through(axes: Any, middle: tuple[float, float], angle: float, side: float) -> None:
    """Through the middle of a frame, along an angle (radians, counter-clockwise from the right)."""
    right, up = ARROW * side * math.cos(angle), ARROW * side * math.sin(angle)
    arrow(axes, (middle[0] - right, middle[1] + up), (middle[0] + right, middle[1] - up))
