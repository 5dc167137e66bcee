"""Pictures of clips: of scenes a clip of each class, first to last frame, of videos pairs of frames, with arrows of motion."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from jepascope.clips.classes import in_turn
from jepascope.clips.clipset import ClipSet
from jepascope.clips.motion.sheet import arrow, arrow_through, sheet_of_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 8.6  # inches of a sheet
SHOWN_FRAMES = 4
LINE = 12  # characters of a class name on one line
PATH = {"x", "y", "angle", "speed"}  # factors that say where the main object moves; clips of one's own have none
CHARACTER = 0.085  # inches that one takes

EACH = 3  # clips of a class of videos
MOST = 48  # of them on a sheet
ACROSS = 3
SIDE = WIDTH / (2 * ACROSS)  # inches of a frame
TITLE = 26  # characters above a clip


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
    frame = (WIDTH - 2 * room) / (2 * len(frames))
    figure = Figure(figsize=(WIDTH, min(1.12, 1.08 * frame) * rows), dpi=150)
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
    figure.subplots_adjust(left=room / WIDTH, right=0.995, top=0.995, bottom=0.005)
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


def video_sheet(clips: ClipSet, variable: str) -> Figure:
    """Pairs of frames, class by class; of every class clips of as many videos as there are."""
    labels, classes = clips.labels(variable)
    shown = _rows_shown(clips, labels)
    figure, places = sheet_of_pairs(len(shown), ACROSS, (2 * SIDE, SIDE + 0.22), above=0.2, between=0.18)
    for clip, (first, last) in zip(shown, places, strict=True):
        title = textwrap.shorten(f"{classes[labels[clip]]}: {clips.factors['file'].iloc[clip]}", TITLE, placeholder="…")
        _show_pair(clips, clip, title, first, last)
    return figure


def caption(clips: ClipSet) -> str:
    """What the picture shows, and no more than was done to these clips."""
    done = {"turns": "turned", "flipped": "mirrored", "reversed": "played backwards"}
    views = [words for column, words in done.items() if clips.factors[column].any()]
    shown = f", some of them {' or '.join([', '.join(views[:-1])] * (len(views) > 1) + views[-1:])}" if views else ""
    above = "above each its class and its file"
    arrows = "; arrows along the motion that they are labelled with" if "angle" in clips.factors else ""
    return f"First and last frame of clips as the encoder sees them, cut to the middle square{shown}; {above}{arrows}."


def _rows_shown(clips: ClipSet, labels: np.ndarray) -> list[int]:
    """Rows of the clips, class by class: each of another video as far as there are."""
    first_of_video = np.unique(np.stack([labels, clips.factors["scene"].to_numpy()]), axis=1, return_index=True)[1]
    turns = in_turn(labels[np.sort(first_of_video)])
    chosen = np.sort(first_of_video)[turns][: min(MOST, EACH * len(np.unique(labels)))]
    return [int(row) for row in chosen[np.argsort(labels[chosen], kind="stable")]]


def _show_pair(clips: ClipSet, clip: int, title: str, first: Any, last: Any) -> None:
    video = clips.video([clip])[0].permute(0, 2, 3, 1).numpy()
    for axes, frame in ((first, video[0]), (last, video[-1])):
        axes.imshow(frame, interpolation="nearest", vmin=0, vmax=1)
    first.set_title(title, fontsize=7, loc="left", pad=2)
    if "angle" in clips.factors:
        middle = (clips.size - 1) / 2
        arrow_through(last, (middle, middle), float(clips.factors["angle"].iloc[clip]), clips.size)
