"""A picture of measured labels: first and last frame of windows, with an arrow along the motion or, greyed, the reason for none."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jaxtyping import UInt8

from jepascope.clips.ranges import DIRECTION_NAMES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN = 48  # windows on one sheet: as many as can be looked at
ACROSS = 4
CELL = (2.7, 1.5)  # inches of a window: two frames and the line above them
LINE = 26  # characters above a frame
ARROW = 0.3  # of the frame's short side
FADED = 0.35  # of an abstained window's contrast

Pictures = Callable[[dict[str, Any]], UInt8[np.ndarray, "2 height width 3"]]
"""First and last frame of a row of the label table."""


def motion_sheet(table: pd.DataFrame, pictures: Pictures, shown: int = SHOWN) -> Figure:
    """A sheet of up to ``shown`` windows of a label table (see ``label_rows``): every direction in turn, then those without one.

    ``pictures`` is asked for one row at a time.
    """
    from matplotlib.figure import Figure

    rows = shown_rows(table, shown)
    height = max(1, math.ceil(len(rows) / ACROSS))
    figure = Figure(figsize=(ACROSS * CELL[0], height * CELL[1]), dpi=120)
    grid = figure.subplots(height, 2 * ACROSS, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.16})
    for axes in grid.flat:
        axes.set_axis_off()
    for place, cells in enumerate(rows.to_dict("records")):
        row = {str(name): cell for name, cell in cells.items()}
        line, column = divmod(place, ACROSS)
        _show(row, pictures(row), grid[line, 2 * column], grid[line, 2 * column + 1])
    figure.subplots_adjust(left=0.005, right=0.995, top=1 - 0.18 / (height * CELL[1]), bottom=0.005)
    return figure


def shown_rows(table: pd.DataFrame, shown: int) -> pd.DataFrame:
    """Which windows are shown: of each direction, and of each reason for none, equally many as far as they go, spread over the table.
    Directions come first, in their order.
    """
    kind = table["direction"].fillna(table["abstained"])
    names = [*DIRECTION_NAMES, *sorted(set(kind) - set(DIRECTION_NAMES))]
    groups = [np.flatnonzero(kind == name) for name in names]
    counts = np.zeros(len(groups), dtype=int)
    while counts.sum() < shown and (counts < [len(group) for group in groups]).any():
        for one, group in enumerate(groups):
            if counts[one] < len(group) and counts.sum() < shown:
                counts[one] += 1
    # the middle of each of as many equal parts as are shown
    chosen = [
        group[((np.arange(count) + 0.5) * len(group) / count).astype(int)] for group, count in zip(groups, counts, strict=True) if count
    ]
    return table.iloc[np.concatenate(chosen)] if chosen else table.iloc[:0]


def _show(row: dict[str, Any], frames: UInt8[np.ndarray, "2 height width 3"], first: Any, last: Any) -> None:
    from matplotlib.patheffects import withStroke

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
        right, up = math.cos(math.radians(row["angle"])), math.sin(math.radians(row["angle"]))
        reach = ARROW * min(height, width)
        start = (width / 2 - right * reach, height / 2 + up * reach)
        end = (width / 2 + right * reach, height / 2 - up * reach)
        look = {"arrowstyle": "-|>", "color": "white", "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
        arrow = last.annotate("", xy=end, xytext=start, arrowprops=look)
        arrow.arrow_patch.set_path_effects([withStroke(linewidth=2.4, foreground="black")])  # to be seen on any ground
