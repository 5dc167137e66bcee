"""Official splits of a data set: noted beside a study's own, and kept where that is asked for; and what is said of files and videos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jepascope.clips.video.parted import official_splits
from jepascope.errors import BadData
from jepascope.findings.footage import footage_words, official_words, recording_words
from jepascope.study.identity import identity
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec
from jepascope.study.videos.foreseen import settled, video_study

CLASSES = ("ApplyEyeMakeup", "YoYo")
GROUPS, CUTS = 8, 2
HELD_OUT = {1: (1, 2, 3), 2: (4, 5, 6), 3: (7, 8)}


def write(path: Path, seed: int, frames: int = 24) -> None:
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    still = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream("mpeg4", rate=12)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for i in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(still, i, axis=1), format="rgb24")))
        out.mux(stream.encode(None))


@pytest.fixture(scope="module")
def ucf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """UCF101 in small: two classes of eight groups, two cuts each, and its three splits. Shared: nobody writes into it."""
    root = tmp_path_factory.mktemp("ucf")
    names = [
        (name, group, f"{name}/v_{name}_g{group:02d}_c{cut:02d}.avi")
        for name in CLASSES
        for group in range(1, GROUPS + 1)
        for cut in (1, 2)
    ]
    for seed, (_, _, file) in enumerate(names):
        write(root / "UCF-101" / file, seed)
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    for number, held_out in HELD_OUT.items():
        (lists / f"trainlist0{number}.txt").write_text("".join(f"{file} 1\n" for _, group, file in names if group not in held_out))
        (lists / f"testlist0{number}.txt").write_text("".join(f"{file}\n" for _, group, file in names if group in held_out))
    return root


def spec_of(folder: Path, **values: Any) -> StudySpec:
    return settled(make_spec({"clips": str(folder), "variable": "class", "clips_per_class": 80, **values}, "here"))


def groups(clips: pd.DataFrame) -> dict[str, set[int]]:
    return {str(name): {int(file[-10:-8]) for file in part["file"]} for name, part in clips.groupby("split")}


def test_no_group_of_ucf101_is_in_two_splits_and_the_page_tells_files_from_videos(ucf: Path) -> None:
    study = video_study(spec_of(ucf))
    clips, record = study.clips.factors, study.record
    assert (clips.groupby("source")["split"].nunique() == 1).all() and clips["source"].nunique() == len(CLASSES) * GROUPS
    assert (record["files"], record["files_used"], record["videos"], record["videos_used"]) == (32, 32, 16, 16)
    assert sum(record["videos_by_split"].values()) == 16 and record["joined"] == {"names of the data set": 32}
    said = " ".join(footage_words(record))
    assert "16 of 16 videos" in said and "32 of 32 files are used" in said and "No recording is in two splits" in said


def test_where_splits_are_the_study_s_own_the_official_ones_are_noted_and_said(ucf: Path) -> None:
    study = video_study(spec_of(ucf))
    clips, record = study.clips.factors, study.record
    held_out = clips["file"].str[-10:-8].astype(int).isin(HELD_OUT[1])
    assert (clips["official_split"] == np.where(held_out, "test", "train")).all()
    test = clips[clips["split"] == "test"]
    trained = test[test["official_split"] == "train"]["source"].nunique()
    assert trained > 0 and record["official"]["test"]["train"] == trained
    said = official_words(record)
    assert f"of {test['source'].nunique()} test videos {trained} are in its training split" in said
    assert "that was trained on it has seen them" in said and "--set splits=official keeps them" in said


@pytest.mark.parametrize(("splits", "number"), [("official", 1), ("official-3", 3)])
def test_official_splits_are_kept_where_that_is_asked_for(ucf: Path, splits: str, number: int) -> None:
    study = video_study(spec_of(ucf, splits=splits))
    by_split = groups(study.clips.factors)
    assert by_split["test"] == set(HELD_OUT[number])
    assert by_split["fit"] | by_split["judge"] == set(range(1, GROUPS + 1)) - set(HELD_OUT[number])
    per_source = study.clips.factors.groupby("source")["split"].nunique()
    assert (per_source == 1).all()
    assert f"own splits are kept ({splits})" in official_words(study.record)


def test_directions_keep_official_splits_too_whatever_they_are_turned_to(ucf: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    names = [f"v_{name}_g{group:02d}_c01" for name in CLASSES for group in range(1, GROUPS + 1)]
    labels.write_text("file,direction\n" + "".join(f"{name},{'EN'[i % 2]}\n" for i, name in enumerate(names)))
    values = {"variable": "direction", "classes": ("E", "N", "W", "S"), "labels": str(labels)}
    study = video_study(spec_of(ucf, splits="official", **values))
    assert groups(study.clips.factors)["test"] == set(HELD_OUT[1])
    assert set(study.clips.factors.loc[study.clips.factors["split"] == "test", "official_split"]) == {"test"}


def test_the_choice_of_splits_is_part_of_a_study_and_older_studies_keep_their_names(ucf: Path) -> None:
    own = spec_of(ucf)
    assert own.splits == "own" and own.digest == spec_of(ucf, splits="own").digest != spec_of(ucf, splits="official").digest
    assert "splits" not in identity(own) and identity(spec_of(ucf, splits="official"))["splits"] == "official"


def test_official_splits_that_leave_too_few_are_refused_with_counts(ucf: Path, tmp_path: Path) -> None:
    for name in CLASSES:
        for group in range(1, 8):
            folder = "test" if group == 1 else "train"
            (tmp_path / folder / name).mkdir(parents=True, exist_ok=True)
            file = f"v_{name}_g{group:02d}_c01.avi"
            (tmp_path / folder / name / file).write_bytes((ucf / "UCF-101" / name / file).read_bytes())
    message = r"class ApplyEyeMakeup, YoYo: .* in training and held out, are ApplyEyeMakeup 6 and 1, YoYo 6 and 1; .*--set splits=own"
    with pytest.raises(BadData, match=message):
        video_study(spec_of(tmp_path, splits="official"))
    for name in ("one", "two", "three"):
        (tmp_path / "none" / name).mkdir(parents=True)
        write(tmp_path / "none" / name / "a.avi", 1)
    with pytest.raises(BadData, match=r"tells the official split 1 of its videos.*--set splits=own"):
        video_study(spec_of(tmp_path / "none", splits="official"))


def test_training_files_of_a_held_out_recording_and_files_of_no_split_are_left_out_and_listed(ucf: Path, tmp_path: Path) -> None:
    """One recording is one source, whatever a data set's splits do with its pieces."""
    for name in CLASSES:
        for file in sorted((ucf / "UCF-101" / name).iterdir()):
            group, cut = int(file.name[-10:-8]), int(file.name[-6:-4])
            part = "val" if group <= 3 and not (group == 1 and cut == 2) else "train"
            target = tmp_path / ("unsorted" if group == 8 else part) / name / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    study = video_study(spec_of(tmp_path, splits="official"))
    assert groups(study.clips.factors)["test"] == {1, 2, 3}
    reasons = study.refusals.set_index("file")["reason"]
    assert reasons["train/YoYo/v_YoYo_g01_c02.avi"].startswith("is official training, and its recording is in the official test part")
    assert reasons["unsorted/YoYo/v_YoYo_g08_c01.avi"] == "is in no official split"


def test_every_file_is_used_or_refused(ucf: Path, tmp_path: Path) -> None:
    """Of a class that is not studied, of more windows than are taken, or no video at all: whatever is not used is in the table."""
    for name in CLASSES:
        for file in sorted((ucf / "UCF-101" / name).iterdir()):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
    write(tmp_path / "Rare" / "only.avi", 99)
    (tmp_path / "YoYo" / "frame.png").write_bytes(b"png")
    study = video_study(spec_of(tmp_path, classes=CLASSES, clips_per_class=26))
    used, files = set(study.clips.factors["file"]), {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    whole = study.refusals[study.refusals["start"].isna()]
    assert used | set(whole["file"]) == files and not used & set(whole["file"])
    reasons = whole.set_index("file")["reason"]
    assert reasons["Rare/only.avi"] == "is of a class that is not studied" and reasons["YoYo/frame.png"] == "is an image, not a video"
    assert study.record["others"] == [{"reason": "is an image, not a video", "count": 1}]


def test_held_out_recordings_are_the_test_split_and_no_others() -> None:
    table = pd.DataFrame({"source": list("aabbccdd"), "official_split": ["train"] * 4 + ["val"] * 2 + ["test"] * 2})
    split = official_splits(table, np.zeros(8, dtype=np.int64), 0)
    assert (split[4:] == "test").all() and set(split[:4]) == {"fit", "judge"} and split[0] == split[1]
    alone = official_splits(table.iloc[2:], np.zeros(6, dtype=np.int64), 0)
    assert alone.tolist() == ["fit"] * 2 + ["test"] * 4


def test_a_record_of_an_older_run_counts_what_it_counted() -> None:
    old = {"videos": 47, "videos_used": 35, "windows": 40, "windows_labelled": 12, "windows_used": 12, "clips": 48, "refused": []}
    old |= {"videos_by_split": {"fit": 20, "test": 15}, "labels": "names of folders", "abstained": {}, "abstention_rate": None}
    said = " ".join(footage_words(old))
    assert "35 videos of 47 files and 12 of 40 windows" in said
    assert recording_words(old) == official_words(old) == ""
