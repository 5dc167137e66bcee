"""Pictures of clips: of scenes a clip of each class, first to last frame, of videos pairs of frames, with arrows of motion."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from jepascope.clips.classes import in_turn
from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.motion.sheet import arrow, arrow_through, sheet_of_pairs
from jepascope.clips.spread import spread
from jepascope.clips.video.enough import clips_of

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

SHEET, ROW, LINE_HEIGHT = 6.5, 1.6, 0.115  # inches: width, a class and split with the words above it, a line below
BESIDE = 4  # clips of a class and split
WIDTHS = (0.8, *(1.0 for _ in range(BESIDE)))  # of its words, and of its frames
MOST_ROWS = 48  # of a sheet: sixteen classes
SHOWN_SIDE = 112  # pixels of a frame
NAMED, LONGEST, NAME = 20, 130, 20  # lines of what is not used, characters of one, and of a file's name


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


def overview_sheet(clips: ClipSet, variable: str, refused: Sequence[str] = ()) -> Figure:
    """Of every class and split a row: frames from the middle of its windows, of as many videos as there are, with file and seconds.

    ``refused``: what is not used, a line each, named below.
    """
    from matplotlib.figure import Figure

    rows = _by_class_and_split(clips, variable)
    named = [textwrap.shorten(line, LONGEST, placeholder="…") for line in refused[:NAMED]]
    more = [(len(rows) - MOST_ROWS, "classes and splits"), (len(refused) - NAMED, "lines (--json lists all)")]
    named += [f"and {count} more {what}" for count, what in more if count > 0]
    rows = rows[:MOST_ROWS]
    room = LINE_HEIGHT * (len(named) + bool(refused)) + 0.1  # inches below the frames
    height = len(rows) * ROW + room
    figure = Figure(figsize=(SHEET, height), dpi=130)
    grid = figure.subplots(len(rows), 1 + BESIDE, squeeze=False, gridspec_kw={"wspace": 0.06, "hspace": 0.0, "width_ratios": WIDTHS})
    looked = clips.at(2, SHOWN_SIDE)
    for (title, chosen), places in zip(rows, grid, strict=True):
        for axes in places:
            axes.set_axis_off()
        places[0].text(0.0, 0.42, title, fontsize=8, ha="left", va="center", transform=places[0].transAxes)
        for axes, clip, video in zip(places[1:], chosen, looked.video(chosen), strict=False):
            axes.imshow(video[1].permute(1, 2, 0).numpy(), interpolation="nearest", vmin=0, vmax=1)
            axes.set_anchor("S")
            axes.set_title(_where(clips, clip), fontsize=6, loc="left", pad=2)
    figure.subplots_adjust(left=0.01, right=0.995, top=1, bottom=room / height)
    text = "\n".join(["Not used:", *named] if refused else named)
    figure.text(0.01, 0.04 / height, text, fontsize=6, ha="left", va="bottom", linespacing=1.25)
    return figure


def _by_class_and_split(clips: ClipSet, variable: str) -> list[tuple[str, list[int]]]:
    """Words on each class and split, and the clips of it that are shown: one of every video first."""
    labels, classes = clips.labels(variable)
    rows = []
    for label, name in enumerate(classes):
        for split in SPLITS:
            own = clips.factors[(labels == label) & (clips.factors["split"].to_numpy() == split)]
            chosen = spread(own["source"].to_numpy(str), np.zeros(len(own), dtype=np.int64), BESIDE)
            held = clips_of(len(own), own["source"].nunique()).replace(" of ", "\nof ")
            words = f"{textwrap.fill(str(name), LINE, max_lines=2)}\n{split}: {held}"
            rows.append((words, np.flatnonzero(clips.factors.index.isin(own.index[chosen])).tolist()))
    return rows


def _where(clips: ClipSet, clip: int) -> str:
    """The end of the file's name, and the window's seconds."""
    row = clips.factors.iloc[clip]
    name = PurePosixPath(str(row["file"])).name
    name = name if len(name) <= NAME else f"…{name[-NAME + 1 :]}"
    return f"{name}\n{row['start']:.2f} to {row['end']:.2f} s"


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
