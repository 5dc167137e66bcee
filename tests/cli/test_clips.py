"""``jepascope clips``: what it writes, prints and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.clips.animation import eight_bit, read_mp4
from jepascope.clips.presets import preset, twins
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec

SMALL = ("--per-class", "5", "--frames", "4", "--size", "32")


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["clips", *arguments], env={"COLUMNS": "80", "TERM": "dumb"})


def refusal(result: Result, code: int = 2) -> str:
    assert result.exit_code == code, result.stderr
    assert result.stdout == "" and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert "This is a bug" not in result.stderr
    return result.stderr


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_by_default_a_sheet_and_a_table_lie_in_a_folder_of_the_sets_name() -> None:
    result = answer(*SMALL)
    assert result.exit_code == 0, result.stderr
    folder = Path("runs/clips-directions8")
    assert sorted(path.name for path in folder.iterdir()) == ["clips.json", "factors.csv", "sheet.png"]
    assert "40 clips (16 fit, 16 judge, 8 test) of 4 frames, 32 × 32 pixels" in result.stdout
    assert "E 5, NE 5, N 5, NW 5, W 5, SW 5, S 5, SE 5" in result.stdout
    assert str(folder.resolve()) in result.stdout
    clips = preset("directions8", per_class=5)
    lines = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    for column in ("speed", "x", "size", "hue"):
        held = clips.factors[column]
        assert f"{held.min():.3g} to {held.max():.3g}" in lines[column]
    assert matplotlib.image.imread(folder / "sheet.png").shape[1] == 1290


@pytest.mark.parametrize("name", ["directions8", "circle", "complex"])
def test_the_table_holds_every_factor_exactly(name: str) -> None:
    assert answer(name, *SMALL, "--format", "table", "--seed", "3", "--twins", "--variable", "speed", "--out", "t").exit_code == 0
    clips = preset(name, 3, per_class=5)
    for file, part in (("factors.csv", clips), ("twins.csv", twins(clips, "speed"))):
        cells = pd.read_csv(f"t/{file}", dtype=str)
        assert list(cells) == list(part.factors)
        for column, held in part.factors.drop(columns="reversed").items():
            assert [type(value)(cell) for cell, value in zip(cells[column], held.tolist(), strict=True)] == held.tolist()


def test_json_says_what_was_written_and_what_the_set_holds() -> None:
    result = answer("complex", *SMALL, "--format", "table", "--json", "--out", "j", "--variable", "shape")
    said = json.loads(result.stdout)
    clips = preset("complex", per_class=5, frames=4, size=32)
    assert said["digest"] == clips.digest and said["folder"] == str(Path("j").resolve())
    assert said["splits"] == {"fit": 16, "judge": 16, "test": 8} and sum(said["classes"].values()) == 40
    assert said["classes"] == clips.factors["shape"].value_counts().to_dict()
    assert said["factors"]["lighting"]["low"] == clips.factors["lighting"].min()
    assert said["factors"]["distractors"]["values"] == [1, 2]
    assert said["written"] == ["factors.csv", "clips.json"]
    assert json.loads(Path("j/clips.json").read_text())["files"] == ["factors.csv"]


def test_mp4_files_are_limited_one_of_each_class_first_and_hold_the_very_pixels() -> None:
    result = answer("complex", *SMALL, "--format", "mp4", "--limit", "9", "--twins", "--out", "v")
    assert result.exit_code == 0, result.stderr
    assert "18 files, lossless" in result.stdout and "equals the pixels rounded to 8 bits" in result.stdout
    clips = preset("complex", per_class=5, frames=4, size=32)
    videos = sorted(Path("v/mp4").iterdir())
    assert len(videos) == 18
    own = [path for path in videos if "twin" not in path.name]
    assert [path.stem.split("-")[1] for path in own].count("E") == 2
    for path in videos:
        scene = int(path.name[:4])
        source = twins(clips) if "twin" in path.name else clips
        assert source.factors["direction"].iloc[scene] == path.stem.rsplit("-", 1)[1]
        assert np.array_equal(read_mp4(path), eight_bit(source.video([scene])[0]))


def test_a_gif_shows_every_class_and_with_twins_each_beside_its_own() -> None:
    assert answer(*SMALL, "--format", "gif", "--out", "g").exit_code == 0
    with Image.open("g/clips.gif") as gif:
        assert gif.n_frames == 4 and gif.info["loop"] == 0 and gif.size == (4 * 132 + 4, 2 * 150 + 4)
    assert answer(*SMALL, "--format", "gif", "--twins", "--variable", "shape", "--out", "h").exit_code == 0
    with Image.open("h/clips.gif") as gif:
        assert gif.size == (4 * 132 + 4, 2 * 150 + 4)  # four shapes and their twins


@pytest.mark.slow
@pytest.mark.parametrize("name", ["circle", "complex"])
def test_nothing_reads_more_of_the_direction_than_position_and_axis_give_away(name: str) -> None:
    result = answer(name, "--per-class", "20", "--frames", "4", "--size", "32", "--format", "leaks", "--json", "--out", "l")
    assert result.exit_code == 0, result.stderr
    rows = json.loads(result.stdout)["leaks"]
    assert [row["baseline"] for row in rows] == [f"pixels_{how}" for how in ("first_frame", "last_frame", "shuffled_frames", "mean_frame")]
    for row in rows:
        assert row["n"] == 32 and row["chance"] == 1 / 8 and row["low"] <= row["accuracy"] <= row["high"]
        assert row["verdict"] in ("not above chance", "explained")
    written = pd.read_csv("l/leaks.csv")
    assert written["accuracy"].tolist() == [row["accuracy"] for row in rows]


def test_the_leak_check_is_printed_with_intervals_and_chance() -> None:
    result = answer("complex", *SMALL, "--format", "leaks", "--out", "l")
    assert result.exit_code == 0, result.stderr
    lines = [line for line in result.stdout.splitlines() if line.startswith("pixels ")]
    assert len(lines) == 4 and all(" to " in line and "12.5" in line for line in lines)


# the folder


def test_formats_add_up_for_one_set_and_another_set_takes_their_place() -> None:
    assert answer(*SMALL, "--out", "f", "--format", "sheet").exit_code == 0
    assert answer(*SMALL, "--out", "f", "--format", "table,gif").exit_code == 0
    assert {path.name for path in Path("f").iterdir()} == {"sheet.png", "factors.csv", "clips.gif", "clips.json"}
    result = answer(*SMALL, "--out", "f", "--format", "table", "--seed", "1")
    assert "Removed 2 files of other clips" in result.stdout
    assert {path.name for path in Path("f").iterdir()} == {"factors.csv", "clips.json"}
    assert json.loads(Path("f/clips.json").read_text())["seed"] == 1


def test_files_that_it_did_not_write_are_never_overwritten_or_removed() -> None:
    Path("mine").mkdir()
    Path("mine/sheet.png").write_text("mine")
    assert "neither empty nor" in refusal(answer(*SMALL, "--out", "mine"))
    assert answer(*SMALL, "--out", "f", "--format", "table").exit_code == 0
    Path("f/sheet.png").write_text("mine")
    Path("f/notes.txt").write_text("mine")
    assert "sheet.png' was not written by this command" in refusal(answer(*SMALL, "--out", "f"))
    assert answer(*SMALL, "--out", "f", "--format", "table", "--seed", "2").exit_code == 0
    assert Path("mine/sheet.png").read_text() == Path("f/sheet.png").read_text() == Path("f/notes.txt").read_text() == "mine"


def test_a_record_that_names_files_elsewhere_removes_none_of_them() -> None:
    assert answer(*SMALL, "--out", "f", "--format", "table").exit_code == 0
    Path("precious.txt").write_text("mine")
    record = json.loads(Path("f/clips.json").read_text())
    Path("f/clips.json").write_text(json.dumps({**record, "files": ["../precious.txt", "/etc/hosts", 3, "mp4/../../precious.txt"]}))
    Path("f/factors.csv").unlink()
    assert answer(*SMALL, "--out", "f", "--format", "table", "--seed", "2").exit_code == 0
    assert Path("precious.txt").read_text() == "mine"


def test_a_run_folder_is_refused() -> None:
    Run.open(Path("run"), StudySpec()).close()
    before = sorted(path.name for path in Path("run").iterdir())
    assert "neither empty nor" in refusal(answer(*SMALL, "--out", "run"))
    assert sorted(path.name for path in Path("run").iterdir()) == before


# refusals


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["directions9"], "no clip set 'directions9'; known are directions8, circle, complex"),
        (["../up"], "no clip set"),
        (["--per-class", "4"], "--per-class 4"),
        (["--per-class", "1000000000"], "--per-class"),
        (["--frames", "0"], "--frames 0"),
        (["--size", "7"], "--size 7"),
        (["--size", "-64"], "--size -64"),
        (["--size", "100000"], "pixels"),
        (["--seed", "-1"], "--seed -1"),
        (["--limit", "0"], "--limit 0"),
        (["--format", "avi"], "no format 'avi'; give some of sheet, gif, mp4, table, leaks"),
        (["--format", ""], "no format is given"),
        (["--format", ", ,"], "no format is given"),
        (["--variable", "mass"], "no variable 'mass'"),
        (["--format", "leaks", "--variable", "speed"], "may well show speed"),
        (["--out", "/proc/nothing/here"], "cannot be written"),
        (["--out", "file"], "is a file"),
        (["--out", "file/below"], "cannot be written"),
    ],
)
def test_a_bad_argument_is_one_line_and_writes_nothing(arguments: list[str], said: str) -> None:
    Path("file").write_text("")
    assert said in refusal(answer(*arguments))
    assert [path.name for path in Path().iterdir()] == ["file"]


def test_help_has_examples() -> None:
    result = answer("--help")
    assert result.exit_code == 0 and "jepascope clips complex --format" in result.stdout
