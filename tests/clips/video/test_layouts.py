"""Data sets as they are distributed: what their names, folders and tables tell of recordings, classes and official splits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from jepascope.clips.video.files import Candidate, candidate, find
from jepascope.clips.video.footage import decoded, survey
from jepascope.clips.video.labelled import labelled
from jepascope.clips.video.layouts import with_distributed_labels
from jepascope.clips.video.names import is_container
from jepascope.clips.video.recordings import recordings
from jepascope.clips.video.windows import Cutting
from jepascope.errors import BadData
from video_files import numbered, touched, write

HMDB = "AmericanGangster_{}_u_nm_np1_fr_bad_{}.avi"


def told(root: Path, number: int = 1) -> dict[str, Candidate]:
    return {one.file.rpartition("/")[2]: one for one in with_distributed_labels(find(root), root, number).candidates}


def sources(candidates: Mapping[str, Candidate], named: Mapping[str, str] | None = None) -> dict[str, str]:
    return {file.rpartition("/")[2]: source for file, source in recordings(list(candidates.values()), named or {}).of.items()}


def kinetics(root: Path, *names: str) -> Path:
    return touched(root, *(f"videos/{name}.mp4" for name in names))


HEADER = "label,youtube_id,time_start,time_end,split\n"


def test_the_json_tables_of_kinetics_say_what_its_csv_tables_do(tmp_path: Path) -> None:
    root = kinetics(tmp_path, "abcdefghijk_000003_000013", "bbcdefghijk_000000_000010")
    entries = {
        "abcdefghijk": {"annotations": {"label": "archery", "segment": [3.0, 13.0]}, "subset": "validate"},
        "bbcdefghijk": {"annotations": {"label": "abseiling", "segment": [5.0, 15.0]}, "subset": "validate"},
    }
    (root / "validate.json").write_text(json.dumps(entries))
    video, other = told(root).values()
    assert (video.label, video.official_split, video.source, other.label) == ("archery", "val", "abcdefghijk", "")


@pytest.mark.parametrize(
    "table",
    [
        f"{HEADER}archery,abcdefghijk,3.0,13.0,train\n",
        f"{HEADER.replace(',', ';')}archery;abcdefghijk;3;13;train\n",
        f"\ufeff{HEADER}archery,abcdefghijk,3,13,train\r\n",
    ],
)
def test_a_table_of_kinetics_is_read_however_it_was_saved(tmp_path: Path, table: str) -> None:
    root = kinetics(tmp_path, "abcdefghijk_000003_000013")
    (root / "k.csv").write_text(table)
    assert told(root)["abcdefghijk_000003_000013.mp4"].label == "archery"


def test_a_file_that_tables_give_two_classes_has_none_and_the_tables_are_named(tmp_path: Path) -> None:
    for name in ("abcdefghijk_000000_000010", "bbcdefghijk_000000_000010"):
        write(tmp_path / f"{name}.mp4", numbered(24))
    (tmp_path / "a.csv").write_text(f"{HEADER}archery,abcdefghijk,0,10,train\nabseiling,bbcdefghijk,0,10,train\n")
    (tmp_path / "b.csv").write_text(f"{HEADER}surfing,abcdefghijk,0,10,train\n")
    labels = labelled(decoded(survey(tmp_path), Cutting(1.0)), "class")
    assert labels.windows["label"].tolist() == ["", "abseiling"]
    assert [one.reason for one in labels.refusals] == ["has two classes in a.csv and b.csv: 'archery' and 'surfing'"]


@pytest.mark.parametrize("cell", ["nan", "", "NULL"])
def test_a_row_of_a_table_without_a_label_names_no_class(tmp_path: Path, cell: str) -> None:
    root = touched(tmp_path, "1.mp4", "000002.mp4", "abcdefghijk_000000_000010.mp4")
    (root / "answers.csv").write_text(f"1;{cell}\n2;Moving up\n")
    (root / "k.csv").write_text(f"{HEADER}{cell},abcdefghijk,0,10,train\n")
    assert [one.label for one in told(root).values()] == ["Moving up", "", ""]


def test_lists_of_ucf101_are_read_from_any_system_and_copies_of_a_cut_stay_with_it(tmp_path: Path) -> None:
    root = touched(tmp_path, *(f"Archery/{name}.mp4" for name in ("v_Archery_g01_c01", "v_Archery_g01_c02_flip", "V_Archery_G02_C01")))
    (root / "trainlist01.txt").write_text("Archery\\v_Archery_g01_c01.avi 1\r\nArchery\\v_Archery_g01_c02.avi 1\r\n")
    files = told(root)
    assert {file: one.official_split for file, one in files.items()} == {
        "V_Archery_G02_C01.mp4": "",
        "v_Archery_g01_c01.mp4": "train",
        "v_Archery_g01_c02_flip.mp4": "train",
    }
    assert sorted({one.source for one in files.values()}) == ["v_archery_g01", "v_archery_g02"]


def test_official_splits_of_another_number_are_proposed(tmp_path: Path) -> None:
    root = touched(tmp_path, "Archery/v_Archery_g01_c01.mp4")
    (root / "trainlist02.txt").write_text("Archery/v_Archery_g01_c01.avi 1\n")
    with pytest.raises(BadData, match=r"use --set splits=official-2 or --set splits=own\.$"):
        survey(root, official=1)


def test_a_class_may_be_named_above_the_folders_of_the_official_splits(tmp_path: Path) -> None:
    video = told(touched(tmp_path, "ride_bike/train/a.mp4"))["a.mp4"]
    assert (video.label, video.official_split) == ("ride bike", "train")


# Something-Something v2


def something(root: Path, ending: str, folder: str = "20bn-something-something-v2", prefix: str = "") -> Path:
    touched(root, *(f"{folder}/{number}.{ending}" for number in (1, 2, 3, 4, 5)))
    template = {
        "template": "Pushing [something] from [left] to [right]",
        "label": "pushing cup from left to right",
        "placeholders": ["cup"],
    }
    (root / "labels").mkdir()
    for name, entries in (
        ("train", [{"id": "1", **template}]),
        ("validation", [{"id": "2", "template": "Moving [something] up"}]),
        ("test", [{"id": "3"}, {"id": "4"}]),
        ("labels", {"Moving something up": "0", "Pushing something from left to right": "1"}),
    ):
        (root / "labels" / f"{prefix}{name}.json").write_text(json.dumps(entries))
    (root / "labels" / f"{prefix}test-answers.csv").write_text("3;Moving something up\n")
    return root


@pytest.mark.parametrize(
    ("ending", "folder", "prefix"),
    [
        ("webm", "20bn-something-something-v2", ""),
        ("mp4", "webm_256/part-0", "something-something-v2-"),
        ("avi", "sorted later", ""),
        ("MKV", "videos", "something-something-v2-"),
    ],
)
def test_something_something_is_read_in_whatever_format_its_videos_are(tmp_path: Path, ending: str, folder: str, prefix: str) -> None:
    found = told(something(tmp_path, ending, folder, prefix))
    assert {name.partition(".")[0]: (one.label, one.official_split) for name, one in found.items()} == {
        "1": ("Pushing something from left to right", "train"),
        "2": ("Moving something up", "val"),
        "3": ("Moving something up", "test"),  # test-answers.csv, though test.json has no class
        "4": ("", "test"),
        "5": ("", ""),  # in no table: its folder is no class
    }
    assert with_distributed_labels(find(tmp_path), tmp_path).others == []  # labels.json is one of its tables


def test_a_video_and_its_converted_copy_are_one_recording(tmp_path: Path) -> None:
    something(tmp_path, "webm")
    touched(tmp_path, "mp4/1.mp4", "elsewhere/9.mp4", "elsewhere/9.avi")
    found = told(tmp_path)
    of = sources(found)
    assert of["1.webm"] == of["1.mp4"] and of["9.mp4"] == of["9.avi"] and len(set(of.values())) == 6


# Kinetics

IDS = ("0wR5jVB-WPk", "--07WQ2iBlw", "-XpatcbqEXA", "abcdefghijk")
HEADER = "label,youtube_id,time_start,time_end,split,is_cc\n"


@pytest.mark.parametrize("shape", ["{}_{:06d}_{:06d}.mp4", "{}_{}_{}.webm"])
def test_a_kinetics_tree_of_flat_folders_is_joined_by_id_and_times(tmp_path: Path, shape: str) -> None:
    one, other, third, stray = IDS
    names = [f"train/{shape.format(one, 4, 14)}", f"train/{shape.format(one, 40, 50)}", f"val/{shape.format(other, 1, 11)}"]
    names += [
        f"replacement/replacement_for_corrupted_k400/{shape.format(third, 2, 12)}",
        f"train/train_256/{shape.format(stray, 0, 10)}",
        f"compressed train/{shape.format(stray, 7, 17)}",
    ]
    touched(tmp_path, *names)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "train.csv").write_text(
        f"{HEADER}arm wrestling,{one},4,14,train,0\nyoga,{one},40,50,train,0\njavelin throw,{third},2,12,train,0\n"
    )
    (tmp_path / "annotations" / "val.csv").write_text(f'{HEADER}"dancing, ballroom",{other},1,11,validate,0\n')
    found = list(with_distributed_labels(find(tmp_path), tmp_path).candidates)
    assert {(one.file, one.label, one.official_split) for one in found} == {
        (names[0], "arm wrestling", "train"),
        (names[1], "yoga", "train"),
        (names[2], "dancing, ballroom", "val"),
        (names[3], "javelin throw", "train"),
        (names[4], "", "train"),
        (names[5], "", "train"),
    }
    of = recordings(found, {}).of
    assert of[names[0]] == of[names[1]] == one and of[names[2]] == other  # one YouTube video at other times, of another class


def test_kinetics_files_named_by_their_id_alone_are_joined(tmp_path: Path) -> None:
    touched(tmp_path, f"mp4/{IDS[0]}.mp4", f"mp4/{IDS[3]}.mp4")
    (tmp_path / "kinetics_val.csv").write_text(f"label,youtube_id,time_start,time_end\nyoga,{IDS[0]},3,13\n")
    found = told(tmp_path)
    assert (found[f"{IDS[0]}.mp4"].label, found[f"{IDS[0]}.mp4"].official_split) == ("yoga", "val")
    assert found[f"{IDS[3]}.mp4"].label == ""


@pytest.mark.parametrize(
    "name",
    [
        *(
            "train",
            "val",
            "validation",
            "test",
            "videos",
            "webm",
            "mp4",
            "clips",
            "train_256",
            "k400_train_320x240",
            "UCF-101",
            "videos_val",
        ),
        *("train_set", "trainval", "dev", "eval", "batch2", "part_01", "validation256x256", "train-h264-480p"),
    ],
)
def test_a_folder_that_says_how_videos_are_kept_is_no_class(name: str) -> None:
    assert is_container(name) and candidate(f"{name}/a.mp4").label == ""
    assert candidate(f"{name}/riding a bike/a.mp4").label == "riding a bike"


@pytest.mark.parametrize("name", ["00", "bullet_train", "side", "original", "test pattern", "clip hair", "set", "train2go"])
def test_a_folder_that_may_be_a_class_is_one(name: str) -> None:
    assert candidate(f"videos/{name}/a.mp4").label == name.replace("_", " ")


# UCF101


def ucf(root: Path, ending: str = "avi") -> Path:
    names = [(name, group, cut) for name in ("ApplyEyeMakeup", "YoYo") for group in (1, 2, 8) for cut in (1, 2)]
    touched(root, *(f"UCF-101/{name}/v_{name}_g{group:02d}_c{cut:02d}.{ending}" for name, group, cut in names))
    lists = root / "ucfTrainTestlist"
    lists.mkdir()
    (lists / "classInd.txt").write_text("1 ApplyEyeMakeup\r\n2 YoYo\r\n")
    for number, held_out in ((1, 1), (2, 2), (3, 8)):
        lines = {
            part: [f"{c}/v_{c}_g{g:02d}_c{cut:02d}.avi" for c, g, cut in names if (g == held_out) == (part == "test")]
            for part in ("train", "test")
        }
        (lists / f"trainlist0{number}.txt").write_text("".join(f"{line} {1 if line[0] == 'A' else 2}\r\n" for line in lines["train"]))
        (lists / f"testlist0{number}.txt").write_text("".join(f"{line}\r\n" for line in lines["test"]))
    return root


@pytest.mark.parametrize("ending", ["avi", "mp4"])
def test_cuts_of_a_ucf101_group_are_one_recording_and_groups_of_other_classes_are_others(tmp_path: Path, ending: str) -> None:
    found = told(ucf(tmp_path, ending))
    of = sources(found)
    assert len(found) == 12 and len(set(of.values())) == 6
    assert of[f"v_YoYo_g01_c01.{ending}"] == of[f"v_YoYo_g01_c02.{ending}"] != of[f"v_ApplyEyeMakeup_g01_c01.{ending}"]
    assert {one.label for one in found.values()} == {"ApplyEyeMakeup", "YoYo"}
    for number, held_out in ((1, "g01"), (2, "g02"), (3, "g08")):
        assert all((one.official_split == "test") == (held_out in name) for name, one in told(tmp_path, number).items())


def test_ucf101_in_one_folder_has_its_classes_in_its_names_and_one_class_is_spelled_two_ways(tmp_path: Path) -> None:
    touched(tmp_path, "v_YoYo_g01_c01.avi", "v_HandStandPushups_g01_c01.avi", "v_HandstandPushups_g01_c02.avi")
    found = told(tmp_path)
    assert found["v_YoYo_g01_c01.avi"].label == "YoYo"
    assert found["v_HandStandPushups_g01_c01.avi"].source == found["v_HandstandPushups_g01_c02.avi"].source


# HMDB51


def hmdb(root: Path) -> Path:
    names = [f"drink/{HMDB.format('drink', 12)}", f"drink/{HMDB.format('drink', 13)}", f"shoot_gun/{HMDB.format('shoot_gun', 0)}"]
    names += ["draw_sword/April_09_draw_sword_f_cm_np2_le_goo_0.avi", "draw_sword/Ninja_sword_draw_sword_h_nm_np1_ri_med_3.avi"]
    touched(root, *(f"hmdb51_org/{name}" for name in names))
    splits = root / "testTrainMulti_7030_splits"
    splits.mkdir()
    for action, marks in (("drink", "12"), ("shoot_gun", "0"), ("draw_sword", "21")):
        files = [name.partition("/")[2] for name in names if name.startswith(action)]
        for number in (1, 2, 3):
            lines = "".join(f"{file} {mark} \n" for file, mark in zip(files, marks if number == 1 else marks[::-1], strict=True))
            (splits / f"{action}_test_split{number}.txt").write_text(lines)
    return root


def test_clips_of_one_hmdb51_title_are_one_recording_in_every_class(tmp_path: Path) -> None:
    found = told(hmdb(tmp_path))
    of = sources(found)
    assert len({of[name] for name in of if name.startswith("American")}) == 1 and len(set(of.values())) == 3
    assert of["April_09_draw_sword_f_cm_np2_le_goo_0.avi"] == "april_09"  # not of the class sword
    assert of["Ninja_sword_draw_sword_h_nm_np1_ri_med_3.avi"] == "ninja_sword"
    assert {one.label for one in found.values()} == {"drink", "shoot gun", "draw sword"}
    marks = {1: {"drink": "train", "drink 13": "test", "gun": "", "april": "test", "ninja": "train"}}
    marks[3] = {"drink": "test", "drink 13": "train", "gun": "", "april": "train", "ninja": "test"}
    for number, expected in marks.items():
        by_name = {name.lower(): one.official_split for name, one in told(tmp_path, number).items()}
        assert [by_name[name.lower()] for name in found] == [expected[key] for key in ("april", "ninja", "drink", "drink 13", "gun")]


def test_hmdb51_in_one_folder_has_its_classes_in_its_names(tmp_path: Path) -> None:
    touched(tmp_path, f"hmdb51/{HMDB.format('shoot_gun', 0)}")
    assert told(tmp_path)[HMDB.format("shoot_gun", 0)].label == "shoot gun"


def test_a_video_that_no_table_names_is_listed_with_the_tables(tmp_path: Path) -> None:
    something(tmp_path, "webm")
    for name in ("1", "5"):
        write(tmp_path / "20bn-something-something-v2" / f"{name}.mp4", numbered(25 + int(name)))
    footage = decoded(survey(tmp_path), Cutting())
    labels = labelled(footage, "class")
    assert set(labels.known["label"]) == {"Pushing something from left to right"}
    (refusal,) = labels.refusals
    assert refusal.file.endswith("5.mp4") and refusal.reason == "no row of test-answers.csv, train.json, validation.json names its class"
