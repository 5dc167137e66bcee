"""Small videos that the tests write themselves. A frame's grey level tells its number, so that what is decoded can be told apart."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
    return path


def turned_by_phone(path: Path) -> Path:
    """Write into an MP4 file the display matrix of a phone held upright: the picture is to be turned clockwise by 90 degrees."""
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2, version 0
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    return write


@pytest.fixture(scope="session")
def phone() -> Callable[[Path], Path]:
    return turned_by_phone


@pytest.fixture(scope="session")
def frames_of() -> Callable[..., list[np.ndarray]]:
    return numbered


@pytest.fixture(scope="session")
def numbers_of() -> Callable[[np.ndarray], list[int]]:
    return numbers


@pytest.fixture(scope="session")
def textured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve videos of 1.5 to 2 s with a moving texture, in two folders. Shared: nobody writes into it."""
    root = tmp_path_factory.mktemp("textured")
    for i in range(12):
        texture = np.random.default_rng(i).integers(0, 256, (36, 120, 3), dtype=np.uint8)
        frames = [np.ascontiguousarray(texture[:, t : t + 48]) for t in range(30 + i)]
        write(root / ("cats" if i % 2 else "wild_dogs") / f"{i}.mp4", frames, rate=20)
    return root


@pytest.fixture(scope="session")
def study_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """``study_of(folder, variable="class")``: the clips that a study with these fields chooses, and what it refuses."""
    from jepascope.study.spec import make_spec
    from jepascope.study.videos.foreseen import settled, video_study

    def chosen(folder: Path, **fields: Any) -> Any:
        with pytest.MonkeyPatch.context() as patch:  # what is shared is made before a test has a cache of its own
            patch.setenv("JEPASCOPE_CACHE", str(tmp_path_factory.mktemp("cache")))
            return video_study(settled(make_spec({"clips": str(folder), "seconds": 0.5, **fields}, "the test")))

    return chosen


@pytest.fixture(scope="session")
def menagerie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a video of every kind, all of which can be used, and of every kind of trouble. Shared: nobody writes into it."""
    import av

    folder = tmp_path_factory.mktemp("menagerie")
    frames = numbered(30)
    write(folder / "a.mp4", frames)
    write(folder / "b.gif", frames, "gif", rate=20)
    write(folder / "c.avi", frames, "mpeg4")
    write(folder / "d.webm", frames, "libvpx-vp9")
    write(folder / "e.webm", frames, "libvpx")
    write(folder / "f.mkv", frames, options={"bf": "2"})
    write(folder / "in/deeper/ein Vogel – à l’œuvre 鳥.mp4", frames[::-1])
    turned_by_phone(write(folder / "phone.mp4", numbered(26)))
    write(folder / "uneven.MP4", frames, times=[0.02 * i if i < 10 else 0.2 + 0.1 * (i - 10) for i in range(30)])

    whole = write(folder / "whole.tmp.mp4", numbered(31)).rename(folder / "whole.hidden").read_bytes()
    (folder / "cut off.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "whole.hidden").unlink()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("Not a video – not at all.\n" * 40)
    (folder / "noise.webm").write_bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes())
    (folder / "list.mp4").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.mp4\n#EXT-X-ENDLIST\n")
    write(folder / "still.gif", numbered(1), "gif")
    write(folder / "short.mp4", numbered(12))
    write(folder / "slides.mp4", numbered(6), rate=2)
    data = bytearray(write(folder / "huge.gif", numbered(2), "gif").read_bytes())
    data[6:10] = struct.pack("<HH", 65535, 65535)
    (folder / "huge.gif").write_bytes(data)
    with av.open(str(folder / "sound.mp4"), "w") as out:
        sound = out.add_stream("aac", rate=16000)
        for _ in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.rate = 16000
            out.mux(sound.encode(frame))
        out.mux(sound.encode())

    texture = np.random.default_rng(1).integers(0, 256, (48, 200, 3), dtype=np.uint8)
    moving = [np.ascontiguousarray(texture[:, i : i + 64]) for i in range(72)]
    damaged = bytearray(write(folder / "damaged.mp4", moving, container={"movflags": "faststart"}).read_bytes())
    at = len(damaged) * 6 // 10
    damaged[at : at + len(damaged) // 20] = bytes(len(damaged) // 20)
    (folder / "damaged.mp4").write_bytes(damaged)

    (folder / ".hidden.mp4").write_bytes(b"")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "inside.mp4").write_bytes(b"")
    (folder / "notes.txt").write_text("not a candidate")
    outside = tmp_path_factory.mktemp("outside")
    (folder / "leaves.mp4").symlink_to(write(outside / "secret.mp4", numbered(25)))
    (folder / "linked").symlink_to(outside, target_is_directory=True)
    (folder / "nowhere.mp4").symlink_to(folder / "gone.mp4")
    return folder
