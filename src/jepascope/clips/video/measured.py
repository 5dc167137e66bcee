"""Measured directions that are kept on disk: a study that goes on, and every stage by itself, need not measure its videos again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from jepascope.clips.motion.flow import opencv
from jepascope.clips.motion.windows import measured
from jepascope.clips.video.kept import kept
from jepascope.clips.video.labelled import Measure
from jepascope.clips.video.probe import Video
from jepascope.clips.video.windows import Window

RULE = "study-motion-3"  # change it when measured directions change


def kept_measure(videos: Mapping[str, Video], cache: Path, progress: Callable[[int, int], None] | None = None) -> Measure:
    """``clips.motion.windows.measured``, file by file; a file of the same content is not measured again for the same windows.

    ``progress`` counts windows. Raises BadArgument with the command that installs it where OpenCV is missing.
    """
    version = opencv().__version__

    def measure(folder: Path, windows: Sequence[Window]) -> list[Mapping[str, object] | str]:
        by_file: dict[str, list[int]] = defaultdict(list)
        for place, window in enumerate(windows):
            by_file[window.file].append(place)
        found: list[Mapping[str, object] | str] = ["" for _ in windows]
        done = 0
        for file, places in by_file.items():
            some = [windows[place] for place in places]
            asked = {"rule": RULE, "opencv": version, "file": videos[file].digest, "windows": [(one.start, one.end) for one in some]}
            answers = kept(cache, asked, partial(measured, folder, some))
            for place, answer in zip(places, answers, strict=True):
                found[place] = answer
            done += len(some)
            if progress is not None:
                progress(done, len(windows))
        return found

    return measure
