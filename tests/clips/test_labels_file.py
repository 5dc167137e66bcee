"""Labels of one's own: what a file may hold, what it means, and how everything else is refused."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.clipset import ClipSet
from jepascope.clips.column_kind import FEW_VALUES, MAX_CLASSES
from jepascope.clips.labels import described, quartiles
from jepascope.clips.labels_file import read_labels
from jepascope.clips.presets import directions8, twins
from jepascope.errors import BadArgument, BadData, JepascopeError

COUNT = 80


@pytest.fixture(scope="module")
def clips() -> ClipSet:
    return directions8(0, per_class=10)


def write(folder: Path, *columns: tuple[str, list[object]], key: str = "scene", keys: list[object] | None = None) -> Path:
    path = folder / "labels.csv"
    scenes: list[object] = list(range(COUNT)) if keys is None else keys
    rows = zip(scenes, *(values for _, values in columns), strict=True)
    lines = [",".join([key, *(name for name, _ in columns)]), *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def kinds(count: int = COUNT) -> list[object]:
    return [("cat", "dog")[i % 2] for i in range(count)]


# what a column means


def test_a_text_column_is_categorical_with_classes_in_alphabetical_order(clips: ClipSet, tmp_path: Path) -> None:
    words = [("pear", "Apple", "fig")[i % 3] for i in range(COUNT)]
    labelled = clips.labelled_from(write(tmp_path, ("fruit", words)), "fruit")
    labels, names = labelled.labels("fruit")
    assert names == ("Apple", "fig", "pear")
    assert [names[label] for label in labels] == words
    assert labelled.values("fruit") is None


def test_a_column_of_many_numbers_is_numeric_with_classes_at_its_quartiles(clips: ClipSet, tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=COUNT)
    labelled = clips.labelled_from(write(tmp_path, ("mass", list(numbers))), "mass")
    assert labelled.variable("mass").kind == "numeric"
    values = labelled.values("mass")
    assert values is not None and (values[:, 0] == numbers).all()
    labels, names = labelled.labels("mass")
    assert np.bincount(labels).tolist() == [COUNT / 4] * 4
    edges = np.quantile(numbers, [0.25, 0.5, 0.75])  # numpy's definition is the same
    np.testing.assert_allclose(labelled.variable("mass").edges[0], edges, rtol=1e-12)
    assert (labels == np.searchsorted(edges, numbers, side="right")).all()
    assert names[0].startswith("below ") and names[3].startswith("from ")


def test_a_few_different_numbers_are_names_of_classes_in_order_of_size(clips: ClipSet, tmp_path: Path) -> None:
    levels = ["10", "9", "-1", "9.0"]
    labelled = clips.labelled_from(write(tmp_path, ("level", [levels[i % 4] for i in range(COUNT)])), "level")
    labels, names = labelled.labels("level")
    assert labelled.variable("level").kind == "categorical"
    assert names == ("-1", "9", "10")  # 9 and 9.0 are one number
    assert labels[:4].tolist() == [2, 1, 0, 1]


@settings(max_examples=200)
@given(st.lists(st.integers(0, 12).map(float), min_size=4, max_size=60).filter(lambda numbers: len(set(numbers)) > 1))
def test_no_quartile_class_is_empty_whatever_ties_there_are(numbers: list[float]) -> None:
    edges = quartiles(numbers)
    counts = np.bincount(np.searchsorted(edges, numbers, side="right"), minlength=len(edges) + 1)
    assert (counts > 0).all() and list(edges) == sorted(set(edges))


@settings(max_examples=50)
@given(st.lists(st.floats(-1e300, 1e300, allow_subnormal=False), min_size=40, max_size=60, unique=True))
def test_class_names_of_a_number_differ_and_their_order_is_that_of_the_numbers(numbers: list[float]) -> None:
    variable = described("x", [repr(number) for number in numbers], lambda row: "here")
    assert len(set(variable.classes)) == len(variable.classes) == len(variable.edges[0]) + 1


@pytest.mark.parametrize("cell", ["=1+1", "+cmd", "-x", "@SUM(A1)", "=HYPERLINK(1)"])
def test_a_formula_is_only_text(clips: ClipSet, tmp_path: Path, cell: str) -> None:
    labelled = clips.labelled_from(write(tmp_path, ("note", [cell if i % 2 else "plain" for i in range(COUNT)])), "note")
    assert set(labelled.labels("note")[1]) == {cell, "plain"}


# which clip a row is of


def test_rows_may_come_in_any_order(clips: ClipSet, tmp_path: Path) -> None:
    order = np.random.default_rng(1).permutation(COUNT)
    words = kinds()
    mixed = write(tmp_path, ("kind", [words[i] for i in order]), keys=[*map(int, order)])
    (tmp_path / "sorted").mkdir()
    straight = write(tmp_path / "sorted", ("kind", words))
    assert (clips.labelled_from(mixed, "kind").labels("kind")[0] == clips.labelled_from(straight, "kind").labels("kind")[0]).all()


def test_clips_are_counted_from_0_in_the_order_of_the_clip_set(clips: ClipSet, tmp_path: Path) -> None:
    backwards = clips.select(np.arange(COUNT)[::-1])
    path = write(tmp_path, ("kind", ["a"] * 40 + ["b"] * 40), key="clip")
    assert backwards.labelled_from(path, "kind").labels("kind")[0].tolist() == [0] * 40 + [1] * 40


def test_spreadsheets_write_a_byte_order_mark_quotes_and_carriage_returns(clips: ClipSet, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    rows = "".join(f'{i},"a, or ""b"""\r\n' if i % 2 else f"{i},c\r\n" for i in range(COUNT))
    path.write_bytes(b"\xef\xbb\xbf" + f"scene,kind\r\n{rows}\r\n".encode())
    assert clips.labelled_from(path, "kind").labels("kind")[1] == ('a, or "b"', "c")


@pytest.mark.parametrize("text", ["sep=;\nscene;kind\n0;a\n", "scene|kind\n0|a\n", "sep=,\r\nscene,kind\r\n0,a\r\n"])
def test_a_separator_is_found_whether_or_not_the_first_line_names_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.csv").write_text(text, newline="")
    labels = read_labels(tmp_path / "labels.csv")
    assert labels.texts("kind") == ["a"] and labels.lines[0] == text.count("\n")


def test_a_file_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path, ("kind", kinds()))
    first = read_labels(path)
    assert read_labels(path) is first
    path.write_text(path.read_text().replace("cat", "tiger"))
    assert read_labels(path).digest != first.digest


# what the clips do with them


def test_labels_change_no_pixel_and_part_with_the_clips(clips: ClipSet) -> None:
    labelled = clips.labelled("kind", kinds())
    assert labelled.digest == clips.digest
    part = labelled.split("test")
    whole = dict(zip(labelled.factors["scene"], labelled.labels("kind")[0], strict=True))
    assert part.labels("kind")[0].tolist() == [whole[scene] for scene in part.factors["scene"]]


def test_a_clip_set_carries_several_labels_and_the_last_of_a_name(clips: ClipSet) -> None:
    both = clips.labelled("kind", kinds()).labelled("weight", np.arange(COUNT) * 0.5).labelled("kind", ["x", "y", "z", "w"] * 20)
    assert both.labels("kind")[1] == ("w", "x", "y", "z")
    assert both.variable("weight").kind == "numeric"
    assert both.labels("direction")[1] == clips.labels("direction")[1]


def test_no_twin_is_rendered_for_a_label(clips: ClipSet) -> None:
    with pytest.raises(BadArgument, match="No twin can be rendered for 'kind'"):
        twins(clips.labelled("kind", kinds()), "kind")


# refusals: file, line, column and fix


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; the first line names the columns"),
        ("scene,kind\n", "has a header and no rows"),
        ("scene\n1\n", "no column beside 'scene'"),
        ("id,kind\n0,a\n", "no column 'scene' or 'clip'; columns: id, kind"),
        ("scene,kind,kind\n0,a,b\n", "line 1: two columns are named 'kind'"),
        ("scene,kind\n0,a\n1,b\n0,c\n", "line 4: scene 0 has a row on line 2 already"),
        ("scene,kind\n0,a\n1,b,c\n", "line 3: 3 cells under 2 columns"),
        ("scene,kind\n0,a\none,b\n", "line 3, column 'scene': 'one' is not a whole number"),
        ("scene,kind\n-1,a\n", "line 2, column 'scene': '-1' is not a whole number"),
        ("scene,kind\n" + "9" * 5000 + ",a\n", "line 2, column 'scene'"),
        ('scene,kind\n0,"a\n1,b\n', "this is not CSV"),
        ("scene,kind\n0," + "a" * 200_000 + "\n", "line 2: this is not CSV.*too long to be a label"),
        ("scene," + ",".join(f"c{i}" for i in range(300)) + "\n", "301 columns, more than 200"),
    ],
)
def test_what_is_no_labels_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(BadData, match=message) as caught:
        read_labels(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_not_a_file_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="There is no labels file"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(BadArgument, match="not a regular file"):
        read_labels(tmp_path)
    (tmp_path / "latin.csv").write_bytes("scene,kind\n0,a\n1,caf\xe9\n".encode("latin-1"))
    with pytest.raises(BadData, match="line 3: this is not UTF-8"):
        read_labels(tmp_path / "latin.csv")


@pytest.mark.parametrize("cell", ["", "   ", "nan", "NaN", "inf", "-Infinity", "1e999", "x" * 201, "a\x1b[31mb"])
def test_a_cell_without_a_value_is_named_by_line_and_column(clips: ClipSet, tmp_path: Path, cell: str) -> None:
    words: list[object] = [str(i) for i in range(COUNT)]
    words[5] = cell
    path = write(tmp_path, ("kind", words))
    with pytest.raises(BadData, match=r"labels\.csv' line 7, column 'kind': "):
        clips.labelled_from(path, "kind")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a"] * COUNT, "all 80 clips have the label 'a'"),
        (["a"] * (COUNT - 4) + ["b"] * 4, r"only 4 clip\(s\) have the label 'b'"),
        ([f"w{i}" for i in range(COUNT)], f"80 different labels.*at most {MAX_CLASSES} classes"),
        ([*range(10), *[0] * (COUNT - 10)], r"71 of 80 cells have the number 0, so that quartiles part no classes; give a column of words"),
        ([*range(COUNT - 1), "x9"], r"line 81, column 'mass': 'x9' is no number, and the other 79 cells are numbers"),
    ],
)
def test_a_column_that_no_study_can_be_made_of_is_refused(clips: ClipSet, tmp_path: Path, words: list[object], message: str) -> None:
    with pytest.raises(BadData, match=message):
        clips.labelled_from(write(tmp_path, ("mass", words)), "mass")


def test_an_unknown_column_lists_those_there_are(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="no label column 'sort'; it has kind, weight"):
        clips.labelled_from(write(tmp_path, ("kind", kinds()), ("weight", list(range(COUNT)))), "sort")


def test_scenes_that_are_missing_or_of_other_clips_are_counted_and_named(clips: ClipSet, tmp_path: Path) -> None:
    short = write(tmp_path, ("kind", kinds(COUNT - 2)), keys=[*range(3), *range(5, COUNT)])
    with pytest.raises(BadData, match=r"labels 78 scenes, but 2 of the study's 80 are missing, first scene 3"):
        clips.labelled_from(short, "kind")
    long = write(tmp_path, ("kind", kinds(COUNT + 8)), keys=[*range(COUNT + 8)])
    with pytest.raises(BadData, match=r"line 82: the clips have no scene 80.*88 rows, 80 clips"):
        clips.labelled_from(long, "kind")


@pytest.mark.parametrize("name", ["direction", "speed", "../up", "a/b", "", "x" * 61, "=1", ".hidden", "a\nb"])
def test_a_column_whose_name_cannot_stand_in_tables_and_file_names_is_refused(clips: ClipSet, name: str) -> None:
    with pytest.raises(BadArgument, match="name"):
        clips.labelled(name, kinds())


def test_labels_of_another_length_are_refused(clips: ClipSet) -> None:
    with pytest.raises(BadData, match="80 clips; 79 labels"):
        clips.labelled("kind", kinds(79))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_whatever_the_file_holds_the_answer_is_labels_or_one_sentence(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"scene,kind\n" + data)
    try:
        file = read_labels(path)
        file.variable("kind", list(file.rows))
    except JepascopeError as error:
        assert str(path) in str(error) and "\n" not in str(error)


def test_reading_labels_imports_no_numerical_library() -> None:
    code = "import sys, jepascope.clips.labels_file; sys.exit([n for n in ('numpy', 'pandas', 'torch') if n in sys.modules] or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_numbers_that_are_classes_are_few() -> None:
    cells = [str(i % FEW_VALUES / 2) for i in range(COUNT)]
    assert described("x", cells, lambda row: "here").kind == "categorical"
    more = [str(i % (FEW_VALUES + 1) / 2) for i in range(COUNT)]
    assert described("x", more, lambda row: "here").kind == "numeric"
    assert Counter(cells)["0.0"] == COUNT / FEW_VALUES
