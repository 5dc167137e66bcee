"""Labels of windows of video files: frames are decoded in one pass, measured and let go, one window at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from jepascope.clips.motion.flow import SHORT_SIDE
from jepascope.clips.motion.label import FEWEST, MotionLabel, label_row, label_window
from jepascope.clips.video.decode import Picture, Scaler, frames_of_many
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.windows import Window

RATE = 16  # frames a second that are measured: those that a clip of 16 frames over a second shows
MOST_FRAMES = 64  # of a window, however long


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
        for one in np.unique(which).tolist():  # a frame that is shown at several of the times is measured once
            held[one].append(picture)
        for one in which[place == np.array(counts)[which] - 1].tolist():
            pictures = held.pop(one)
            if len({part.shape for part in pictures}) > 1:
                raise UnreadableVideo(
                    f"changes the proportions of its frames between {windows[one].start:.2f} and {windows[one].end:.2f} s"
                )
            yield one, label_window(np.stack(pictures))


def label_rows(folder: Path, windows: Sequence[Window], whole: bool = False) -> Iterator[dict[str, Any]]:
    """Rows of a label table, of windows of one file below the folder: file, start, end (seconds), source, and what ``label_row`` tells."""
    if windows:
        for one, label in label_windows(folder / windows[0].file, windows, whole):
            window = windows[one]
            yield {"file": window.file, "start": window.start, "end": window.end, "source": window.source, **label_row(label)}
