"""Looking at a file: what it holds, as far as its packets and its first frame tell. No more than one frame is decoded."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from jepascope.clips.video.files import Candidate
from jepascope.clips.video.opening import MAX_FRAMES, MAX_RATE, MAX_SECONDS, MAX_WORK, Clock, UnreadableVideo, opened, pixel_shape

WHOLE = 8 << 20  # bytes of a file that is hashed whole; of a larger one head, middle and tail
PART = 1 << 20
UNEVEN = 0.1  # share of the usual interval between frames that one may differ from it
MISSING = 0.5  # seconds that a header may claim beyond the last frame


@dataclass(frozen=True, eq=False)
class Video:
    """A video file that can be used. ``width`` and ``height``: as shown, upright and with square pixels. ``rotation``: degrees
    counter-clockwise that the picture is turned to be upright. ``times``: of its frames, in seconds from the first one. ``rate``:
    frames a second on average; ``variable``: whether the intervals differ. ``note``: what of the file cannot be used, if anything.
    """

    file: str
    source: str
    label: str
    official_split: str
    container: str
    codec: str
    width: int
    height: int
    rotation: int
    times: Float64[np.ndarray, " frames"]
    variable: bool
    note: str
    digest: str
    size: int
    modified: int

    @property
    def frames(self) -> int:
        return len(self.times)

    @property
    def rate(self) -> float:
        return (len(self.times) - 1) / float(self.times[-1] - self.times[0])

    @property
    def interval(self) -> float:
        """Seconds that a frame is usually shown."""
        return float(np.median(np.diff(self.times)))

    @property
    def duration(self) -> float:
        """Seconds, the last frame's included."""
        return float(self.times[-1]) + self.interval


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
        clock = Clock(container, stream)
        seen, note = _times(container, stream, clock)
    times = np.unique(np.array(seen))
    times = times[(times >= 0) & (times <= MAX_SECONDS)]
    if len(times) == 0:
        raise UnreadableVideo("holds no frame with a time")
    if len(times) == 1:
        raise UnreadableVideo("holds one frame; in a still picture nothing moves")
    intervals = np.diff(times)
    usual = float(np.median(intervals))
    with opened(path) as (container, stream):
        claims = _claimed_seconds(container, stream)
        if not note and claims is not None and claims > float(times[-1]) + usual + MISSING:
            note = f"its header claims {claims:.2f} s, but its frames end at {float(times[-1]) + usual:.2f} s; it seems truncated"
        if not note and container.format.name == "gif" and not _ends_as_gif(path):
            note = f"its frames end at {float(times[-1]) + usual:.2f} s without the end mark of a GIF; it seems truncated"
        try:
            first = next(container.decode(stream), None)
        except (av.error.FFmpegError, MemoryError) as error:
            raise UnreadableVideo(f"cannot be decoded ({getattr(error, 'strerror', error)})") from None
        if first is None:
            raise UnreadableVideo("holds no frame that can be decoded")
        most = MAX_WORK // (first.width * first.height)
        if len(times) > most:
            times = times[: max(most, 2)]
            note = f"only its first {times[-1]:.0f} s are used: reading more frames of {first.width} x {first.height} pixels takes too long"
        video = Video(
            file=candidate.file,
            source=candidate.source,
            label=candidate.label,
            official_split=candidate.official_split,
            container=container.format.name.split(",")[0],
            codec=stream.codec_context.name,
            **_shown(first, pixel_shape(stream)),
            times=times,
            variable=bool(np.abs(intervals - usual).max() > UNEVEN * usual + 1.5 * clock.unit),
            note=note,
            digest=digest,
            size=found.st_size,
            modified=found.st_mtime_ns,
        )
    if video.rate > MAX_RATE:
        raise UnreadableVideo(f"claims {video.rate:.4g} frames a second, more than {MAX_RATE:g}: its times cannot be right")
    return video


def _times(container: Any, stream: Any, clock: Clock) -> tuple[list[float], str]:
    """When the packets' frames are shown, and a note where not all of the file is read."""
    import av

    times: list[float] = []
    try:
        for packet in container.demux(stream):
            seconds = clock.packet(packet)
            if not packet.size or packet.is_discard or seconds is None:
                continue
            if seconds > MAX_SECONDS or len(times) == MAX_FRAMES:
                return times, f"only its first {MAX_SECONDS:g} s, or {MAX_FRAMES:,} frames, are used"
            times.append(seconds)
    except av.error.FFmpegError as error:
        return times, f"its packets cannot be read beyond {max(times, default=0.0):.2f} s ({error.strerror})"
    return times, ""


def _claimed_seconds(container: Any, stream: Any) -> float | None:
    """How long the header says that the video lasts; None where it says nothing of it."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is not None and not container.streams.audio:  # sound may last longer
        return float(container.duration) / 1e6
    return None


def _ends_as_gif(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - PART))
        return file.read().rstrip(b"\0").endswith(b";")


def _shown(frame: Any, shape: float) -> dict[str, int]:
    """Width and height on the screen, and the turn that puts the picture upright."""
    turn = round(frame.rotation / 90) * 90 % 360
    width, height = round(frame.width * shape), frame.height
    return {"rotation": turn} | ({"width": height, "height": width} if turn % 180 else {"width": width, "height": height})


def content_digest(path: Path, size: int) -> str:
    """Names a file's content: all bytes of a file up to 8 MB, else its size, first, middle and last megabyte."""
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for start, count in [(0, size)] if size <= WHOLE else [(0, PART), (size // 2, PART), (size - PART, PART)]:
            file.seek(start)
            digest.update(file.read(count))
    return digest.hexdigest()[:16]
