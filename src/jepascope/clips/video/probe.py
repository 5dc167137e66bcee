"""Looking at a file: what it holds, as far as its packets and its first frame tell. No more than one frame is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from jepascope.clips.video.contents import content_digest
from jepascope.clips.video.files import Candidate, Refusal
from jepascope.clips.video.opening import MAX_FRAMES, MAX_RATE, MAX_SECONDS, MAX_WORK, Clock, UnreadableVideo, opened, streams_left_out
from jepascope.clips.video.upright import upright
from jepascope.disk.named import open_named

MISSING = 0.5  # seconds that a header may claim beyond the last frame
TAIL = 1 << 20  # bytes of a GIF in which its end mark is looked for


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
        about = path.stat()
        digest = content_digest(path, about.st_size)
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
            size=about.st_size,
            modified=about.st_mtime_ns,
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


@dataclass(frozen=True, eq=False)
class Packets:
    """``times`` of a video's frames, each once, in seconds from the first that is shown; ``stop``: when the last has been shown, and
    when the last packet of any stream has; ``cut``: why not all of the file is read, if so."""

    times: Float64[np.ndarray, " frames"]
    stop: float
    last_stop: float
    cut: str

    @property
    def usual(self) -> float:
        """Seconds that a frame is usually shown."""
        return float(np.median(np.diff(self.times)))


def read_packets(container: Any, stream: Any, clock: Clock) -> Packets:
    """All packets of a file, its video's times counted by the clock. Raises UnreadableVideo for fewer than two frames."""
    import av

    times: list[float] = []
    stop, last_stop, cut = 0.0, 0.0, ""
    try:
        for packet in container.demux():
            if not packet.size:
                continue
            if packet.stream_index != stream.index:
                last_stop = max(last_stop, clock.stops(packet))
                continue
            seconds = clock.packet(packet)
            if packet.is_discard:
                continue
            if seconds > MAX_SECONDS or len(times) == MAX_FRAMES:
                cut = f"only its first {MAX_SECONDS:g} s, or {MAX_FRAMES:,} frames, are used"
                break
            times.append(seconds)
            stop = max(stop, seconds + float((packet.duration or 0) * packet.time_base))
    except av.error.FFmpegError as error:
        cut = f"its packets cannot be read beyond {max(times, default=0.0):.2f} s ({error.strerror})"
    every = np.unique(np.array(times))
    shown = every[every >= 0]  # what comes before the first frame that can be decoded is not shown
    if clock.counted and len(shown):  # the decoder gives a frame out some packets late: the last ones have no packet of their own
        shown = np.append(shown, shown[-1] + clock.step * np.arange(1, 1 + len(every) - len(shown)))
    if len(shown) == 0:
        raise UnreadableVideo("holds no frame with a time")
    if len(shown) == 1:
        several = streams_left_out(container, stream)
        raise UnreadableVideo(f"holds one frame; in a still picture nothing moves{f' ({several})' if several else ''}")
    stop = max(stop, float(shown[-1] + np.median(np.diff(shown))))
    return Packets(shown, stop, max(last_stop, stop), cut)


def why_truncated(path: Path, container: Any, stream: Any, clock: Clock, packets: Packets) -> str:
    """Why a file seems to lack its end; empty where nothing tells so.

    A video's own length counts from its first frame. A file's length is that of its longest stream; Matroska counts it from zero, whatever
    the first time is.
    """
    claims, reached = None, packets.stop
    if stream.duration is not None:
        claims = float(stream.duration * stream.time_base)
    elif container.duration is not None:
        begin = 0 if container.format.name.startswith("matroska") else container.start_time or 0
        claims, reached = (begin + container.duration) / 1e6 - clock.origin, packets.last_stop
    if claims is not None and claims > reached + MISSING:
        return f"its header claims {claims:.2f} s, but its frames end at {packets.stop:.2f} s; it seems truncated"
    if container.format.name == "gif" and not _ends_as_gif(path):
        return f"its frames end at {packets.stop:.2f} s without the end mark of a GIF; it seems truncated"
    return ""


def _ends_as_gif(path: Path) -> bool:
    with open_named(path) as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL))
        return file.read().rstrip(b"\0").endswith(b";")
