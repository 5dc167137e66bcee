"""Windows: pieces of a video of one length in seconds. Seconds, not frames: sources differ from 10 to 60 frames a second."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from jepascope.clips.video.probe import Video
from jepascope.errors import BadArgument

EARLY = 1e-4  # seconds that a frame may come late: its time is a rounded number
SHORTEST, LONGEST = 0.1, 60.0  # seconds of a window
FEWEST_FRAMES = 4  # of the file in a window: fewer are a slide show, in which no motion can be seen
MARGIN = 0.5  # frames that a video may be shorter than the window: 25 frames of 24.9 a second are one second


@dataclass(frozen=True)
class Window:
    """A piece of a file (its path below the folder), in seconds from the file's first frame. ``source``: what it was cut from;
    windows of one source never part between splits."""

    file: str
    source: str
    start: float
    end: float

    def ticks(self, frames: int) -> Float64[np.ndarray, " frames"]:
        """When the clip's frames are taken: evenly, the first at the window's start. The rate is frames / (end - start)."""
        return self.start + (self.end - self.start) * np.arange(frames) / frames


@dataclass(frozen=True)
class Cutting:
    """How windows are cut: their length, from one start to the next, and at most so many of a source (spread evenly over it).

    One second by default: of 16 frames that is the pace of a video at 16 frames a second, long enough to see a motion and short
    enough that it keeps its direction. V-JEPA 2 was trained on longer clips (16 frames over about 4 s): ask for ``seconds=4`` for
    actions. ``stride``: None for windows that follow one another. ``per_source``: None for all windows; the cap keeps one long
    video from outweighing all others, and reading it from taking hours.
    """

    seconds: float = 1.0
    stride: float | None = None
    per_source: int | None = 32

    def __post_init__(self) -> None:
        if not SHORTEST <= self.seconds <= LONGEST:
            raise BadArgument(f"A window of {self.seconds:g} s cannot be cut; give seconds between {SHORTEST:g} and {LONGEST:g}.")
        if self.stride is not None and not SHORTEST <= self.stride <= 3600:
            raise BadArgument(f"Windows cannot start every {self.stride:g} s; give a stride between {SHORTEST:g} and 3600.")
        if self.per_source is not None and self.per_source < 1:
            raise BadArgument(f"{self.per_source} windows of a source are none; give at least 1, or leave per_source out for all.")

    def windows(self, video: Video) -> list[Window]:
        """All windows of a video that hold enough of its frames. Times with too few (a gap in the video) are left out."""
        step = self.seconds if self.stride is None else self.stride
        count = int(np.floor((video.duration + MARGIN * video.interval + EARLY - self.seconds) / step)) + 1
        starts = step * np.arange(max(count, 0))
        held = np.searchsorted(video.times, starts + self.seconds - EARLY) - np.searchsorted(video.times, starts - EARLY)
        return [Window(video.file, video.source, float(start), float(start) + self.seconds) for start in starts[held >= FEWEST_FRAMES]]

    def why_none(self, video: Video) -> str:
        """The reason that a video without windows is listed with."""
        if video.duration + MARGIN * video.interval + EARLY < self.seconds:
            return f"lasts {video.duration:.2f} s, less than one window of {self.seconds:g} s"
        return (
            f"shows {video.rate:.3g} frames a second on average; a window of {self.seconds:g} s needs at least {FEWEST_FRAMES} "
            "frames for a motion to be seen"
        )


def thinned(windows: Sequence[Window], per_source: int | None) -> list[Window]:
    """At most so many windows of each source, spread evenly over its files and times."""
    if per_source is None:
        return list(windows)
    by_source: dict[str, list[Window]] = defaultdict(list)
    for window in windows:
        by_source[window.source].append(window)
    # beginnings of videos are titles more often than not
    return [group[place] for group in by_source.values() for place in middles(len(group), per_source)]


def middles(length: int, count: int) -> list[int]:
    """``count`` places spread evenly over a row, the middle of each of as many equal parts; all places of a row that has no more."""
    count = min(length, count)
    return [int((part + 0.5) * length / count) for part in range(count)]
