"""Decoding: the frame that is on the screen at a time, upright, with the proportions of the screen, however the file keeps it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.video import decode
from jepascope.clips.video.decode import decode_window, frames_at
from jepascope.clips.video.files import candidate
from jepascope.clips.video.opening import UnreadableVideo
from jepascope.clips.video.probe import probe
from jepascope.clips.video.windows import Cutting, Window, thinned
from jepascope.errors import BadArgument
from video_files import CLOCKWISE, numbered, numbers, with_matrix, write


def window(start: float, end: float, file: str = "") -> Window:
    return Window(file, file, start, end)


# time


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx-vp9"), ("a.mkv", "libx264"), ("a.gif", "gif")]
)
def test_a_clip_holds_the_frames_that_are_shown_at_its_times(tmp_path: Path, name: str, codec: str) -> None:
    """At 20 frames a second, 8 frames from 0.5 s to 1.3 s are every other frame from the tenth on."""
    file = write(tmp_path / name, numbered(30), codec, rate=20)
    assert numbers(decode_window(file, window(0.5, 1.3), 8, 16)) == list(range(10, 26, 2))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.mov"])
@pytest.mark.parametrize(("rate", "frames", "expected"), [(16, 16, range(8, 24)), (24, 12, range(12, 36, 2)), (30, 15, range(15, 45, 2))])
def test_times_rounded_to_milliseconds_show_no_frame_late(tmp_path: Path, name: str, rate: int, frames: int, expected: range) -> None:
    file = write(tmp_path / name, numbered(48), rate=rate)
    assert numbers(decode_window(file, window(0.5, 1.5), frames, 16)) == list(expected)


def test_between_two_frames_the_earlier_one_is_shown(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mp4", numbered(20), rate=10)
    assert numbers(decode_window(file, window(0.0, 1.0), 30, 16)) == [i // 3 for i in range(30)]
    assert numbers(decode_window(file, window(0.599, 0.999), 4, 16)) == [5, 6, 7, 8]


def test_a_variable_frame_rate_is_followed_by_the_times_of_its_frames(tmp_path: Path) -> None:
    times = [0.0, 0.05, 0.1, 0.5, 0.55, 1.2, 1.25, 1.5]
    file = write(tmp_path / "a.mkv", numbered(8), times=times)
    shown = numbers(decode_window(file, window(0.0, 1.6), 16, 16))
    assert shown == [max(i for i, time in enumerate(times) if time <= 0.1 * tick + 1e-6) for tick in range(16)]


@settings(max_examples=40)
@given(rate=st.integers(5, 60), frames=st.integers(1, 40), start=st.floats(0, 0.4), length=st.floats(0.1, 0.5))
def test_ticks_are_even_and_within_the_window(rate: int, frames: int, start: float, length: float) -> None:
    ticks = window(start, start + length).ticks(frames)
    assert ticks[0] == start and ticks[-1] < start + length
    np.testing.assert_allclose(np.diff(ticks), length / frames, rtol=1e-9)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.gif"])
def test_frames_after_a_jump_are_those_of_reading_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    texture = np.random.default_rng(0).integers(0, 256, (32, 120, 3), dtype=np.uint8)
    moving = [np.ascontiguousarray(texture[:, i : i + 40]) for i in range(80)]
    codec = {"avi": "mpeg4", "gif": "gif"}.get(name[-3:], "libx264")
    file = write(tmp_path / name, moving, codec, rate=20, gop=12, options={"bf": "2"} if codec == "libx264" else {})
    pieces = [decode_window(file, window(start, start + 0.5), 5, 32) for start in (0.3, 1.9, 3.4)]
    monkeypatch.setattr(decode, "SEEK", 0.2)
    for start, whole in zip((0.3, 1.9, 3.4), pieces, strict=True):
        assert np.array_equal(decode_window(file, window(start, start + 0.5), 5, 32), whole)
    ticks = np.array([0.1, 1.5, 1.55, 3.0, 3.9])
    jumped = [decode.Scaler()(shown, 32) for shown in frames_at(file, ticks)]
    monkeypatch.setattr(decode, "SEEK", 100.0)
    read_on = [decode.Scaler()(shown, 32) for shown in frames_at(file, ticks)]
    assert np.array_equal(np.stack(jumped), np.stack(read_on)) and len(jumped) == 5


def test_a_window_beyond_the_end_is_an_error_that_says_where_the_end_is(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mp4", numbered(30))
    with pytest.raises(UnreadableVideo, match=r"ends at 1\.25 s"):
        decode_window(file, window(1.0, 3.0), 8, 16)
    with pytest.raises(BadArgument, match="at least 1"):
        decode_window(file, window(0.0, 1.0), 0, 16)


# the picture


def corners(pictures: np.ndarray) -> list[int]:
    """Mean level of each corner of the first frame: top left, top right, bottom left, bottom right."""
    picture = pictures[0].mean(axis=2)
    h, w = picture.shape[0] // 2, picture.shape[1] // 2
    return [round(float(part.mean())) for part in (picture[:h, :w], picture[:h, w:], picture[h:, :w], picture[h:, w:])]


def test_a_phone_s_video_is_turned_upright(tmp_path: Path) -> None:
    """Its matrix asks for a clockwise quarter turn: what was stored at the bottom left is then at the top left."""
    frame = np.zeros((32, 64, 3), dtype=np.uint8)
    frame[:16, :32], frame[:16, 32:], frame[16:, :32], frame[16:, 32:] = 50, 100, 150, 200
    file = write(tmp_path / "a.mp4", [frame] * 10)
    lying = decode_window(file, window(0, 0.3), 2, 32)
    upright = decode_window(with_matrix(file, CLOCKWISE), window(0, 0.3), 2, 32)
    assert lying.shape == (2, 32, 64, 3) and upright.shape == (2, 64, 32, 3)
    np.testing.assert_allclose(corners(lying), [50, 100, 150, 200], atol=3)
    np.testing.assert_allclose(corners(upright), [150, 50, 200, 100], atol=3)
    assert np.array_equal(upright, np.rot90(lying, -1, (1, 2)))


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mp4", numbered(10), shape=Fraction(4, 3))
    assert decode_window(file, window(0, 0.3), 2, 48).shape == (2, 48, 85, 3)  # 64 x 4/3


def test_a_picture_made_small_is_averaged_and_not_sampled(tmp_path: Path) -> None:
    """Stripes finer than a pixel of the result become even grey, where taking every eighth pixel would show stripes."""
    stripes = np.tile(np.array([0, 0, 255, 255], dtype=np.uint8), 64)[None, :, None].repeat(128, axis=0).repeat(3, axis=2)
    file = write(tmp_path / "a.mkv", [stripes] * 8, "libx264rgb", options={"crf": "0"})
    small = decode_window(file, window(0, 0.3), 1, 16)[0]
    assert np.abs(small[2:-2, 2:-2].astype(int) - 128).max() <= 4


def test_a_strip_is_no_picture(tmp_path: Path) -> None:
    file = write(tmp_path / "a.mkv", numbered(8, 640, 16), "libx264")
    with pytest.raises(UnreadableVideo, match="a strip"):
        decode_window(file, window(0, 0.3), 1, 16)


# windows


def test_windows_follow_one_another_and_none_is_short_of_frames(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", numbered(60), rate=20)
    write(tmp_path / "gap.mkv", numbered(30), times=[0.05 * i + (2.0 if i >= 20 else 0) for i in range(30)])
    video, gap = probe(tmp_path, candidate("a.mp4")), probe(tmp_path, candidate("gap.mkv"))
    assert [one.start for one in Cutting().windows(video)] == [0.0, 1.0, 2.0]
    assert [one.start for one in Cutting(0.8, stride=0.5).windows(video)] == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert [one.start for one in Cutting().windows(gap)] == [0.0]  # from 1 to 3 s nothing new is shown
    assert Cutting(4.0).windows(video) == [] and "lasts 3.00 s" in Cutting(4.0).why_none(video)


def test_a_cap_spreads_windows_over_a_source() -> None:
    windows = [Window(f"{source}.mp4", source, float(i), i + 1.0) for source in "ab" for i in range(10 if source == "a" else 2)]
    assert [(one.source, one.start) for one in thinned(windows, 3)] == [("a", 1.0), ("a", 5.0), ("a", 8.0), ("b", 0.0), ("b", 1.0)]
    assert thinned(windows, None) == windows


@pytest.mark.parametrize("wrong", [{"seconds": 0.0}, {"seconds": 1e9}, {"seconds": float("nan")}, {"stride": 0.0}, {"per_source": 0}])
def test_cuttings_that_make_no_windows_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadArgument):
        Cutting(**wrong)
