"""Files are read as players show them: of several streams the right one, in its own colours."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jepascope.clips.video.footage import decoded, survey
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.windows import Cutting
from video_files import all_numbers, first_picture, looked_at, muxed, numbered, write


@pytest.fixture(scope="module")
def still_and_moving(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("streams")
    other = [np.full((48, 64, 3), 250, dtype=np.uint8)] * 30
    return (
        write(folder / "still.mp4", other[:1]),
        write(folder / "moving.mp4", numbered(30)),
        write(folder / "other.mp4", other),
    )


@pytest.mark.parametrize(("name", "default"), [("a.mkv", None), ("a.mkv", 1), ("a.mp4", 1)])
def test_behind_a_still_preview_the_moving_stream_is_read_and_said(
    tmp_path: Path, still_and_moving: tuple[Path, Path, Path], name: str, default: int | None
) -> None:
    still, moving, _ = still_and_moving
    file = muxed(tmp_path / name, still, moving, default=default)
    assert all_numbers(file) == list(range(30))
    footage = decoded(survey(tmp_path), Cutting())
    (refusal,) = footage.refusals
    assert refusal.reason == "holds 2 video streams: number 1 is read, as players choose it, and 0 not" and refusal.start is None
    assert len(footage.windows) == 1


@pytest.mark.parametrize("default", [0, 1])
def test_of_two_moving_streams_the_one_marked_as_default_is_read(
    tmp_path: Path, still_and_moving: tuple[Path, Path, Path], default: int
) -> None:
    _, moving, other = still_and_moving
    file = muxed(tmp_path / "a.mkv", other, moving, default=default)
    assert (all_numbers(file) == list(range(30))) == (default == 1)
    assert f"number {default} is read" in looked_at(file).remarks[0]


def test_a_still_picture_that_is_marked_as_default_is_refused_with_the_stream_that_is_left_out(
    tmp_path: Path, still_and_moving: tuple[Path, Path, Path]
) -> None:
    still, moving, _ = still_and_moving
    file = muxed(tmp_path / "a.mkv", moving, still, default=1)
    with pytest.raises(UnreadableVideo, match=r"holds one frame.*number 1 is read, as players choose it, and 0 not"):
        looked_at(file)


def test_a_file_with_one_stream_says_nothing_of_streams(still_and_moving: tuple[Path, Path, Path]) -> None:
    assert looked_at(still_and_moving[1]).remarks == ()


# the picture


@pytest.mark.parametrize(("matrix", "full"), list(itertools.product([1, 6], [False, True])), ids=str)
def test_colours_are_those_of_the_file_s_own_matrix_and_range(tmp_path: Path, matrix: int, full: bool) -> None:
    """Y'CbCr of known colours, by the luma coefficients of BT.709 (1) and BT.601 (6): ITU-T H.273."""
    import av

    red, blue = {1: (0.2126, 0.0722), 6: (0.299, 0.114)}[matrix]
    colours = np.array([[200, 40, 60], [30, 180, 90], [60, 50, 210], [128, 128, 128]]) / 255
    luma = colours @ [red, 1 - red - blue, blue]
    chroma = np.stack([(colours[:, 2] - luma) / (2 - 2 * blue), (colours[:, 0] - luma) / (2 - 2 * red)])
    coded = np.concatenate([luma[None] * (255 if full else 219) + (0 if full else 16), chroma * (255 if full else 224) + 128])
    planes = np.repeat(np.repeat(coded.reshape(3, 2, 2), 24, axis=1), 32, axis=2).round().astype(np.uint8)
    with av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream: Any = out.add_stream("libx264", rate=24, options={"preset": "ultrafast", "crf": "4"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, 2 if full else 1
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(planes, format="yuv444p")
            frame.colorspace, frame.color_range = matrix, 2 if full else 1
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    shown = first_picture(tmp_path / "a.mp4")
    middles = shown[12::24, 16::32].reshape(4, 3)
    np.testing.assert_allclose(middles, colours * 255, atol=3)


def test_fields_in_one_frame_are_read_and_said(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mkv", numbered(30), options={"x264-params": "tff=1"})
    assert "interlaced" in looked_at(file).remarks[0]
    assert len(decoded(survey(tmp_path), Cutting()).windows) == 1


def test_frames_that_change_their_size_keep_their_times(tmp_path: Path) -> None:
    """Streams whose picture grows on the way (a call, a broadcast) are shown at one size."""
    frames = [*numbered(12), *(np.repeat(np.repeat(frame, 2, axis=0), 2, axis=1) for frame in numbered(24)[12:])]
    import av

    parts = [write(tmp_path / f"{i}.tmp.ts", some, rate=12) for i, some in enumerate((frames[:12], frames[12:]))]
    with av.open(str(parts[0])) as first, av.open(str(tmp_path / "a.mkv"), "w") as out:
        way = out.add_stream_from_template(first.streams.video[0])
        for number, part in enumerate(parts):
            with av.open(str(part)) as source:
                stream = source.streams.video[0]
                begin = stream.start_time
                for packet in source.demux(stream):
                    if packet.dts is not None:
                        later = number * round(1 / packet.time_base) - begin
                        packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, way
                        out.mux(packet)
    assert all_numbers(tmp_path / "a.mkv") == list(range(24))
