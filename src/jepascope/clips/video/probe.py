"""Looking at a file: what it holds, as far as its packets and its first frame tell. No more than one frame is decoded."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from jepascope.clips.video.contents import content_digest
from jepascope.clips.video.files import Candidate, Refusal
from jepascope.clips.video.opening import MAX_RATE, MAX_WORK, Clock, UnreadableVideo, opened, streams_left_out
from jepascope.clips.video.packets import read_packets, why_truncated
from jepascope.clips.video.upright import upright


@dataclass(frozen=True, eq=False)
class Video:
    """A video file that can be used. ``times``: of its frames, in seconds from the first one. ``remarks``: what was chosen in reading it.
    ``note``: why what comes after its end cannot be used, if anything does."""

    file: str
    source: str
    label: str
    official_split: str
    times: Float64[np.ndarray, " frames"]
    remarks: tuple[str, ...]
    note: str
    digest: str
    size: int
    modified: int

    @property
    def rate(self) -> float:
        """Frames a second on average."""
        return (len(self.times) - 1) / float(self.times[-1] - self.times[0])

    @property
    def interval(self) -> float:
        """Seconds that a frame is usually shown."""
        return float(np.median(np.diff(self.times)))

    @property
    def duration(self) -> float:
        """Seconds, the last frame's included."""
        return float(self.times[-1]) + self.interval

    @property
    def refusals(self) -> list[Refusal]:
        """What of the file is not used."""
        rest = [Refusal(self.file, self.note, self.duration)] if self.note else []
        return [*(Refusal(self.file, remark) for remark in self.remarks), *rest]


def probe(folder: Path, candidate: Candidate) -> Video:
    """Look at one file. Raises UnreadableVideo with the reason, which follows the file's name in a sentence."""
    import av

    path = folder / candidate.file
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise UnreadableVideo("is not a regular file")
        if not found.st_size:
            raise UnreadableVideo("is empty (0 bytes)")
        digest = content_digest(path, found.st_size)
    except OSError as error:
        raise UnreadableVideo(f"cannot be read ({error.strerror})") from None
    with opened(path) as (container, stream):
        try:
            first = next(container.decode(stream), None)
        except (av.error.FFmpegError, MemoryError) as error:
            raise UnreadableVideo(f"cannot be decoded ({getattr(error, 'strerror', error)})") from None
    if first is None:
        raise UnreadableVideo("holds no frame that can be decoded")
    with opened(path) as (container, stream):
        clock = Clock(container, stream, first)
        packets = read_packets(container, stream, clock)
        times, note = packets.times, packets.cut or why_truncated(path, container, stream, clock, packets)
        most = MAX_WORK // (first.width * first.height)
        if len(times) > most:
            times = times[: max(most, 2)]
            note = f"only its first {times[-1]:.0f} s are used: reading more frames of {first.width} x {first.height} pixels takes too long"
        upright(first)  # refuses what players show neither turned by quarters nor mirrored
        video = Video(
            file=candidate.file,
            source=candidate.source,
            label=candidate.label,
            official_split=candidate.official_split,
            times=times,
            remarks=tuple(_remarks(container, stream, first)),
            note=note,
            digest=digest,
            size=found.st_size,
            modified=found.st_mtime_ns,
        )
    if video.rate > MAX_RATE:
        raise UnreadableVideo(f"claims {video.rate:.4g} frames a second, more than {MAX_RATE:g}: its times cannot be right")
    return video


def _remarks(container: Any, stream: Any, first: Any) -> Iterator[str]:
    """What a player might do otherwise."""
    if left_out := streams_left_out(container, stream):
        yield left_out
    if first.interlaced_frame:
        yield "is interlaced: the two fields of a frame, which are of two times, are read as one picture (FFmpeg's bwdif takes them apart)"
