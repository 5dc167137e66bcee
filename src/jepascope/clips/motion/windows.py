"""Labels of windows of video files: frames are decoded in one pass, measured and let go, one window at a time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from jepascope.clips.motion.flow import SHORT_SIDE, opencv
from jepascope.clips.motion.label import FEWEST, REASONS, MotionLabel, label_row, label_window
from jepascope.clips.video.decode import Picture, Scaler, frames_of_many
from jepascope.clips.video.footage import Footage
from jepascope.clips.video.kept import kept
from jepascope.clips.video.labelled import Measured
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.windows import Window

RATE = 16  # frames a second that are measured: those that a clip of 16 frames over a second shows
MOST_FRAMES = 64  # of a window, however long
RULE = "study-motion-3"  # by which directions are measured and kept: change it when they change
NO_DIRECTION = "has no measured direction: "
QUALITY = ("moves", "speed", "coherence", "steadiness", "fraction")
"""Columns of the label that a factor table of clips keeps beside the angle."""


def middle_square(picture: Picture) -> UInt8[np.ndarray, "side side 3"]:
    """What clips show of a video's picture."""
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = round((height - side) / 2), round((width - side) / 2)
    return picture[top : top + side, left : left + side]


def label_windows(path: Path, windows: Sequence[Window], whole: bool = False) -> Iterator[tuple[int, MotionLabel]]:
    """(place in ``windows``, label) of the windows of one file, each as soon as its last frame is decoded.

    RATE frames a second are measured, or those that the file has where it has fewer; in the middle square, which is what clips show,
    or in the ``whole`` frame. Raises UnreadableVideo at the first frame that cannot be decoded.
    """
    counts = [min(MOST_FRAMES, max(FEWEST + 1, round(RATE * (window.end - window.start)))) for window in windows]
    scaler, held = Scaler(), defaultdict[int, list[Picture]](list)
    ticks = [window.ticks(count) for window, count in zip(windows, counts, strict=True)]
    for which, place, shown in frames_of_many(path, ticks):
        picture = scaler(shown, SHORT_SIDE)
        picture = picture if whole else middle_square(picture)
        for number in np.unique(which).tolist():  # a frame that is shown at several of the times is measured once
            held[number].append(picture)
        for number in which[place == np.array(counts)[which] - 1].tolist():
            pictures = held.pop(number)
            if len({part.shape for part in pictures}) > 1:
                raise UnreadableVideo(
                    f"changes the proportions of its frames between {windows[number].start:.2f} and {windows[number].end:.2f} s"
                )
            yield number, label_window(np.stack(pictures))


def label_rows(folder: Path, windows: Sequence[Window], whole: bool = False) -> Iterator[dict[str, Any]]:
    """Rows of a label table, of windows of one file below the folder: file, start, end (seconds), source, and what ``label_row`` tells."""
    if windows:
        for number, label in label_windows(folder / windows[0].file, windows, whole):
            window = windows[number]
            yield {"file": window.file, "start": window.start, "end": window.end, "source": window.source, **label_row(label)}


def measured_windows(footage: Footage, cache: Path, progress: Callable[[int, int], None] | None = None) -> list[Measured]:
    """The measured columns of each window (angle in radians), or why it has no direction; a file of the same content is not measured
    again for the same windows.

    ``progress`` counts windows. Raises BadArgument with the command that installs it where OpenCV is missing.
    """
    version = opencv().__version__
    answers: list[Measured] = []
    for file, some in groupby((seen.window for seen in footage.windows), key=lambda window: window.file):
        windows = list(some)
        times = [(window.start, window.end) for window in windows]
        asked = {"rule": RULE, "opencv": version, "file": footage.videos[file].digest, "windows": times}
        answers += kept(cache, asked, partial(measured, footage.folder / file, windows))
        if progress is not None:
            progress(len(answers), len(footage.windows))
    return answers


def measured(path: Path, windows: Sequence[Window]) -> list[Measured]:
    """The same of windows of one file."""
    answers: list[Measured] = [""] * len(windows)
    try:
        for place, label in label_windows(path, windows):
            row = label_row(label)
            columns: Mapping[str, object] = {name: row[name] for name in QUALITY}
            answers[place] = (
                f"{NO_DIRECTION}{REASONS[label.abstained]}" if label.angle is None else {"angle": math.radians(label.angle), **columns}
            )
    except UnreadableVideo as error:
        answers = [answer or str(error) for answer in answers]
    return answers
