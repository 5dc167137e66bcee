"""Files are read as players show them: mirrored and turned as they ask, from their first frame on, and of several streams the right one."""

from __future__ import annotations

import io
import itertools
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jepascope.clips.video import decode
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.dihedral import View
from jepascope.clips.video.files import candidate
from jepascope.clips.video.footage import decoded, survey
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import Video, probe
from jepascope.clips.video.source import shown_pixels
from jepascope.clips.video.upright import EIGHT, of_matrix
from jepascope.clips.video.windows import Cutting, Window

Write = Callable[..., Path]
Frames = Callable[..., list[np.ndarray]]
Numbers = Callable[[np.ndarray], list[int]]

ONE = 1 << 16
# what a player does with (a, b, c, d) of a display matrix, written out: a stored picture -> the one on the screen
MATRICES: dict[str, tuple[tuple[int, int, int, int], Callable[[np.ndarray], np.ndarray]]] = {
    "as it is": ((ONE, 0, 0, ONE), lambda picture: picture),
    "mirrored": ((-ONE, 0, 0, ONE), np.fliplr),
    "upside down, mirrored": ((ONE, 0, 0, -ONE), np.flipud),
    "half a turn": ((-ONE, 0, 0, -ONE), lambda picture: picture[::-1, ::-1]),
    "clockwise": ((0, ONE, -ONE, 0), lambda picture: np.rot90(picture, -1)),
    "counter-clockwise": ((0, -ONE, ONE, 0), np.rot90),
    "transposed": ((0, ONE, ONE, 0), lambda picture: picture.swapaxes(0, 1)),
    "transversed": ((0, -ONE, -ONE, 0), lambda picture: picture.swapaxes(0, 1)[::-1, ::-1]),
}


def asking_for(path: Path, linear: Sequence[int]) -> Path:
    """Write a display matrix into an MP4 file."""
    a, b, c, d = linear
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # ISO/IEC 14496-12, 8.3.2, version 0
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def looked_at(path: Path) -> Video:
    return probe(path.parent, candidate(path.name))


def first_picture(path: Path) -> np.ndarray:
    return decode_window(path, Window("", "", 0, 0.3), 1, 48)[0]


def all_numbers(path: Path, numbers_of: Numbers) -> list[int]:
    """The number of the frame that is shown at each of a video's own times."""
    times = looked_at(path).times
    pictures = [np.empty(0)] * len(times)
    scaler = decode.Scaler()
    for shown in decode.frames_at(path, times + 1e-3):
        pictures[shown.first : shown.stop] = [scaler(shown, 16)] * (shown.stop - shown.first)
    return numbers_of(np.stack(pictures))


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


# the display matrix


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """All corners and edges differ; smooth, so that scaling and coding change little."""
    down, right = np.mgrid[:48, :64].astype(np.float64)
    grey = 40 + 2 * right + 1.5 * down * (right > 31)
    return np.repeat(grey.round().astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.parametrize("asked", MATRICES)
def test_of_the_eight_display_matrices_each_is_followed(tmp_path: Path, write_video: Write, picture: np.ndarray, asked: str) -> None:
    linear, played = MATRICES[asked]
    file = asking_for(write_video(tmp_path / "a.mp4", [picture] * 10), linear)
    shown, wanted = first_picture(file), np.ascontiguousarray(played(picture))
    assert shown.shape == wanted.shape
    assert np.abs(shown.astype(int) - wanted).mean() < 2
    assert looked_at(file).note == ""


def test_the_eight_are_those_by_which_clips_are_turned(picture: np.ndarray) -> None:
    clip = torch.from_numpy(picture[:48, :48]).permute(2, 0, 1)[None].float()
    results = set()
    for way in EIGHT:
        turned = way.picture(np.ascontiguousarray(picture[:48, :48]))
        clip_turned = shown_pixels(clip, way.flipped, way.turns, False)[0].permute(1, 2, 0).numpy()
        assert np.array_equal(turned, clip_turned)
        results.add(turned.tobytes())
    assert len(results) == 8


@pytest.mark.parametrize("degrees", [0.7, -0.7, 90.7, 180.0, 269.3])
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_a_matrix_is_taken_for_the_quarter_turn_it_is_within_a_degree_of_at_any_scale(degrees: float, scale: float) -> None:
    c, s = (round(scale * ONE * float(part(np.radians(degrees)))) for part in (np.cos, np.sin))
    way = of_matrix(np.array([[c, s, 0], [-s, c, 0], [0, 0, 1 << 30]]))  # clockwise on the screen
    assert way == View(False, round(-degrees / 90) % 4)


@pytest.mark.parametrize("linear", [(56756, 32768, -32768, 56756), (ONE, ONE // 2, 0, ONE)], ids=["thirty degrees", "sheared"])
def test_other_matrices_are_refused_in_one_line(tmp_path: Path, write_video: Write, picture: np.ndarray, linear: tuple[int, ...]) -> None:
    asking_for(write_video(tmp_path / "a.mp4", [picture] * 30), linear)
    footage = decoded(survey(tmp_path), Cutting())
    (refusal,) = footage.refusals
    assert not footage.windows and "something else than quarter turns and mirrors" in refusal.reason and "\n" not in refusal.reason


def test_a_matrix_of_zeros_is_none(tmp_path: Path, write_video: Write, picture: np.ndarray) -> None:
    file = asking_for(write_video(tmp_path / "a.mp4", [picture] * 10), (0, 0, 0, 0))
    assert np.abs(first_picture(file).astype(int) - picture).mean() < 2


@pytest.mark.parametrize(
    ("orientation", "played"), [(1, lambda picture: picture), (2, np.fliplr), (6, lambda picture: np.rot90(picture, -1))]
)
def test_the_orientation_that_a_camera_writes_into_motion_jpeg_is_followed(
    tmp_path: Path, picture: np.ndarray, orientation: int, played: Callable[[np.ndarray], np.ndarray]
) -> None:
    """FFmpeg hands on the EXIF data too, of a kind for which PyAV may have no name."""
    import av
    from PIL import Image

    exif, jpeg = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(jpeg, "JPEG", quality=95, exif=exif)
    with av.open(str(tmp_path / "a.avi"), "w") as out:
        stream: Any = out.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in range(10):
            packet = av.Packet(jpeg.getvalue())
            packet.pts = packet.dts = i
            packet.time_base, packet.stream, packet.is_keyframe = Fraction(1, 24), stream, True
            out.mux(packet)
    wanted = np.ascontiguousarray(played(picture))
    shown = first_picture(tmp_path / "a.avi")
    assert shown.shape == wanted.shape and np.abs(shown.astype(int) - wanted).mean() < 3


# time


STARTS = [("a.mkv", 5.0), ("a.mp4", 5.0), ("a.mov", 0.7), ("a.webm", 1.0)]


@pytest.mark.parametrize(("name", "begin"), STARTS)
def test_a_piece_that_keeps_the_times_of_a_longer_recording_is_whole_and_starts_with_its_first_frame(
    tmp_path: Path, write_video: Write, frames_of: Frames, numbers_of: Numbers, name: str, begin: float
) -> None:
    if name.endswith("webm"):
        whole = write_video(tmp_path / "whole.webm", frames_of(30), "libvpx-vp9", rate=20)
    else:
        whole = write_video(tmp_path / "whole.mp4", frames_of(30), rate=20, options={"bf": "2"})
    file = muxed(tmp_path / name, whole, begin=begin)
    video = looked_at(file)
    assert video.note == "" and len(video.times) == 30
    np.testing.assert_allclose(video.times, np.arange(30) / 20, atol=2e-3)
    assert all_numbers(file, numbers_of) == list(range(30))


@pytest.mark.parametrize("name", ["late.mkv", "late.webm"])
def test_of_a_piece_that_starts_late_a_missing_end_is_noticed(tmp_path: Path, write_video: Write, name: str) -> None:
    texture = np.random.default_rng(1).integers(0, 256, (48, 200, 3), dtype=np.uint8)
    moving = [np.ascontiguousarray(texture[:, i : i + 64]) for i in range(72)]
    whole = write_video(tmp_path / f"whole {name}", moving, "libvpx-vp9" if name.endswith("webm") else "libx264")
    late = muxed(tmp_path / name, whole, begin=4.0)
    assert looked_at(late).note == ""
    late.write_bytes(late.read_bytes()[: late.stat().st_size * 6 // 10])
    video = looked_at(late)
    assert "its header claims 3.00 s" in video.note and "truncated" in video.note and 1 < video.duration < 2.5


def with_sound(path: Path, video: Path, seconds: float) -> Path:
    import av

    with av.open(str(video)) as source, av.open(str(path), "w") as out:
        stream = source.streams.video[0]
        way = out.add_stream_from_template(stream)
        sound = out.add_stream("aac", rate=16000)
        for packet in source.demux(stream):
            if packet.dts is not None:
                packet.stream = way
                out.mux(packet)
        for i in range(round(seconds * 16000 / 1024)):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.rate, frame.pts = 16000, 1024 * i
            out.mux(sound.encode(frame))
        out.mux(sound.encode())
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_sound_that_goes_on_after_the_picture_is_no_missing_end(tmp_path: Path, write_video: Write, frames_of: Frames, name: str) -> None:
    silent = write_video(tmp_path / "silent.mp4", frames_of(30))
    assert looked_at(with_sound(tmp_path / name, silent, 4.0)).note == ""


def test_a_matroska_file_with_sound_that_lost_its_end_is_noticed(tmp_path: Path, write_video: Write) -> None:
    texture = np.random.default_rng(1).integers(0, 256, (48, 200, 3), dtype=np.uint8)
    silent = write_video(tmp_path / "silent.mp4", [np.ascontiguousarray(texture[:, i : i + 64]) for i in range(72)])
    file = with_sound(tmp_path / "a.mkv", silent, 3.0)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    assert "truncated" in looked_at(file).note


def test_a_last_frame_that_stays_for_long_is_no_missing_end(tmp_path: Path, write_video: Write, frames_of: Frames) -> None:
    """As slides and recordings of screens have it: the header counts how long the frame stays."""
    import av

    short = write_video(tmp_path / "short.mp4", frames_of(24))
    with av.open(str(short)) as source, av.open(str(tmp_path / "a.mp4"), "w") as out:
        stream = source.streams.video[0]
        way = out.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        packets[-1].duration *= 72
        for packet in packets:
            packet.stream = way
            out.mux(packet)
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].duration * container.streams.video[0].time_base > 3
    assert looked_at(tmp_path / "a.mp4").note == ""


@pytest.mark.parametrize(("codec", "late"), [("libx264", "2"), ("mpeg4", "2"), ("mpeg4", "0")])
def test_frames_of_avi_files_are_not_late_by_those_that_wait_for_b_frames(
    tmp_path: Path, write_video: Write, frames_of: Frames, numbers_of: Numbers, codec: str, late: str
) -> None:
    file = write_video(tmp_path / "a.avi", frames_of(30), codec, rate=20, options={"bf": late, "qmin": "2", "qmax": "2"})
    assert all_numbers(file, numbers_of) == list(range(30))
    assert numbers_of(decode_window(file, Window("", "", 0.0, 0.8), 8, 16)) == list(range(0, 16, 2))


def test_an_edit_list_leaves_out_the_frames_that_it_leaves_out(
    tmp_path: Path, write_video: Write, frames_of: Frames, numbers_of: Numbers
) -> None:
    """Trimmed without coding again: frames before zero are there to be decoded, and not to be seen."""
    whole = write_video(tmp_path / "whole.mp4", frames_of(40), rate=20)
    file = muxed(tmp_path / "a.mp4", whole, begin=-0.5)
    video = looked_at(file)
    assert video.note == "" and all_numbers(file, numbers_of) == list(range(10, 40))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_jump_in_a_piece_that_starts_late_lands_where_reading_on_does(
    tmp_path: Path, write_video: Write, frames_of: Frames, numbers_of: Numbers, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    whole = write_video(tmp_path / "whole.mp4", frames_of(40), rate=20, gop=8, options={"bf": "2"})
    file = muxed(tmp_path / name, whole, begin=3.0)
    monkeypatch.setattr(decode, "SEEK", 0.2)
    assert numbers_of(decode_window(file, Window("", "", 1.2, 1.6), 8, 16)) == list(range(24, 32))


# streams


@pytest.fixture(scope="module")
def still_and_moving(tmp_path_factory: pytest.TempPathFactory, write_video: Write, frames_of: Frames) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("streams")
    other = [np.full((48, 64, 3), 250, dtype=np.uint8)] * 30
    return (
        write_video(folder / "still.mp4", other[:1]),
        write_video(folder / "moving.mp4", frames_of(30)),
        write_video(folder / "other.mp4", other),
    )


@pytest.mark.parametrize(("name", "default"), [("a.mkv", None), ("a.mkv", 1), ("a.mp4", 1)])
def test_behind_a_still_preview_the_moving_stream_is_read_and_said(
    tmp_path: Path, still_and_moving: tuple[Path, Path, Path], numbers_of: Numbers, name: str, default: int | None
) -> None:
    still, moving, _ = still_and_moving
    file = muxed(tmp_path / name, still, moving, default=default)
    assert all_numbers(file, numbers_of) == list(range(30))
    footage = decoded(survey(tmp_path), Cutting())
    (refusal,) = footage.refusals
    assert refusal.reason == "holds 2 video streams: number 1 is read, as players choose it, and 0 not" and refusal.start is None
    assert len(footage.windows) == 1


@pytest.mark.parametrize("default", [0, 1])
def test_of_two_moving_streams_the_one_marked_as_default_is_read(
    tmp_path: Path, still_and_moving: tuple[Path, Path, Path], numbers_of: Numbers, default: int
) -> None:
    _, moving, other = still_and_moving
    file = muxed(tmp_path / "a.mkv", other, moving, default=default)
    assert (all_numbers(file, numbers_of) == list(range(30))) == (default == 1)
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


def test_fields_in_one_frame_are_read_and_said(tmp_path: Path, write_video: Write, frames_of: Frames) -> None:
    file = write_video(tmp_path / "a.mkv", frames_of(30), options={"x264-params": "tff=1"})
    assert "interlaced" in looked_at(file).remarks[0]
    assert len(decoded(survey(tmp_path), Cutting()).windows) == 1


def test_frames_that_change_their_size_keep_their_times(tmp_path: Path, write_video: Write, frames_of: Frames, numbers_of: Numbers) -> None:
    """Streams whose picture grows on the way (a call, a broadcast) are shown at one size."""
    frames = [*frames_of(12), *(np.repeat(np.repeat(frame, 2, axis=0), 2, axis=1) for frame in frames_of(24)[12:])]
    import av

    parts = [write_video(tmp_path / f"{i}.tmp.ts", some, rate=12) for i, some in enumerate((frames[:12], frames[12:]))]
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
    assert all_numbers(tmp_path / "a.mkv", numbers_of) == list(range(24))
