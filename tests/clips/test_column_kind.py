"""How a column of labels is read: one rule for scenes and videos, whichever separator, spelling or encoding the file has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.column_kind import MISSING, Asked
from jepascope.clips.labels_file import read_labels
from jepascope.clips.variables import Variable
from jepascope.clips.video.labels import VideoLabels, read_video_labels
from jepascope.errors import BadArgument, BadData, JepascopeError
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec

COUNT = 80  # scenes of ten clips of a direction


def of_scenes(folder: Path, cells: Sequence[object], column: str = "mark", separator: str = ",", **fields: object) -> StudySpec:
    """A study of the column, one cell a scene."""
    path = folder / "scenes.csv"
    rows = [f"{scene}{separator}{cell}" for scene, cell in enumerate(cells)]
    path.write_text("\n".join([f"scene{separator}{column}", *rows]) + "\n")
    return make_spec({"labels": str(path), "clips_per_class": 10, **fields}, "here")


def of_videos(folder: Path, cells: Sequence[object], column: str = "mark", separator: str = ",", **fields: object) -> StudySpec:
    """The same for videos, one cell a file. Only the names of the files are looked at."""
    videos = folder / "videos"
    videos.mkdir(exist_ok=True)
    for video in range(len(cells)):
        (videos / f"{video}.mp4").write_bytes(b"0")
    path = folder / "videos.csv"
    rows = [f"{video}.mp4{separator}{cell}" for video, cell in enumerate(cells)]
    path.write_text("\n".join([f"file{separator}{column}", *rows]) + "\n")
    return make_spec({"clips": str(videos), "labels": str(path), **fields}, "here")


BOTH = pytest.mark.parametrize("study", [of_scenes, of_videos])
NUMBERS = [0.5 * i for i in range(COUNT)]
WORDS = [("cat", "dog")[i % 2] for i in range(COUNT)]
WHOLE = [i % 12 for i in range(COUNT)]


# cells that say nothing


@pytest.mark.parametrize("text", ["", *MISSING])
def test_a_missing_cell_of_a_video_is_no_class_and_of_a_scene_refused(tmp_path: Path, text: str) -> None:
    variable = of_videos(tmp_path, [text, *WORDS]).state_variable
    assert variable.classes == ("cat", "dog")
    written = f"'{text}'" if text else "empty"
    assert f"1 of {COUNT + 1} cells have no label ({written} 1)" in variable.note
    assert ("--set 'missing=[]'" in variable.note) == bool(text)
    with pytest.raises(BadData, match=r"line 2, column 'mark': .*every clip needs a label"):
        of_scenes(tmp_path, [text, *WORDS[1:]])


@pytest.mark.parametrize("text", ["", "nan", "NA"])
def test_one_missing_number_leaves_a_column_of_numbers_one(tmp_path: Path, text: str) -> None:
    variable = of_videos(tmp_path, [text, *NUMBERS]).state_variable
    assert variable.kind == "numeric" and len(variable.classes) == 4 and variable.limits == (0.0, NUMBERS[-1])


@BOTH
def test_which_texts_are_missing_can_be_said(tmp_path: Path, study: object) -> None:
    cells = ["none", "None"] * (COUNT // 2)
    assert callable(study)
    spec = study(tmp_path, cells, missing=[])
    assert spec.state_variable.classes == ("None", "none")
    assert "'None' and 'none' differ in capitals or blanks alone" in spec.state_variable.note
    assert spec.digest != study(tmp_path, WORDS).digest


def test_a_mark_among_numbers_is_named_and_can_be_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"line 2, column 'mark': '-' is no number, and the other 80 cells are numbers; .*--set 'missing=\["):
        of_videos(tmp_path, ["-", *NUMBERS])
    assert of_videos(tmp_path, ["-", *NUMBERS], missing=["-"]).state_variable.kind == "numeric"
    with pytest.raises(BadData, match=r"line 3, .*--set 'missing=\[nan,\"-\"\]'"):
        of_videos(tmp_path, ["nan", "-", *NUMBERS, "-"])


# classes or numbers


@BOTH
@pytest.mark.parametrize(
    ("column", "cells", "kind", "classes"),
    [
        ("mark", WHOLE, "categorical", 12),
        ("class", WHOLE, "categorical", 12),
        ("mark", [f"{cell:02d}" for cell in WHOLE], "categorical", 12),
        ("mark", ["true", "false"] * 40, "categorical", 2),
        ("mark", [f"2024-01-{1 + i % 4:02d}" for i in range(COUNT)], "categorical", 4),
        ("mark", [f"{i % 3} m" for i in range(COUNT)], "categorical", 3),
        ("mark", NUMBERS, "numeric", 4),
        ("mark", range(COUNT), "numeric", 4),
        ("mark", [0.5 * cell for cell in WHOLE], "numeric", 4),
        ("mark", [f"{number:.3e}" for number in NUMBERS], "numeric", 4),
    ],
)
def test_whole_numbers_that_come_up_often_are_classes_and_others_numbers(
    tmp_path: Path, study: object, column: str, cells: Sequence[object], kind: str, classes: int
) -> None:
    assert callable(study)
    variable: Variable = study(tmp_path, cells, column).state_variable
    assert (variable.kind, len(variable.classes)) == (kind, classes)
    assert f"column '{column}' holds" in variable.note and f"read as {'classes' if kind == 'categorical' else 'numbers'}" in variable.note


@BOTH
def test_how_a_column_is_read_can_be_said_and_names_another_study(tmp_path: Path, study: object) -> None:
    assert callable(study)
    read = {asked: study(tmp_path, WHOLE, kind=asked) for asked in ("auto", "categorical", "numeric")}
    assert [spec.state_variable.kind for spec in read.values()] == ["categorical", "categorical", "numeric"]
    assert "12 whole numbers and is read as classes" in read["auto"].state_variable.note
    assert "--set kind=numeric reads it as numbers" in read["auto"].state_variable.note
    assert len({spec.digest for spec in read.values()}) == 3
    with pytest.raises(BadData, match=r"line 2, column 'mark': 'cat' is no number"):
        study(tmp_path, WORDS, kind="numeric")


@BOTH
def test_a_saved_study_of_whole_numbers_stays_the_one_that_it_was(tmp_path: Path, study: object) -> None:
    """Up to version 0.1 there was no field ``kind``, and all numbers of many values were numeric."""
    assert callable(study)
    for cells in (WHOLE, NUMBERS):
        saved = {name: value for name, value in study(tmp_path, cells).model_dump().items() if name not in ("kind", "missing")}
        assert make_spec(saved, "here").state_variable.kind == "numeric"


def test_how_labels_are_read_is_no_field_of_other_studies(tmp_path: Path) -> None:
    for field, value in (("kind", "numeric"), ("missing", [])):
        with pytest.raises(BadArgument, match=f"{field}: says how labels are read, and direction is none"):
            make_spec({field: value}, "here")


@pytest.mark.parametrize("names", [[f"{i:02d}" for i in range(12)], [str(i) for i in range(1, 13)], ["0.5", "1.5"]])
def test_names_of_folders_are_classes_whatever_they_look_like(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        for video in range(3):
            path = tmp_path / "sorted" / name / f"{video}.mp4"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"0")
    spec = make_spec({"clips": str(tmp_path / "sorted"), "variable": "class"}, "here")
    assert spec.state_variable.kind == "categorical" and set(spec.state_variable.classes) == set(names)


@BOTH
@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("x9", "is no number"),
        ("inf", "is no finite number"),
        ("1e999", "is no finite number"),
        ("1 234.5", "has separators of thousands"),
        ("12 km", "has a unit"),
        ("7%", "has a unit"),
        ("2024-01-02", "is no number"),
    ],
)
def test_one_cell_that_is_no_number_is_named(tmp_path: Path, study: object, cell: str, why: str) -> None:
    assert callable(study)
    cells = [*NUMBERS[:7], cell, *NUMBERS[8:]]
    with pytest.raises(BadData, match=rf"line 9, column 'mark': '{cell}' {why}, and the other 79 cells are numbers"):
        study(tmp_path, cells)


@BOTH
@pytest.mark.parametrize("written", ["{:.1f} m", "{:.1f}%", "$ {:.2f}"])
def test_a_column_of_numbers_with_units_is_not_taken_for_classes(tmp_path: Path, study: object, written: str) -> None:
    assert callable(study)
    with pytest.raises(BadData, match=r"line 2, column 'mark': .* has a unit.*write a number, such as 2.5"):
        study(tmp_path, [written.format(number) for number in NUMBERS])


@BOTH
def test_decimal_commas_between_semicolons_are_named(tmp_path: Path, study: object) -> None:
    assert callable(study)
    with pytest.raises(BadData, match=r"line 3, column 'mark': '0,5' has a comma in it"):
        study(tmp_path, [str(number).replace(".0", "").replace(".", ",") for number in NUMBERS], separator=";")


@BOTH
def test_too_many_whole_numbers_for_classes_can_be_read_as_numbers(tmp_path: Path, study: object) -> None:
    assert callable(study)
    with pytest.raises(JepascopeError, match="--set kind=numeric"):
        study(tmp_path, range(COUNT), column="class")
    assert study(tmp_path, range(COUNT), column="class", kind="numeric").state_variable.kind == "numeric"


# the file


@BOTH
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_may_be_separated_by_commas_semicolons_or_tabs(tmp_path: Path, study: object, separator: str) -> None:
    assert callable(study)
    assert study(tmp_path, WORDS, separator=separator).state_variable.classes == ("cat", "dog")


def content(key: str, newline: str) -> str:
    ending = ".mp4" if key == "file" else ""
    rows = [f'{row}{ending},"a{newline}b",é{row % 2},,' for row in range(COUNT)]
    return newline.join([f"{key.upper()},note,sort,,", *rows])


@pytest.mark.parametrize("key", ["scene", "file"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_spreadsheets_write_marks_capitals_line_breaks_and_separators_at_the_end(
    tmp_path: Path, key: str, encoding: str, newline: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes((content(key, newline) + newline + "," * 4 + newline).encode(encoding))
    file = read_labels(path) if key == "scene" else read_video_labels(path)
    assert list(file.columns) == ["note", "sort"]
    if isinstance(file, VideoLabels):
        column = file.column("sort")
        assert set(column.cells) == {"é0", "é1"} and len(column.cells) == COUNT
        with pytest.raises(BadData, match=r"line 2, column 'note': the cell holds a line break"):
            _ = file.column("note").kind
        assert [rows[0].line for rows in file.rows.values()] == [2 + 2 * row for row in range(COUNT)]  # each spans two
    else:
        assert set(file.columns["sort"]) == {"é0", "é1"}


def test_one_spelling_of_an_accent_is_one_class(tmp_path: Path) -> None:
    assert of_videos(tmp_path, ["e\u0301t\u00e9", "\u00e9te\u0301", "an"] * 20).state_variable.classes == ("an", "été")


def video_labels(folder: Path, *rows: str) -> VideoLabels:
    path = folder / "labels.csv"
    path.write_text("\n".join(["file,start,end,kind", *rows]) + "\n")
    return read_video_labels(path)


@pytest.mark.parametrize(
    "name",
    [
        "cat/1.mp4",
        "./cat/1.mp4",
        "cat\\1.mp4",
        "1.mp4",
        "1",
        "videos/cat/1.mp4",
        "/home/me/videos/cat/1.mp4",
        "C:\\Users\\me\\videos\\cat\\1.mp4",
        "D:/elsewhere/cat/1.mp4",
    ],
)
def test_a_file_may_be_named_by_any_path_that_ends_below_the_folder(tmp_path: Path, name: str) -> None:
    matched, strangers = video_labels(tmp_path, f"{name},,,a").matched(["cat/1.mp4", "dog/2.mp4"], tmp_path / "videos")
    assert list(matched.rows) == ["cat/1.mp4"] and not strangers


def test_a_path_of_another_folder_is_no_file_s_name(tmp_path: Path) -> None:
    labels = video_labels(tmp_path, "dog/1.mp4,,,a", "/x/dog/1.mp4,,,a", "2.mp4,,,b")
    matched, strangers = labels.matched(["cat/1.mp4", "2.mp4"], tmp_path / "videos")
    assert list(matched.rows) == ["2.mp4"] and strangers == ["dog/1.mp4", "/x/dog/1.mp4"]


def test_only_labels_of_files_that_are_there_make_classes_and_the_others_are_counted(tmp_path: Path) -> None:
    of_videos(tmp_path, WORDS)
    path = tmp_path / "videos.csv"
    path.write_text(path.read_text() + "gone.mp4,zebra\n")
    variable = make_spec({"clips": str(tmp_path / "videos"), "labels": str(path)}, "here").state_variable
    assert variable.classes == ("cat", "dog")
    assert "'videos.csv' labels 80 of 80 videos. 1 files that it names are not in the folder, first 'gone.mp4'." in variable.note
    path.write_text("file,mark\ngone.mp4,zebra\n")
    with pytest.raises(BadData, match="none of them is in the folder"):
        make_spec({"clips": str(tmp_path / "videos"), "labels": str(path)}, "here")


def test_two_labels_for_one_stretch_are_refused_at_once_and_missing_ones_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"lines 2 and 4 give 0.00 to 2.00 s of 'a.mp4' two labels 'kind' \('x' and 'y'\)"):
        video_labels(tmp_path, "a.mp4,0,2,x", "a.mp4,2,4,y", "a.mp4,0,2,y").column("kind")
    assert video_labels(tmp_path, "a.mp4,0,2,x", "a.mp4,0,2,nan", "a.mp4,NA,,z").column("kind").cells == ["x", "z"]


@settings(max_examples=120)
@given(
    st.sampled_from(["file,mark\n", "file;mark\r\n", "FILE\tmark\n", "file,start,end,mark\n", ""]),
    st.lists(st.tuples(st.sampled_from(["0.mp4", "1", "x", "/a/0.mp4", '"']), st.text(max_size=8)), max_size=8),
    st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
    st.sampled_from(["auto", "categorical", "numeric"]),
)
def test_whatever_a_file_says_of_videos_the_answer_is_a_variable_or_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, header: str, rows: list[tuple[str, str]], encoding: str, kind: Asked
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    mark = ";" if ";" in header else "\t" if "\t" in header else ","
    path.write_bytes((header + "\n".join(mark.join(row) for row in rows)).encode(encoding, "replace"))
    try:
        column = read_video_labels(path).matched(["0.mp4", "1.mp4"])[0].column("mark", kind)
        assert column.kind in ("categorical", "numeric") and len(column.classes) == len(column.cells)
    except JepascopeError as error:
        assert str(path) in str(error) and "\n" not in str(error)


@settings(max_examples=80)
@given(st.lists(st.sampled_from(["1", "2.5", "nan", "", "03", "x", "1,5", "inf", "-4", "1e3"]), min_size=1, max_size=40))
def test_a_numeric_column_holds_finite_numbers_alone(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "numbers.csv"
    path.write_text("file,mark\n" + "".join(f'{i}.mp4,"{cell}"\n' for i, cell in enumerate(cells)))
    try:
        column = read_video_labels(path).column("mark")
        if column.kind == "numeric":
            assert np.isfinite([float(cell) for cell in column.cells]).all()
    except JepascopeError as error:
        assert "column 'mark'" in str(error)
