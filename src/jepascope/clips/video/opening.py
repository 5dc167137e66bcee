"""Opening a stranger's video: which formats, how large, how long. Whatever a file claims is held against these limits first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jepascope.disk.named import NoFile, check_named, open_named
from jepascope.errors import BadData

ENDINGS = (
    *(".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".divx", ".gif", ".3gp", ".3g2", ".flv", ".f4v", ".wmv", ".asf"),
    *(".mpg", ".mpeg", ".mpe", ".m2p", ".vob", ".ts", ".mts", ".m2ts", ".ogv", ".insv", ".lrv"),
)
# as FFmpeg names them: playlists, which name other files, are not among them
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,flv,asf,mpeg,mpegts,ogg"

MAX_PIXELS = 36_000_000  # of a frame: 8K film has 35.4 million
MAX_SECONDS = 3600.0  # of a file that are read
MAX_FRAMES = 500_000
MAX_WORK = 400_000_000_000  # pixels of a file that are decoded: an hour of full HD at 50 frames a second
MAX_RATE = 1000.0  # frames a second
MAX_GIF = 1 << 28  # bytes: FFmpeg looks for a GIF's next picture byte by byte, and would look through a disk full of zeros
SHAPES = (0.25, 4.0)  # of a pixel, width to height; anything else is a mistake in the file
HEAD = 4096
MAX_BOXES = 1000  # of an MP4 file that are skipped to find its index

_LIMITS = {"max_pixels": str(MAX_PIXELS)}


class UnreadableVideo(BadData):
    """A video that cannot be decoded, or not from some time on (``seconds``). The message has no subject: it follows a file's name."""

    def __init__(self, reason: str, seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.seconds = seconds


@contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """(container, video stream) of a file, closed afterwards whatever happens. Raises UnreadableVideo with what is wrong.

    The decoder has one thread, so that frames and errors come in the same order every time.
    """
    import av

    only = {"format_whitelist": FORMATS, "protocol_whitelist": "file", **_LIMITS}
    if path.suffix.lower() == ".gif" and path.stat().st_size > MAX_GIF:
        raise UnreadableVideo(f"is a GIF of more than {MAX_GIF >> 20} MB; convert it to H.264")
    try:
        check_named(path)
        # titles in old encodings are no reason to refuse a video (and PyAV would leave the file open)
        container = av.open(str(path.absolute()), options=only, metadata_errors="replace")
    except NoFile as error:
        raise UnreadableVideo(f"cannot be read ({error})") from None
    except UnicodeEncodeError:
        raise UnreadableVideo("has a name that is not valid UTF-8; rename it") from None
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise UnreadableVideo(_why_not_opened(path, error)) from None
    with container:
        yield container, _video_stream(container)


def _video_stream(container: Any) -> Any:
    """The one that players choose: marked as default, several frames before a still picture, the higher bit rate (FFmpeg's rule)."""
    streams = _moving(container)
    if not streams:
        raise UnreadableVideo("holds sound and no video" if container.streams.audio else "holds no video")
    best = container.streams.best("video")
    stream = next((moving for moving in streams if best is not None and moving.index == best.index), streams[0])
    codec = stream.codec_context
    if codec is None:
        raise UnreadableVideo("is coded in a way that this FFmpeg cannot decode; convert it to H.264")
    if codec.width < 1 or codec.height < 1:
        raise UnreadableVideo(f"claims frames of no size, or of more than {MAX_PIXELS:,} pixels")
    if codec.width * codec.height > MAX_PIXELS:
        raise UnreadableVideo(f"claims frames of {codec.width} x {codec.height} pixels; at most {MAX_PIXELS:,} pixels are read")
    codec.options = _LIMITS  # of frames that grow later on
    codec.thread_count = 1
    return stream


def _moving(container: Any) -> list[Any]:
    """The video streams of a file; the picture of a cover, which counts as one, is left out."""
    from av.stream import Disposition

    return [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]


def streams_left_out(container: Any, stream: Any) -> str:
    """Which of a file's video streams is read, where it has several; else empty."""
    others = [str(moving.index) for moving in _moving(container) if moving.index != stream.index]
    if not others:
        return ""
    return f"holds {1 + len(others)} video streams: number {stream.index} is read, as players choose it, and {', '.join(others)} not"


def _why_not_opened(path: Path, error: Exception) -> str:
    try:
        with open_named(path) as file:
            head = file.read(HEAD)
            truncated = head[4:8] == b"ftyp" and not _has_index(file)
    except OSError as reading:
        return f"cannot be read ({reading.strerror})"
    if not head:
        return "is empty (0 bytes)"
    if truncated:
        return "is truncated: its index (the 'moov' box) is missing, so that no frame can be found; copy or record it again"
    if _is_text(head):
        return "is text, not a video"
    return f"is no video of a known format, or its beginning is damaged ({str(getattr(error, 'strerror', '') or error)[:80]})"


def _has_index(file: Any) -> bool:
    """Whether an MP4 file has its 'moov' box; boxes are skipped by their sizes, none is read."""
    file.seek(0, 2)
    end, at = file.tell(), 0
    for _ in range(MAX_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return False
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if head[4:8] == b"moov":
            return size >= 8 and at + size <= end
        if size < 8:
            return False
        at += size
    return False


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 4:
            return False
        text = head[: error.start].decode("utf-8")
    return all(character.isprintable() or character in "\t\r\n\f\ufeff" for character in text)


def pixel_shape(stream: Any) -> float:
    """Width of a pixel divided by its height; 1 where the file does not say or says nonsense."""
    shape = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return float(shape) if shape and SHAPES[0] <= shape <= SHAPES[1] else 1.0


class Clock:
    """When each decoded frame is on the screen, in seconds from the first frame that the decoder gives out.

    Pieces that were cut out of a longer recording keep its times, edit lists and the order of B-frames move them: zero is therefore not
    what a header says but what is shown first. AVI files give no presentation times, and what is guessed for them runs back and forth:
    there the time is that of the packet with which the decoder gave the frame out, which is in order. Time never runs backwards.

    Matroska, FLV and ASF round times to milliseconds, and GIF to hundredths of a second: a frame that would come late by that alone
    would miss the time that it is for. A time within a unit of a multiple of the interval between frames is therefore that multiple.
    """

    def __init__(self, container: Any, stream: Any, first: Any = None) -> None:
        self.counted = container.format.name == "avi"
        self.unit = float(stream.time_base)
        self.step = 1 / float(stream.average_rate) if stream.average_rate else self.unit
        self.begin = None if first is None else self._ticks(first)
        self.last: float | None = None

    @property
    def origin(self) -> float:
        """The beginning, in seconds of the file's own time."""
        return (self.begin or 0) * self.unit

    def frame(self, frame: Any) -> float:
        """When a decoded frame is shown. Frames come in order."""
        seconds = self._next(frame)
        self.last = seconds if self.last is None else max(seconds, self.last)
        return self.last

    def packet(self, packet: Any) -> float:
        """When a packet's frame is shown. Packets come in the order of decoding, so that this may run back and forth."""
        self.last = self._next(packet)
        return self.last

    def stops(self, packet: Any) -> float:
        """When a packet of another stream has been played; 0 where it does not say."""
        ticks = packet.dts if packet.pts is None else packet.pts
        return 0.0 if ticks is None else float((ticks + (packet.duration or 0)) * packet.time_base) - self.origin

    def ticks(self, seconds: float) -> int:
        """What to seek to for a time."""
        return round(seconds / self.unit) + (self.begin or 0)

    def _ticks(self, timed: Any) -> int | None:
        ticks: int | None = timed.dts if self.counted or timed.pts is None else timed.pts
        return ticks

    def _next(self, timed: Any) -> float:
        ticks = self._ticks(timed)
        if ticks is None:
            return 0.0 if self.last is None else self.last + self.step
        if self.begin is None:
            self.begin = ticks
        seconds = (ticks - self.begin) * self.unit
        even = round(seconds / self.step) * self.step
        return even if self.unit < self.step / 4 and abs(even - seconds) <= self.unit else seconds
