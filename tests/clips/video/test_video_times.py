"""A file is read from its first frame on, each frame at its own time, and a missing end is noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jepascope.clips.video import decode
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.windows import Window
from video_files import all_numbers, drifting, looked_at, muxed, numbered, numbers, write

STARTS = [("a.mkv", 5.0), ("a.mp4", 5.0), ("a.mov", 0.7), ("a.webm", 1.0)]


@pytest.mark.parametrize(("name", "begin"), STARTS)
def test_a_piece_that_keeps_the_times_of_a_longer_recording_is_whole_and_starts_with_its_first_frame(
    tmp_path: Path, name: str, begin: float
) -> None:
    if name.endswith("webm"):
        whole = write(tmp_path / "whole.webm", numbered(30), "libvpx-vp9", rate=20)
    else:
        whole = write(tmp_path / "whole.mp4", numbered(30), rate=20, options={"bf": "2"})
    file = muxed(tmp_path / name, whole, begin=begin)
    video = looked_at(file)
    assert video.note == "" and len(video.times) == 30
    np.testing.assert_allclose(video.times, np.arange(30) / 20, atol=2e-3)
    assert all_numbers(file) == list(range(30))


@pytest.mark.parametrize("name", ["late.mkv", "late.webm"])
def test_of_a_piece_that_starts_late_a_missing_end_is_noticed(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / f"whole {name}", drifting(), "libvpx-vp9" if name.endswith("webm") else "libx264")
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
def test_sound_that_goes_on_after_the_picture_is_no_missing_end(tmp_path: Path, name: str) -> None:
    silent = write(tmp_path / "silent.mp4", numbered(30))
    assert looked_at(with_sound(tmp_path / name, silent, 4.0)).note == ""


def test_a_matroska_file_with_sound_that_lost_its_end_is_noticed(tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.mp4", drifting())
    file = with_sound(tmp_path / "a.mkv", silent, 3.0)
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 6 // 10])
    assert "truncated" in looked_at(file).note


def test_a_last_frame_that_stays_for_long_is_no_missing_end(tmp_path: Path) -> None:
    """As slides and recordings of screens have it: the header counts how long the frame stays."""
    import av

    short = write(tmp_path / "short.mp4", numbered(24))
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
def test_frames_of_avi_files_are_not_late_by_those_that_wait_for_b_frames(tmp_path: Path, codec: str, late: str) -> None:
    file = write(tmp_path / "a.avi", numbered(30), codec, rate=20, options={"bf": late, "qmin": "2", "qmax": "2"})
    assert all_numbers(file) == list(range(30))
    assert numbers(decode_window(file, Window("", "", 0.0, 0.8), 8, 16)) == list(range(0, 16, 2))


def test_an_edit_list_leaves_out_the_frames_that_it_leaves_out(tmp_path: Path) -> None:
    """Trimmed without coding again: frames before zero are there to be decoded, and not to be seen."""
    whole = write(tmp_path / "whole.mp4", numbered(40), rate=20)
    file = muxed(tmp_path / "a.mp4", whole, begin=-0.5)
    video = looked_at(file)
    assert video.note == "" and all_numbers(file) == list(range(10, 40))


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_jump_in_a_piece_that_starts_late_lands_where_reading_on_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    whole = write(tmp_path / "whole.mp4", numbered(40), rate=20, gop=8, options={"bf": "2"})
    file = muxed(tmp_path / name, whole, begin=3.0)
    monkeypatch.setattr(decode, "SEEK", 0.2)
    assert numbers(decode_window(file, Window("", "", 1.2, 1.6), 8, 16)) == list(range(24, 32))
