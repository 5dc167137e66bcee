"""A picture of a clip set: one clip for each class, first to last frame, with an arrow along the true path."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from jepascope.clips.clipset import ClipSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_FRAMES = 4
LINE = 12  # characters of a class name on one line
CHARACTER = 0.085  # inches that one takes


def contact_sheet(clips: ClipSet, variable: str) -> Figure:
    """One row of frames for the first clip of each class, two classes side by side."""
    from matplotlib.figure import Figure

    labels, classes = clips.labels(variable)
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(len(classes)) if (labels == label).any()]
    frames = np.unique(np.linspace(0, clips.frames - 1, min(SHOWN_FRAMES, clips.frames)).round().astype(int))
    rows = math.ceil(len(first) / 2)
    names = {clip: textwrap.fill(classes[labels[clip]], LINE, max_lines=4) for clip in first}
    room = 0.12 + CHARACTER * max(len(line) for name in names.values() for line in name.splitlines())  # inches, for each column of names
    width = 8.6
    frame = (width - 2 * room) / (2 * len(frames))
    figure = Figure(figsize=(width, 1.12 * rows), dpi=150)
    grid = figure.subplots(
        rows,
        2 * len(frames) + 1,
        squeeze=False,
        gridspec_kw={"wspace": 0.04, "hspace": 0.06, "width_ratios": [frame] * len(frames) + [room] + [frame] * len(frames)},
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for place, clip in enumerate(first):
        row, offset = place % rows, (place // rows) * (len(frames) + 1)
        video = clips.video([clip])[0].permute(0, 2, 3, 1).numpy()
        factors = clips.factors.iloc[clip]
        for column, frame in enumerate(frames):
            axes = grid[row, offset + column]
            axes.imshow(video[frame], interpolation="nearest", vmin=0, vmax=1)
            if column == 0:
                axes.set_axis_on()
                axes.set(xticks=[], yticks=[])
                axes.set_ylabel(names[clip], rotation=0, ha="right", va="center", fontsize=10)
                for spine in axes.spines.values():
                    spine.set_visible(False)
        start, end = (_centre(factors, clips, when) for when in (0.5 / clips.frames, 1 - 0.5 / clips.frames))
        grid[row, offset + len(frames) - 1].annotate(
            "", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": "white", "lw": 1.6, "shrinkA": 0, "shrinkB": 0}
        )
    figure.subplots_adjust(left=room / width, right=0.995, top=0.995, bottom=0.005)
    return figure


def _centre(factors: object, clips: ClipSet, when: float) -> tuple[float, float]:
    """The object's centre in pixels at a time of the clip (0..1)."""
    row: dict[str, float] = factors  # type: ignore[assignment]
    travelled = row["speed"] * (when - 0.5)
    x = row["x"] + math.cos(row["angle"]) * travelled
    y = row["y"] - math.sin(row["angle"]) * travelled
    return x * clips.size - 0.5, y * clips.size - 0.5
