"""Files of every kind in a folder: what may be a video is opened, and everything else is listed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jepascope.clips.video.contents import folder_digest
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.files import Found, candidate, find, passed_over
from jepascope.clips.video.footage import decoded, survey
from jepascope.clips.video.opening import ENDINGS
from jepascope.clips.video.probe import probe
from jepascope.clips.video.windows import Cutting, Window
from jepascope.errors import BadArgument
from video_files import numbered, numbers, touched, write

FORMATS = {"mpg": "mpeg2video", "mpeg": "mpeg1video", "ts": "libx264", "MTS": "mpeg2video", "m2ts": "libx264", "vob": "mpeg2video"}
FORMATS |= {"wmv": "wmv2", "asf": "wmv2", "flv": "flv", "3gp": "libx264", "m4v": "libx264", "ogv": "libvpx"}


@pytest.mark.parametrize("ending", sorted(FORMATS))
def test_a_video_of_another_format_is_read_frame_by_frame(tmp_path: Path, ending: str) -> None:
    file = write(tmp_path / f"a.{ending.lower()}", numbered(30), FORMATS[ending], rate=25).rename(tmp_path / f"a.{ending}")
    assert [one.file for one in find(tmp_path).candidates] == [file.name]
    video = probe(tmp_path, candidate(file.name))
    assert (len(video.times), video.note) == (30, "") and video.rate == pytest.approx(25, rel=1e-3)
    assert numbers(decode_window(file, Window(file.name, "", 0.0, 1.0), 25, 32)) == list(range(25))


def test_whatever_looks_like_a_video_is_opened_or_refused_and_other_files_are_listed_by_kind(tmp_path: Path) -> None:
    good = write(tmp_path / "a.mp4", numbered(25))
    (tmp_path / "download").write_bytes(good.read_bytes())  # no ending, and a video inside
    (tmp_path / "b.mp4.part").write_bytes(good.read_bytes()[:500])
    touched(tmp_path, "old.RM", "x/1.jpg", "x/2.JPG", "videos.zip", "notes.txt", "noise", ".hidden.rmvb", "deep/er/z.png")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    (tmp_path / "zero.ts").touch()
    footage = decoded(survey(tmp_path), Cutting())
    assert set(footage.videos) == {"a.mp4", "download"}
    assert len({video.source for video in footage.videos.values()}) == 1  # the same bytes
    assert {one.file for one in footage.refusals} == {"b.mp4.part", "zero.ts", "old.RM"}
    listed = {one.file: (one.reason, one.files) for one in footage.others}
    assert listed == {
        "*.jpg": ("is an image, not a video", 2),
        "deep/er/z.png": ("is an image, not a video", 1),
        "videos.zip": ("is an archive (unpack it where it holds videos)", 1),
        "notes.txt": ("is text, not a video", 1),
        "noise": ("is no video that is known", 1),
        "table.csv": ("is a table that says nothing of these videos", 1),
    }


def test_a_pipe_that_is_called_a_video_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    touched(tmp_path, "a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    os.mkfifo(tmp_path / "labels.csv")
    found = find(tmp_path)
    assert {(one.file, one.reason) for one in found.refusals} == {(name, "is not a regular file") for name in ("pipe.mp4", "labels.csv")}
    assert folder_digest(tmp_path)


def test_a_folder_of_links_or_pictures_says_what_it_holds_and_a_way_that_works(tmp_path: Path) -> None:
    outside = touched(tmp_path / "blobs", "0a1b")
    there = tmp_path / "snapshot"
    there.mkdir()
    (there / "a.mp4").symlink_to(outside / "0a1b")
    touched(there, "x/1.jpg")
    with pytest.raises(BadArgument, match=rf"holds no video.*1 × x/1.jpg; 1 links were not followed.*cp -rL {there} COPY"):
        find(there)


def test_every_ending_that_is_tried_makes_a_candidate_in_any_case(tmp_path: Path) -> None:
    names = [f"{i}{ending.upper() if i % 2 else ending}" for i, ending in enumerate(ENDINGS)]
    found: Found = find(touched(tmp_path, *names))
    assert {one.file for one in found.candidates} == set(names) and passed_over(found.others) == []


def test_files_that_are_not_drawn_are_listed(tmp_path: Path) -> None:
    for i in range(5):
        write(tmp_path / f"{i}.mp4", numbered(25 + i))
    footage = survey(tmp_path, files_per_class=3)
    assert [one.reason for one in footage.refusals] == ["was not drawn: at most 3 files of a class are opened"] * 2
    assert len(footage.recordings) == 5 and len(footage.videos) == 3


def test_files_of_a_recording_that_give_no_window_are_listed(tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"v_YoYo_g01_c0{i + 1}.avi", numbered(25 + i), "mpeg4")
    footage = decoded(survey(tmp_path), Cutting(per_source=2))
    assert len(footage.windows) == 2 and len(footage.refusals) == 1
    assert "at most 2 windows of a recording are used" in footage.refusals[0].reason
