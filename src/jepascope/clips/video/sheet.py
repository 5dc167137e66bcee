"""A picture of clips of real videos: first and last frame of a few of every class, as the encoder sees them, with arrows of motion."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from jepascope.clips.classes import in_turn
from jepascope.clips.clipset import ClipSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EACH = 3  # clips of a class
MOST = 48  # clips on a sheet
ACROSS = 3
WIDTH = 8.6  # inches
ARROW = 0.3  # of a frame's side, from its middle each way
LINE = 26  # characters above a clip


def video_sheet(clips: ClipSet, variable: str) -> Figure:
    """Pairs of frames, class by class; of every class clips of as many videos as there are."""
    from matplotlib.figure import Figure

    labels, classes = clips.labels(variable)
    shown = _shown(clips, labels)
    rows = max(1, math.ceil(len(shown) / ACROSS))
    side = WIDTH / (2 * ACROSS)
    figure = Figure(figsize=(WIDTH, rows * (side + 0.22)), dpi=120)
    grid = figure.subplots(rows, 2 * ACROSS, squeeze=False, gridspec_kw={"wspace": 0.04, "hspace": 0.18})
    for axes in grid.flat:
        axes.set_axis_off()
    for place, clip in enumerate(shown):
        row, column = divmod(place, ACROSS)
        title = textwrap.shorten(f"{classes[labels[clip]]}: {clips.factors['file'].iloc[clip]}", LINE, placeholder="…")
        _show(clips, clip, title, grid[row, 2 * column], grid[row, 2 * column + 1])
    figure.subplots_adjust(left=0.005, right=0.995, top=1 - 0.2 / (rows * (side + 0.22)), bottom=0.005)
    return figure


def caption(clips: ClipSet) -> str:
    """What the picture shows, and no more than was done to these clips."""
    done = {"turns": "turned", "flipped": "mirrored", "reversed": "played backwards"}
    views = [words for column, words in done.items() if clips.factors[column].any()]
    shown = f", some of them {' or '.join([', '.join(views[:-1])] * (len(views) > 1) + views[-1:])}" if views else ""
    above = "above each its class and its file"
    arrows = "; arrows along the motion that they are labelled with" if "angle" in clips.factors else ""
    return f"First and last frame of clips as the encoder sees them, cut to the middle square{shown}; {above}{arrows}."


def _shown(clips: ClipSet, labels: np.ndarray) -> list[int]:
    """Rows of the clips, class by class: each of another video as far as there are."""
    first_of_video = np.unique(np.stack([labels, clips.factors["scene"].to_numpy()]), axis=1, return_index=True)[1]
    turns = in_turn(labels[np.sort(first_of_video)])
    chosen = np.sort(first_of_video)[turns][: min(MOST, EACH * len(np.unique(labels)))]
    return [int(row) for row in chosen[np.argsort(labels[chosen], kind="stable")]]


def _show(clips: ClipSet, clip: int, title: str, first: Any, last: Any) -> None:
    from matplotlib.patheffects import withStroke

    video = clips.video([clip])[0].permute(0, 2, 3, 1).numpy()
    for axes, frame in ((first, video[0]), (last, video[-1])):
        axes.imshow(frame, interpolation="nearest", vmin=0, vmax=1)
    first.set_title(title, fontsize=7, loc="left", pad=2)
    if "angle" not in clips.factors:
        return
    angle, middle, reach = float(clips.factors["angle"].iloc[clip]), (clips.size - 1) / 2, ARROW * clips.size
    right, up = reach * math.cos(angle), reach * math.sin(angle)
    look = {"arrowstyle": "-|>", "color": "white", "lw": 1.4, "shrinkA": 0, "shrinkB": 0}
    arrow = last.annotate("", xy=(middle + right, middle - up), xytext=(middle - right, middle + up), arrowprops=look)
    arrow.arrow_patch.set_path_effects([withStroke(linewidth=2.4, foreground="black")])  # to be seen on any ground
