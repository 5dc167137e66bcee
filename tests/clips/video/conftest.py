"""Folders of videos that several tests look through."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from video_files import CLOCKWISE, drifting, numbered, with_matrix, write


@pytest.fixture(scope="session")
def textured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve videos of 1.5 to 2 s with a moving texture, in two folders. Shared: nobody writes into it."""
    root = tmp_path_factory.mktemp("textured")
    for i in range(12):
        write(root / ("cats" if i % 2 else "wild_dogs") / f"{i}.mp4", drifting(30 + i, 48, 36, seed=i), rate=20)
    return root


@pytest.fixture(scope="session")
def study_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """``study_of(folder, variable="class")``: the clips that a study with these fields chooses, and what it refuses."""
    from jepascope.study.spec_file import make_spec
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
    with_matrix(write(folder / "phone.mp4", numbered(26)), CLOCKWISE)
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

    damaged = bytearray(write(folder / "damaged.mp4", drifting(), container={"movflags": "faststart"}).read_bytes())
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
