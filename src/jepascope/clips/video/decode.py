"""Decoding: the frames that are on the screen at given times, one after another, upright and of the size asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int, UInt8

from jepascope.clips.video.opening import Clock, UnreadableVideo, opened, pixel_shape
from jepascope.clips.video.upright import upright
from jepascope.clips.video.windows import EARLY, Window
from jepascope.errors import BadArgument

SEEK = 5.0  # seconds of video that are decoded rather than jumped over
SEEKABLE = ("mov", "matroska")  # formats in which a jump lands on a key frame with the right time
# FFmpeg's flags (not all of which older PyAVs name): bicubic with a filter as wide as the reduction, so without aliasing;
# full_chroma_int, accurate_rnd and bitexact make it exact, and the same on every machine
SCALING = 0x4 | 0x2000 | 0x40000 | 0x80000
# FFmpeg's numbers. Its default matrix of colours is nothing to RGB; but older PyAVs look at a frame's own matrix only where another is
# named for the result, and then at its range only where that is full and named as well
DEFAULT_MATRIX, FULL_RANGE = 5, 2
LONGEST = 10  # times the short side
LAST_STAYS = 0.25  # seconds that a video's last frame may stand in for one that is missing

Picture = UInt8[np.ndarray, "height width 3"]


def decode_window(file: Path, window: Window, frames: int, short_side: int) -> UInt8[np.ndarray, "frames height width 3"]:
    """A window's frames, whole and upright, with the proportions that they have on the screen; the short side in pixels.

    The picture is the one of the file: crops and turns of a clip are not applied. Raises UnreadableVideo (a BadData).
    """
    if frames < 1 or short_side < 1:
        raise BadArgument(f"A window of {frames} frames with a short side of {short_side} pixels cannot be decoded; ask for at least 1.")
    pictures: UInt8[np.ndarray, "frames height width 3"] | None = None
    scaler = Scaler()
    for shown in frames_at(file, window.ticks(frames)):
        picture = scaler(shown, short_side)
        if pictures is None:
            pictures = np.empty((frames, *picture.shape), dtype=np.uint8)
        if picture.shape != pictures.shape[1:]:
            raise UnreadableVideo(f"changes the proportions of its frames between {window.start:.2f} and {window.end:.2f} s")
        pictures[shown.first : shown.stop] = picture
    assert pictures is not None  # frames_at yields a frame for every tick, or raises
    return pictures


@dataclass(frozen=True)
class Shown:
    """A decoded frame, and the times (from ``first`` to ``stop`` - 1 of those asked for) at which it is on the screen."""

    first: int
    stop: int
    frame: Any
    pixel_shape: float


def frames_at(file: Path, ticks: Float64[np.ndarray, " ticks"]) -> Iterator[Shown]:
    """The frame on the screen at each of the times, which are sorted seconds: the latest frame that is not later.

    The file is decoded in one pass; long stretches between times are jumped over where the format allows. Raises UnreadableVideo
    at the first frame that is damaged.
    """
    edges = [0, *(np.flatnonzero(np.diff(ticks) > SEEK) + 1).tolist(), len(ticks)]
    for first, stop in pairwise(edges):
        if first == stop:
            return
        jump = bool(ticks[first] > SEEK)
        try:
            for shown in _decoded(file, ticks[first:stop], jump):
                yield replace(shown, first=first + shown.first, stop=first + shown.stop)
        except _MissedError:  # before anything was yielded
            for shown in _decoded(file, ticks[first:], jump=False):
                yield replace(shown, first=first + shown.first, stop=first + shown.stop)
            return


class _MissedError(Exception):
    """A jump did not land before the time that was asked for, or what it landed on cannot be decoded."""


def frames_of_many(
    file: Path, ticks: Sequence[Float64[np.ndarray, " ticks"]]
) -> Iterator[tuple[Int[np.ndarray, " shown"], Int[np.ndarray, " shown"], Shown]]:
    """(which, place, frame) for several lists of times at once, in one pass: the frame is that of time ``place`` of list ``which``."""
    which = np.repeat(np.arange(len(ticks)), [len(times) for times in ticks])
    place = np.concatenate([np.arange(len(times)) for times in ticks])
    joined = np.concatenate(ticks)
    order = np.argsort(joined, kind="stable")
    for shown in frames_at(file, joined[order]):
        these = order[shown.first : shown.stop]
        yield which[these], place[these], shown


def _decoded(file: Path, ticks: Float64[np.ndarray, " ticks"], jump: bool) -> Iterator[Shown]:
    """The same in one go, from the beginning or from the key frame before the first time."""
    import av

    done, held, now = 0, None, 0.0
    with opened(file) as (container, stream):
        shape, clock = pixel_shape(stream), Clock(container, stream)
        if jump:
            if not container.format.name.startswith(SEEKABLE):
                raise _MissedError
            try:
                clock = Clock(container, stream, next(container.decode(stream)))
                container.seek(clock.ticks(float(ticks[0])), stream=stream, backward=True)
            except (av.error.FFmpegError, MemoryError, StopIteration):
                raise _MissedError from None
        frames = container.decode(stream)
        while True:
            try:
                frame = next(frames, None)
            except (av.error.FFmpegError, MemoryError) as error:
                if jump and not done:
                    raise _MissedError from None
                raise UnreadableVideo(f"cannot be decoded from {now:.2f} s on ({getattr(error, 'strerror', error)})", now) from None
            if frame is None:
                break
            now = clock.frame(frame)
            if jump and held is None and now > ticks[0] + EARLY:
                raise _MissedError
            if frame.is_corrupt:
                if jump and not done:
                    raise _MissedError
                raise UnreadableVideo(f"is damaged at {now:.2f} s", now)
            earlier = int(np.searchsorted(ticks, now - EARLY))  # times at which the frame before this one is still shown
            if earlier > done:
                yield Shown(done, earlier, frame if held is None else held, shape)
                done = earlier
                if done == len(ticks):
                    return
            held = frame
        if held is None:
            raise UnreadableVideo("holds no frame that can be decoded")
        if ticks[-1] > now + clock.step + LAST_STAYS:
            raise UnreadableVideo(f"ends at {now + clock.step:.2f} s", now)
        yield Shown(done, len(ticks), held, shape)


class Scaler:
    """Frames -> upright RGB pictures with square pixels. Keeps what FFmpeg's scaler prepared for one size."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self.reformatter = VideoReformatter()

    def __call__(self, shown: Shown, short_side: int) -> Picture:
        """The short side gets ``short_side`` pixels, the long one what keeps the proportions on the screen."""
        width, height = shown.frame.width * shown.pixel_shape, shown.frame.height
        scale = short_side / min(width, height)
        wide, high = max(short_side, round(width * scale)), max(short_side, round(height * scale))
        if max(wide, high) > LONGEST * short_side:
            raise UnreadableVideo(f"has frames of {shown.frame.width} x {shown.frame.height} pixels, a strip rather than a picture")
        from av.error import FFmpegError

        full = shown.frame.color_range == FULL_RANGE or shown.frame.format.name.startswith("yuvj")
        colours = {"dst_colorspace": DEFAULT_MATRIX, "src_color_range": FULL_RANGE if full else None}
        try:
            small = self.reformatter.reformat(shown.frame, wide, high, "rgb24", interpolation=SCALING, **colours)
        except (FFmpegError, ValueError, MemoryError) as error:
            raise UnreadableVideo(f"has pictures that cannot be made RGB ({getattr(error, 'strerror', error)})") from None
        return upright(shown.frame).picture(small.to_ndarray())
