"""Small videos that the tests write themselves, and what is read of them. A frame's grey level tells its number, so that what is decoded
can be told apart."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from jepascope.clips.video import decode
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.files import candidate
from jepascope.clips.video.probe import Video, probe
from jepascope.clips.video.windows import Window

LEVEL = 5  # grey levels from one frame to the next
FIRST = 20

QUICK = {"libx264": {"preset": "ultrafast", "crf": "10"}, "libvpx": {"deadline": "realtime", "cpu-used": "8"}}
QUICK["libvpx-vp9"] = QUICK["libvpx"]


def numbered(count: int, width: int = 64, height: int = 48) -> list[np.ndarray]:
    """Frames of one grey each, lighter from frame to frame."""
    return [np.full((height, width, 3), FIRST + LEVEL * i % 230, dtype=np.uint8) for i in range(count)]


def numbers(pictures: np.ndarray) -> list[int]:
    """The number of each frame that was decoded (the last axes are the picture's), as values 0 to 255."""
    grey = pictures.reshape(len(pictures), -1).mean(axis=1)
    return [round((level - FIRST) / LEVEL) for level in grey.tolist()]


_CODED: dict[bytes, bytes] = {}  # files by what they are made of: the same video is coded once


def write(
    path: Path,
    frames: Sequence[np.ndarray],
    codec: str = "libx264",
    rate: int = 24,
    times: Sequence[float] | None = None,
    shape: Fraction | None = None,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    gop: int | None = None,
) -> Path:
    """A video file. ``times``: when each frame is shown (seconds), for a variable frame rate."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    asked = repr((path.suffix, codec, rate, times, shape, options, container, gop, frames[0].shape)).encode()
    made_of = hashlib.sha256(asked + b"".join(frame.tobytes() for frame in frames)).digest()
    if made_of in _CODED:
        path.write_bytes(_CODED[made_of])
        return path
    with av.open(str(path), "w", options=container or {}) as out:
        stream: Any = out.add_stream(codec, rate=rate, options={**QUICK.get(codec, {}), **(options or {})})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = {"gif": "rgb8", "libx264rgb": "rgb24"}.get(codec, "yuv420p")
        stream.codec_context.thread_count = 1
        if gop is not None:
            stream.codec_context.gop_size = gop
        if shape is not None:
            stream.codec_context.sample_aspect_ratio = shape
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for i, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(1000 * times[i]), Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    _CODED[made_of] = path.read_bytes()
    return path


def drifting(count: int = 72, width: int = 64, height: int = 48, seed: int = 1) -> list[np.ndarray]:
    """A texture that moves left by a pixel a frame: coded, it takes room, so that a part of the file is a part of the video."""
    texture = np.random.default_rng(seed).integers(0, 256, (height, width + count, 3), dtype=np.uint8)
    return [np.ascontiguousarray(texture[:, i : i + width]) for i in range(count)]


ONE = 1 << 16
CLOCKWISE = (0, ONE, -ONE, 0)  # (a, b, c, d) of the display matrix of a phone held upright


def with_matrix(path: Path, linear: Sequence[int]) -> Path:
    """Write a display matrix (a, b, c, d) into an MP4 file."""
    a, b, c, d = linear
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2, version 0
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def touched(root: Path, *names: str) -> Path:
    """A folder with files of these names; nothing in them is a video."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def looked_at(path: Path) -> Video:
    return probe(path.parent, candidate(path.name))


def first_picture(path: Path) -> np.ndarray:
    return decode_window(path, Window("", "", 0, 0.3), 1, 48)[0]


def all_numbers(path: Path) -> list[int]:
    """The number of the frame that is shown at each of a video's own times."""
    times = looked_at(path).times
    pictures = [np.empty(0)] * len(times)
    scaler = decode.Scaler()
    for shown in decode.frames_at(path, times + 1e-3):
        pictures[shown.first : shown.stop] = [scaler(shown, 16)] * (shown.stop - shown.first)
    return numbers(np.stack(pictures))


def muxed(path: Path, *parts: Path, default: int | None = None, begin: float = 0.0, **options: str) -> Path:
    """The video streams of several files in one, as they are coded, all ``begin`` seconds later; one of them marked as default."""
    import av
    from av.stream import Disposition

    with av.open(str(path), "w", options=options) as out:
        ways = []
        for number, part in enumerate(parts):
            container = av.open(str(part))
            stream = container.streams.video[0]
            way = out.add_stream_from_template(stream)
            if default is not None:
                way.disposition = Disposition.default.value if number == default else 0
            ways.append((container, stream, way))
        for container, stream, way in ways:
            for packet in container.demux(stream):
                if packet.dts is not None:
                    later = round(begin / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, way
                    out.mux(packet)
            container.close()
    return path
