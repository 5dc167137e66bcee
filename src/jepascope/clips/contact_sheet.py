"""A picture of a clip set: one clip for each class, first to last frame, with an arrow along the main object's true path."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np

from jepascope.clips.classes import in_turn
from jepascope.clips.clipset import ClipSet
from jepascope.clips.pictures import arrow

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_FRAMES = 4
LINE = 12  # characters of a class name on one line
PATH = {"x", "y", "angle", "speed"}  # factors that say where the main object moves; clips of one's own have none
CHARACTER = 0.085  # inches that one takes


def contact_sheet(clips: ClipSet, variable: str, beside: ClipSet | None = None) -> Figure:
    """One row of frames for the first clip of each class, two classes side by side.

    With ``beside``, twins of the same clips in the same order, one class a row: its first clip on the left, the twin on the right.
    """
    from matplotlib.figure import Figure

    labels, classes = clips.labels(variable)
    first = in_turn(labels)[: len(np.unique(labels))].tolist()
    shown = [(clips, clip, classes[labels[clip]]) for clip in first]  # down the left side, then down the right
    if beside is not None:
        other, names = beside.labels(variable)
        shown += [(beside, clip, f"twin: {names[other[clip]]}") for clip in first]
    rows = math.ceil(len(shown) / 2)
    frames = np.unique(np.linspace(0, clips.frames - 1, min(SHOWN_FRAMES, clips.frames)).round().astype(int))
    titles = [textwrap.fill(name, LINE, max_lines=4) for _, _, name in shown]
    room = 0.17 + CHARACTER * max(len(line) for title in titles for line in title.splitlines())  # inches, for each column of names
    width = 8.6
    frame = (width - 2 * room) / (2 * len(frames))
    figure = Figure(figsize=(width, min(1.12, 1.08 * frame) * rows), dpi=150)
    grid = figure.subplots(
        rows,
        2 * len(frames) + 1,
        squeeze=False,
        gridspec_kw={"wspace": 0.04, "hspace": 0.06, "width_ratios": [frame] * len(frames) + [room] + [frame] * len(frames)},
    )
    for axes in grid.flat:
        axes.set_axis_off()
    for place, ((source, clip, _), title) in enumerate(zip(shown, titles, strict=True)):
        row, offset = place % rows, (place // rows) * (len(frames) + 1)
        _show(source, clip, title, frames, grid[row, offset : offset + len(frames)])
    figure.subplots_adjust(left=room / width, right=0.995, top=0.995, bottom=0.005)
    return figure


def _show(clips: ClipSet, clip: int, title: str, frames: np.ndarray, places: np.ndarray) -> None:
    """One clip's frames, its name before the first and the arrow on the last."""
    video = clips.video([clip])[0].permute(0, 2, 3, 1).numpy()
    for axes, frame in zip(places, frames, strict=True):
        axes.imshow(video[frame], interpolation="nearest", vmin=0, vmax=1)
    places[0].set_axis_on()
    places[0].set(xticks=[], yticks=[])
    places[0].set_ylabel(title, rotation=0, ha="right", va="center", fontsize=10)
    for spine in places[0].spines.values():
        spine.set_visible(False)
    if not set(clips.factors) >= PATH:
        return
    start, end = (_centre(clips, clip, when) for when in (0.5 / clips.frames, 1 - 0.5 / clips.frames))
    arrow(places[-1], start, end, 1.6)


def _centre(clips: ClipSet, clip: int, when: float) -> tuple[float, float]:
    """The main object's centre in pixels at a time of the clip (0..1)."""
    row = clips.factors.iloc[clip]
    travelled = row["speed"] * (when - 0.5)
    x = row["x"] + math.cos(row["angle"]) * travelled
    y = row["y"] - math.sin(row["angle"]) * travelled
    return x * clips.size - 0.5, y * clips.size - 0.5
