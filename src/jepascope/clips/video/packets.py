"""What a file's packets tell without decoding: when its frames are shown, and whether it ends before its header says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from jepascope.clips.video.opening import MAX_FRAMES, MAX_SECONDS, Clock, UnreadableVideo, streams_left_out

MISSING = 0.5  # seconds that a header may claim beyond the last frame
TAIL = 1 << 20  # bytes of a GIF in which its end mark is looked for


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
    with path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - TAIL))
        return file.read().rstrip(b"\0").endswith(b";")
