"""A picture of clips of real videos: first and last frame of a few of every class, as the encoder sees them, with arrows of motion."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np

from jepascope.clips.classes import in_turn
from jepascope.clips.clipset import ClipSet
from jepascope.clips.pictures import arrow_through, sheet_of_pairs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EACH = 3  # clips of a class
MOST = 48  # clips on a sheet
ACROSS = 3
SIDE = 8.6 / (2 * ACROSS)  # inches of a frame
LINE = 26  # characters above a clip


def video_sheet(clips: ClipSet, variable: str) -> Figure:
    """Pairs of frames, class by class; of every class clips of as many videos as there are."""
    labels, classes = clips.labels(variable)
    shown = _shown(clips, labels)
    figure, places = sheet_of_pairs(len(shown), ACROSS, (2 * SIDE, SIDE + 0.22), above=0.2, between=0.18)
    for clip, (first, last) in zip(shown, places, strict=True):
        title = textwrap.shorten(f"{classes[labels[clip]]}: {clips.factors['file'].iloc[clip]}", LINE, placeholder="…")
        _show(clips, clip, title, first, last)
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
    video = clips.video([clip])[0].permute(0, 2, 3, 1).numpy()
    for axes, frame in ((first, video[0]), (last, video[-1])):
        axes.imshow(frame, interpolation="nearest", vmin=0, vmax=1)
    first.set_title(title, fontsize=7, loc="left", pad=2)
    if "angle" in clips.factors:
        middle = (clips.size - 1) / 2
        arrow_through(last, (middle, middle), float(clips.factors["angle"].iloc[clip]), clips.size)
