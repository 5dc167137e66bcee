"""Measured directions of windows, kept on disk: a study that goes on, and every stage by itself, need not measure its videos again."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

from jepascope.clips.motion.flow import opencv
from jepascope.clips.motion.label import REASONS, label_row
from jepascope.clips.motion.windows import label_windows
from jepascope.clips.video.footage import Footage
from jepascope.clips.video.kept import kept
from jepascope.clips.video.labelled import Measured
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.windows import Window

RULE = "study-motion-3"  # change it when measured directions change
NO_DIRECTION = "has no measured direction: "
QUALITY = ("moves", "speed", "coherence", "steadiness", "fraction")
"""Columns of the label that a factor table of clips keeps beside the angle."""


def measured_windows(footage: Footage, cache: Path, progress: Callable[[int, int], None] | None = None) -> list[Measured]:
    """The measured columns of each window (angle in radians), or why it has no direction; a file of the same content is not measured
    again for the same windows.

    ``progress`` counts windows. Raises BadArgument with the command that installs it where OpenCV is missing.
    """
    version = opencv().__version__
    answers: list[Measured] = []
    for file, some in groupby((one.window for one in footage.windows), key=lambda window: window.file):
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
