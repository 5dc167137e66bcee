"""Which files are of one recording: by the names of data sets, by a labels file, by cuts and by content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jepascope.clips.video.files import candidate
from jepascope.clips.video.footage import decoded, joined_words, survey
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.recordings import DATA_SET, LABELS, NAMES, cuts, recordings
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadData
from video_files import numbered, write


def test_names_that_differ_in_a_cut_alone_are_of_one_recording_and_other_names_are_not() -> None:
    together = [
        ("a/walk_c01.mp4", "a/walk_c02.mp4"),
        ("a/trip-part1.mp4", "a/trip-Part2.mp4", "a/trip.mp4"),
        ("a/city-Scene-001.mp4", "a/city-Scene-014.mp4"),
        ("a/旅行_part1.mp4", "a/旅行_part2.mp4"),
        ("left/park_000010_000020.mp4", "right/park_000030_000040.mp4"),
        ("a/same.mp4", "a/same.mkv"),
    ]
    apart = ["b/walk_c01.mp4", "c/walk_c01.mp4", "scene_1.mp4", "scene_2.mp4", "part1.mp4", "part2.mp4", "a/001.mp4", "b/001.mp4"]
    apart += ["IMG_20230101_123456.mp4", "IMG_20230101_130000.mp4", "cam1.mp4", "cam2.mp4", "run_1.mp4", "run_2.mp4"]
    of = cuts([file for group in together for file in group] + apart)
    # walk_c01 is there in three folders, so that cuts go by folders
    assert [len({of[file] for file in group}) for group in together] == [1] * len(together)
    assert len({of[group[0]] for group in together}) == len(together) and not {*of} & {*apart}


def test_a_labels_file_names_recordings_otherwise_but_not_those_of_a_data_set() -> None:
    files = [
        candidate(name) for name in ("x_part1.mp4", "x_part2.mp4", "y_part1.mp4", "y_part2.mp4", "v_YoYo_g01_c01.avi", "v_YoYo_g01_c02.avi")
    ]
    by_name = recordings(files, {})
    assert len(set(by_name.of.values())) == 3 and by_name.joined == {DATA_SET: 2, NAMES: 4}
    named = {"x_part1.mp4": "one", "x_part2.mp4": "two", "v_YoYo_g01_c01.avi": "one", "v_YoYo_g01_c02.avi": "another"}
    told_so = recordings(files, named)
    assert told_so.joined == {DATA_SET: 2, LABELS: 2, NAMES: 2}
    of = told_so.of
    assert of["x_part1.mp4"] != of["x_part2.mp4"] and of["y_part1.mp4"] == of["y_part2.mp4"]
    assert of["v_YoYo_g01_c01.avi"] == of["v_YoYo_g01_c02.avi"] == of["x_part1.mp4"]


def test_files_that_became_one_recording_are_said_and_a_labels_file_parts_them(tmp_path: Path, study_of: Callable[..., object]) -> None:
    for i in range(4):
        write(tmp_path / "videos" / f"holiday_part{i}.mp4", numbered(25 + i))
    with pytest.raises(BadData, match=r"4 files are of 1 recording; .* 4 by names that differ in a cut .* 'file' and 'source'"):
        study_of(tmp_path / "videos")
    labels = tmp_path / "labels.csv"
    labels.write_text("file,source\n" + "".join(f"holiday_part{i}.mp4,day {i}\n" for i in range(4)))
    parted = survey(tmp_path / "videos", read_video_labels(labels))
    assert len({video.source for video in parted.videos.values()}) == 4 and joined_words(parted) == ""


def test_the_measured_table_has_the_same_recordings(tmp_path: Path) -> None:
    """What `jepascope label` writes as the source of a window is what a study parts by."""
    for name in ("a_c01.mp4", "a_c02.mp4", "b.mp4"):
        write(tmp_path / name, numbered(25 + len(name) + ord(name[3])))
    (tmp_path / "copy.mp4").write_bytes((tmp_path / "b.mp4").read_bytes())
    held = survey(tmp_path)
    of = {file: video.source for file, video in held.videos.items()}
    assert of["a_c01.mp4"] == of["a_c02.mp4"] != of["b.mp4"] == of["copy.mp4"]
    assert {one.window.source for one in decoded(survey(tmp_path), Cutting()).windows} == set(of.values())
