"""Clips of real videos: a clip set like any other, whose pixels come from files and whose labels people or folders give."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.clipset import SPLITS, ClipSet, ClipSource
from jepascope.clips.drawn import SPLIT_SHARES
from jepascope.clips.factors import direction_angle, nearest_direction
from jepascope.clips.motion import windows
from jepascope.clips.presets import directions8
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.decode import decode_window
from jepascope.clips.video.dihedral import VIEWS, View, shown_angle
from jepascope.clips.video.folder_clips import VideoStudy
from jepascope.clips.video.footage import Footage, decoded, refusals_table, survey
from jepascope.clips.video.labelled import labelled
from jepascope.clips.video.labels import read_video_labels
from jepascope.clips.video.source import VideoSource, shown_pixels
from jepascope.clips.video.splits import at_most, split_sources
from jepascope.clips.video.variable import folder_variable
from jepascope.clips.video.windows import Cutting, Window
from jepascope.errors import BadArgument, BadData
from jepascope.schema import TABLES
from jepascope.schema.check import check

Study = Callable[..., VideoStudy]


@pytest.fixture(scope="module")
def clips(textured: Path, study_of: Study) -> ClipSet:
    return study_of(textured, variable="class").clips.at(8, 24)


@pytest.fixture(scope="module")
def footage(textured: Path) -> Footage:
    return decoded(survey(textured), Cutting())


def with_labels(folder: Path, labels: Path) -> Footage:
    return decoded(survey(folder, read_video_labels(labels)), Cutting())


def directions_file(path: Path, folder: Path, cells: Sequence[str]) -> Path:
    files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*.mp4"))
    lines = [f"{file},{cells[i % len(cells)]}" for i, file in enumerate(files)]
    path.write_text("\n".join(["file,direction", *lines]) + "\n")
    return path


# pixels


def test_pixels_are_those_of_the_middle_square_of_the_window(textured: Path, clips: ClipSet) -> None:
    assert isinstance(clips.source, ClipSource)
    row = clips.factors.iloc[3]
    whole = decode_window(textured / row["file"], Window(row["file"], "", row["start"], row["end"]), 8, 24)
    square = torch.from_numpy(whole[:, :, 4:28].copy()).permute(0, 3, 1, 2) / 255
    assert whole.shape == (8, 24, 32, 3)
    assert torch.equal(clips.video([3])[0], square)


def test_pixels_of_a_part_are_those_of_the_whole_in_any_order(clips: ClipSet) -> None:
    whole = clips.video()
    rows = np.array([7, 3, 11, 3])
    assert whole.shape == (len(clips), 8, 3, 24, 24) and whole.min() >= 0 and whole.max() <= 1
    assert torch.equal(clips.select(rows).video(), whole[rows])
    assert torch.equal(torch.cat([video for _, video in clips.batches(5)]), whole)
    assert clips.video([]).shape == (0, 8, 3, 24, 24)


def test_a_crop_shows_its_part_of_the_picture(textured: Path, clips: ClipSet) -> None:
    left, right, middle = (clips.with_factors("crop", crop_x=x).video([0])[0] for x in (0.0, 1.0, 0.5))
    row = clips.factors.iloc[0]
    whole = decode_window(textured / row["file"], Window("", "", row["start"], row["end"]), 8, 24)
    pixels = torch.from_numpy(whole.copy()).permute(0, 3, 1, 2) / 255
    assert torch.equal(left, pixels[..., :24]) and torch.equal(right, pixels[..., -24:]) and torch.equal(middle, pixels[..., 4:-4])
    half = clips.with_factors("crop", crop_side=0.5, crop_y=1.0).video([0])
    assert half.shape == (1, 8, 3, 24, 24) and not torch.equal(half[0], middle)


def test_every_token_counts_as_the_object_s(clips: ClipSet) -> None:
    assert clips.object_tokens((4, 3, 3), slice(0, 2)).all()


def test_no_file_stays_open(clips: ClipSet) -> None:
    before = len(os.listdir("/proc/self/fd"))
    clips.video(slice(0, 6))
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_digest_names_the_content_of_the_files_and_not_where_they_lie(textured: Path, clips: ClipSet, tmp_path: Path) -> None:
    def source() -> VideoSource:
        return VideoSource.of(tmp_path / "moved", list(survey(tmp_path / "moved").videos.values()))

    shutil.copytree(textured, tmp_path / "moved")
    moved = source()
    assert moved.digest == clips.source.digest
    path = tmp_path / "moved" / clips.factors["file"][0]
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BadData, match="changed since it was looked at"):
        moved.video(clips.factors[:1], 8, 24)
    assert source().digest != clips.source.digest


@dataclass(frozen=True)
class Counting(VideoSource):
    """A source whose pixels tell the window; it counts what it decodes."""

    asked: list[int] = field(default_factory=list)

    def decoded(self, rows: pd.DataFrame, frames: int, size: int) -> torch.Tensor:
        self.asked.append(len(rows))
        level = torch.tensor(rows["start"].to_numpy(np.uint8))[:, None, None, None, None]
        return level + torch.arange(frames * size * size, dtype=torch.uint8).reshape(1, frames, 1, size, size).expand(
            len(rows), -1, 3, -1, -1
        )


def clip_rows(starts: Sequence[int], turns: Sequence[int]) -> pd.DataFrame:
    shown = {"flipped": False, "turns": turns, "reversed": False, "crop_x": 0.5, "crop_y": 0.5, "crop_side": 1.0}
    return pd.DataFrame({"file": "a", "start": [float(one) for one in starts], "end": [one + 1.0 for one in starts], **shown})


def test_a_window_is_decoded_once_for_all_its_views() -> None:
    source = Counting(Path(), {})
    rows = clip_rows([0, 0, 7], [0, 1, 0])
    first = source.video(rows, 2, 4)
    again = source.video(rows.iloc[::-1], 2, 4)
    assert source.asked == [2] and torch.equal(first, again.flip(0))
    assert torch.equal(first[1], torch.rot90(first[0], 1, (2, 3)))
    assert torch.equal(first[2:], source.decoded(clip_rows([7], [0]), 2, 4) / 255)
    assert not pickle.loads(pickle.dumps(source)).kept


def test_what_is_beyond_the_memory_is_decoded_again() -> None:
    source = Counting(Path(), {}, most_bytes=2 * 3 * 4 * 4)
    rows = clip_rows([0, 7], [0, 0])
    assert torch.equal(source.video(rows, 2, 4), source.video(rows, 2, 4))
    assert source.asked == [2, 1] and len(source.kept) == 1


# views


def test_directions_follow_mirroring_turning_and_reversing() -> None:
    """A rendered object, turned in its pixels, moves the way that the turned label says: all sixteen views of all eight directions."""
    rendered = directions8(per_class=5, frames=8, size=32).select(np.arange(0, 40, 5))
    still = rendered.with_factors("plain", noise=np.zeros(8), lightness=np.ones(8), background=np.full(8, 0.25))
    angle = direction_angle(still.factors["direction"])
    pixels, n = still.video(), len(angle)
    for view in VIEWS:
        told = shown_angle(angle, np.full(n, view.flipped), np.full(n, view.turns), np.full(n, view.reversed))
        for clip, expected in zip(pixels, told, strict=True):
            grey = shown_pixels(clip, view.flipped, view.turns, view.reversed).mean(dim=1)
            weight = (grey - grey.flatten().median()).abs()
            weight = weight / weight.sum(dim=(1, 2), keepdim=True)
            axis = torch.arange(32.0)
            x, y = (weight.sum(1) * axis).sum(1), (weight.sum(2) * axis).sum(1)
            seen = np.arctan2(-(y[-1] - y[0]).item(), (x[-1] - x[0]).item())
            assert abs(np.angle(np.exp(1j * (seen - expected)))) < 0.2


@settings(max_examples=30)
@given(degrees=st.integers(0, 359))
def test_the_published_rules_hold(degrees: int) -> None:
    """Mirrored: 180 - a. Upside down (mirrored and two quarter turns): -a. A quarter turn: a + 90. Backwards: a + 180."""
    for view, rule in (
        (View(True), 180 - degrees),
        (View(True, 2), -degrees),
        (View(turns=1), degrees + 90),
        (View(reversed=True), degrees + 180),
    ):
        told = shown_angle(np.radians([float(degrees)]), np.array([view.flipped]), np.array([view.turns]), np.array([view.reversed]))
        assert np.exp(1j * told[0]) == pytest.approx(np.exp(1j * np.radians(rule)), abs=1e-9)
        assert 0 <= told[0] < 2 * np.pi


def test_clips_are_shown_as_their_columns_say_and_their_labels_follow(textured: Path, study_of: Study, tmp_path: Path) -> None:
    labels = directions_file(tmp_path / "d.csv", textured, ["E", "N", "44", "W"])
    clips = study_of(textured, labels=str(labels)).clips.at(8, 24)
    assert clips.factors.groupby(["file", "start"])["scene"].nunique().max() == 1
    cut = {file: {"E": 0, "N": 90, "44": 44, "W": 180}[cell] for file, cell in (line.split(",") for line in labels.read_text().split()[1:])}
    angle = np.radians(clips.factors["file"].map(cut).to_numpy(np.float64))
    shown = shown_angle(angle, *(clips.factors[name].to_numpy() for name in ("flipped", "turns", "reversed")))
    np.testing.assert_allclose(np.exp(1j * clips.factors["angle"]), np.exp(1j * shown), atol=1e-12)
    assert (nearest_direction(shown) == clips.factors["direction"]).all()
    plain = clips.with_factors("plain", flipped=False, turns=0, reversed=False)
    own = plain.video([0])[0]
    for column, value, expected in (
        ("flipped", True, own.flip(3)),
        ("turns", 1, torch.rot90(own, 1, (2, 3))),
        ("reversed", True, own.flip(0)),
    ):
        assert torch.equal(plain.with_factors("view", **{column: value}).video([0])[0], expected)


# labels


def test_folders_name_classes_and_a_scene_is_a_source(clips: ClipSet) -> None:
    labels, names = clips.labels("class")
    assert names == ("cats", "wild dogs")
    assert [
        names[label].split()[-1] == file.split("/")[0].split("_")[-1] for label, file in zip(labels, clips.factors["file"], strict=True)
    ]
    by_scene = clips.factors.groupby("scene")
    assert (by_scene["source"].nunique() == 1).all() and (by_scene["split"].nunique() == 1).all() and len(by_scene) == 12
    assert clips.factors["scene"].dtype == np.int64 and set(clips.factors["split"]) == set(SPLITS)


def test_a_person_s_label_beats_a_measured_one(textured: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,direction\n./wild_dogs/0.mp4,N\n1,\nwild_dogs\\2.mp4,225\n")  # however a file is named
    there = with_labels(textured, labels)
    files = [one.window.file for one in there.windows]
    found = labelled(there, "direction", ["too little moves" if file == "cats/3.mp4" else {"angle": -0.1, "speed": 0.2} for file in files])
    by_file = found.known.drop_duplicates("file").set_index("file")[["direction", "labelled_by"]]
    assert by_file.loc["wild_dogs/0.mp4"].tolist() == ["N", "person"]
    assert by_file.loc["wild_dogs/2.mp4"].tolist() == ["SW", "person"]
    assert by_file.loc["cats/1.mp4"].tolist() == ["E", "measurement"]  # its cell is empty
    assert [(one.file, one.reason) for one in found.refusals] == [("cats/3.mp4", "too little moves")]
    assert "speed" in found.known and found.known["angle"].between(0, 2 * np.pi).all()


def test_a_measured_direction_is_kept(footage: Footage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row: dict[str, object] = {"angle": 1.0, "moves": "object", "speed": 2.0, "coherence": 0.9, "steadiness": 1.0, "fraction": 0.5}
    asked: list[str] = []

    def measure(path: Path, some: Sequence[Window]) -> list[dict[str, object] | str]:
        asked.append(path.name)
        return ["has no measured direction: it is still" if path.name == "1.mp4" else row for _ in some]

    monkeypatch.setattr(windows, "measured", measure)
    some = replace(footage, windows=footage.windows[:2])
    first = windows.measured_windows(some, tmp_path)
    assert first == ["has no measured direction: it is still", row]
    assert windows.measured_windows(some, tmp_path) == first and len(asked) == 2
    for kept in tmp_path.glob("*.json"):
        kept.write_text('[{"angle": "north"}]')  # what is damaged is measured again
    assert windows.measured_windows(some, tmp_path) == first and len(asked) == 4


def test_every_column_is_declared_or_tells_the_label(textured: Path, study_of: Study, tmp_path: Path) -> None:
    labels = directions_file(tmp_path / "d.csv", textured, list(DIRECTION_NAMES))
    factors = study_of(textured, labels=str(labels), classes=("E", "N", "W", "S")).clips.factors
    assert set(factors) == set(TABLES["clips"].names) | {"direction", "angle", "labelled_by"}
    check(TABLES["clips"], factors)


def test_a_window_gets_the_label_of_the_row_that_covers_most_of_it(textured: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    rows = "".join(f"{i}.mp4,0,0.6,walk\n{i}.mp4,0.6,9,run\n" for i in range(6)) + "".join(f"{i}.mp4,0,9,sit\n" for i in range(6, 12))
    labels.write_text("file,start,end,what\n" + rows)
    known = labelled(with_labels(textured, labels), "what").known
    names = known.groupby(known["file"].map(lambda file: int(Path(file).stem) < 6))["label"].agg(set)
    assert names[True] == {"walk"} and names[False] == {"sit"}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "is empty; the first line names the columns: a column 'file'"),
        ("file,start,what\n0.mp4,0,a\n", "'start' and 'end'"),
        ("file,what,what\n", "two columns are named 'what'"),
        ("file,what\n", "no rows"),
        ("file,what\n0.mp4\n", "line 2: 1 cells under 2 columns"),
        ("file,what\n,a\n", "line 2: the column 'file' is empty"),
        ("file,start,end,what\n0.mp4,x,2,a\n", "line 2, column 'start': 'x' is no time"),
        ("file,start,end,what\n0.mp4,2,1,a\n", "line 2: a stretch from 2 to 1 s is none"),
        ("file,what\nelsewhere.mp4,a\n", "none of them is in the folder"),
        ("file,what\n0.mp4,a\n0.mp4,b\n", "lines 2 and 3 .* two labels 'what'"),
        ("file,other\n0.mp4,a\n", "no label 'what'; known are direction, class, other"),
        ('file,what\n"0.mp4,a\n', "this is not CSV"),
        ("file,what\n0.mp4,\xff\n", "line 2: this is not UTF-8"),
    ],
)
def test_a_labels_file_that_cannot_be_right_is_refused_with_its_line(textured: Path, tmp_path: Path, text: str, error: str) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_bytes(text.encode("latin-1"))
    with pytest.raises((BadData, BadArgument), match=error):
        folder_variable("what", None, str(textured), "", str(labels), None)


def test_a_direction_that_is_none_is_refused(textured: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="'up' is no direction; write E, NE"):
        labelled(with_labels(textured, directions_file(tmp_path / "d.csv", textured, ["up"])), "direction")
    with pytest.raises(BadArgument, match="There is no labels file"):
        read_video_labels(tmp_path / "gone.csv")


def test_reading_labels_and_finding_files_imports_no_heavy_library() -> None:
    modules = "sys, jepascope.clips.video.labels, jepascope.clips.video.layouts"
    code = f"import {modules}; sys.exit([n for n in ('av', 'cv2', 'pandas', 'torch') if n in sys.modules] or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_labels_file_can_say_which_files_are_of_one_recording(textured: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("file,source\n" + "".join(f"{i}.mp4,camera {i // 2}\n" for i in range(8)) + "not there.mp4,x\n")
    there = survey(textured, read_video_labels(labels))
    assert len({video.source for video in there.videos.values()}) == 8
    assert [one.reason for one in there.refusals] == ["is named in 'labels.csv' and is not in the folder"]


def test_how_many_clips_and_files_of_a_class_can_be_chosen(textured: Path, study_of: Study) -> None:
    clips = study_of(textured, variable="class", clips_per_class=25).clips
    assert clips.factors.groupby(["split", clips.labels("class")[0]]).size().tolist() == [10, 10, 8, 8, 8, 8]
    assert clips.factors["source"].nunique() == 12  # as many videos as there are
    assert len({video.source for video in survey(textured, files_per_class=3).videos.values()}) == 6


# splits


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3)), min_size=3, max_size=80), st.integers(0, 5))
def test_a_source_is_never_in_two_splits_and_no_split_is_empty(rows: list[tuple[int, int]], seed: int) -> None:
    sources = np.array([f"s{source}" for source, _ in rows])
    labels = np.array([label for _, label in rows])
    if len(np.unique(sources)) < 3:
        with pytest.raises(BadData, match="cannot be split"):
            split_sources(sources, labels, seed)
        return
    split = split_sources(sources, labels, seed)
    assert all(len({*split[sources == source]}) == 1 for source in np.unique(sources))
    assert set(split.tolist()) == set(SPLITS)
    assert (split_sources(sources, labels, seed) == split).all()


def test_classes_are_spread_as_evenly_as_whole_sources_allow() -> None:
    """Sources of one window each can be dealt out exactly; with mixed ones every class comes near its share."""
    labels = np.repeat(np.arange(4), 20)
    split = split_sources(np.arange(80).astype(str), labels)
    for label in range(4):
        assert [int((split[labels == label] == name).sum()) for name in SPLITS] == [10, 6, 4]
    rng = np.random.default_rng(0)
    sources = np.repeat(np.arange(60), 6)
    mixed = rng.integers(0, 4, 360)
    split = split_sources(sources.astype(str), mixed)
    shares = np.array([[np.mean(split[mixed == label] == name) for name in SPLITS] for label in range(4)])
    assert np.abs(shares - np.array([SPLIT_SHARES[name] for name in SPLITS])).max() < 0.04


def test_at_most_takes_from_every_source_before_it_takes_twice() -> None:
    sources, labels = np.array(list("aaaabbc") * 2), np.repeat([0, 1], 7)
    rows = at_most(sources, labels, 3)
    assert sorted(sources[rows[:3]]) == ["a", "b", "c"] and labels[rows].tolist() == [0] * 3 + [1] * 3
    assert len(at_most(sources, labels, 100)) == 14


def test_a_table_of_refusals_has_its_columns_when_nothing_was_refused() -> None:
    refused = refusals_table([])
    assert list(refused.columns) == ["file", "start", "end", "reason", "files"] and refused.empty
