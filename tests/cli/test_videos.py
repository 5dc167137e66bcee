"""``jepascope videos``: what a study of a folder would have is what a run of it has, and the command that it prints runs."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.cli.options import spec_from
from jepascope.clips.contact_sheet import overview_sheet
from jepascope.clips.video import files
from jepascope.clips.video.files import Refusal
from jepascope.study.videos.foreseen import settled, video_study
from video_files import drifting, write

RATE = 16


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["videos", *arguments], env={"COLUMNS": "140", "TERM": "dumb"})


def stored(*arguments: str, code: int = 0) -> dict[str, Any]:
    result = answer(*arguments, "--json")
    assert result.exit_code == code, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def filled(root: Path, counts: Mapping[str, int], frames: int = 32, broken: str = "") -> Path:
    """A folder for each class, so many videos in each; one of them broken."""
    for place, (name, count) in enumerate(counts.items()):
        for i in range(count):
            write(root / name / f"{name} {i}.mp4", drifting(frames, seed=100 * place + i), rate=RATE)
    if broken:
        (root / broken).write_bytes((root / broken).read_bytes()[:200])
    return root


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven videos of 2.5 s of either class, and an eighth that is broken, in a folder with a space and quotes in its name."""
    return filled(tmp_path_factory.mktemp("at home") / "it's mine; & 'ours'", {"cat": 8, "dog": 7}, 40, "cat/cat 0.mp4")


def of_run(command: str) -> Any:
    """The clips of the command that is printed, as a shell hands its words over and as a run makes them."""
    words = shlex.split(command)
    assert words[:2] == ["jepascope", "run"]
    given: dict[str, Any] = {}
    extra, preset, rest = [], None, words[2:]
    if not rest[0].startswith("-"):
        preset = rest.pop(0)
    for option, value in zip(rest[::2], rest[1::2], strict=True):
        if option == "--set":
            extra.append(value)
        else:
            given[option.removeprefix("--")] = value
    return video_study(settled(spec_from(preset, given, extra)))


def test_counts_are_those_of_a_run_and_the_command_is_the_run_s(seven: Path) -> None:
    seen = stored(str(seven), "--set", "clips_per_class=30")
    assert (seen["possible"], seen["variable"], seen["refusal"], seen["changed"]) == (True, "class", "", {})
    clips = of_run(seen["command"]).clips.factors
    for row in seen["classes"]:
        assert row["videos"] == 7 and row["windows"] == 7 * 4
        for split in ("fit", "judge", "test"):
            part = clips[(clips["label: class"] == row["class"]) & (clips["split"] == split)]
            assert row[split] == {"videos": part["source"].nunique(), "clips": len(part)}
    assert seen["test_videos"] == clips[clips["split"] == "test"]["source"].nunique()
    assert [row["file"] for row in seen["refused"]] == ["cat/cat 0.mp4"] and "truncated" in seen["refused"][0]["reason"]


@pytest.mark.slow
def test_shorter_windows_are_tried_and_the_command_has_those_that_do(seven: Path) -> None:
    seen = stored(str(seven), "quick", "--set", "seconds=2")
    assert seen["possible"] and seen["refusal"].startswith("Too few clips")
    assert seen["changed"]["seconds"] < 2 and "--set seconds=" in seen["command"]
    clips = of_run(seen["command"]).clips.factors
    assert {split: len(part) for split, part in clips.groupby("split")} == {
        split: sum(row[split]["clips"] for row in seen["classes"]) for split in ("fit", "judge", "test")
    }


def test_what_a_person_reads_names_every_class_every_refusal_and_what_binds(seven: Path) -> None:
    result = answer(str(seven), "--set", "clips_per_class=24")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "cat 7 28" in said and "dog 7 28" in said and "'cat/cat 0.mp4' is truncated" in said
    assert "clips_per_class 24" in said and "are no more n" in said and "This runs the study: jepascope run --clips" in said


@pytest.mark.slow
def test_where_nothing_would_do_it_is_said_with_what_is_missing(tmp_path: Path) -> None:
    folder = filled(tmp_path / "few", {"cat": 6, "dog": 3})
    seen = stored(str(folder), code=1)
    assert not seen["possible"] and "add videos, at least 2 of dog" in seen["refusal"] and seen["command"] == ""
    assert [(row["class"], row["videos"]) for row in seen["classes"]] == [("cat", 6), ("dog", 3)]


def test_bad_input_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    filled(tmp_path / "one", {"cat": 2})
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.jpg").write_bytes(b"x")
    (tmp_path / "wrong.csv").write_text("name;kind\na.mp4;cat\n")
    (tmp_path / "several.csv").write_text("file,kind,place\ncat 0.mp4,x,y\ncat 1.mp4,z,w\n")
    for arguments, words in {
        ("nothing",): "There is no folder",
        ("empty",): "holds no video",
        ("pictures",): "it holds 1 × a.jpg",
        ("one", "--variable", "class"): "one class alone",
        ("one", "--labels", "wrong.csv"): "file",
        ("one", "--labels", "several.csv"): "as in --variable kind",
        ("one", "--labels", "none.csv"): "none.csv",
        ("one", "--set", "second=1"): "did you mean seconds",
    }.items():
        result = answer(*arguments)
        assert result.exit_code in (1, 2), arguments
        error = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert len(error) == 1 and words in error[0] and "bug" not in error[0], (arguments, result.stderr)


def test_a_folder_that_cannot_be_listed_is_said_with_what_makes_it_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlisted = Refusal(".", f"{files.UNLISTED} (Permission denied)")
    monkeypatch.setattr(files, "_walk", lambda root: ([], [unlisted]))
    result = answer(str(tmp_path))
    assert (
        result.exit_code == 2
        and f"cannot be listed (Permission denied); the owner makes it readable with `chmod -R u+rX {tmp_path}`" in (result.stderr)
    )


def test_a_sheet_that_cannot_be_written_loses_nothing(seven: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    result = answer(str(seven), "--set", "clips_per_class=30", "--sheet", str(tmp_path / "file" / "sheet.png"))
    assert result.exit_code == 1 and "could not be written" in result.stderr and "This runs the study:" in result.stdout
    result = answer(str(seven), "--sheet", str(tmp_path))
    assert result.exit_code == 2 and "is a folder; give a PNG file with --sheet" in result.stderr


def test_without_optical_flow_the_command_that_installs_it_is_said_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plain"
    for i in range(6):
        write(folder / f"{i}.mp4", drifting(32, seed=i), rate=RATE)
    monkeypatch.setitem(__import__("sys").modules, "cv2", None)
    monkeypatch.setattr("jepascope.clips.video.footage.looked_at", lambda *_: pytest.fail("a window was decoded"))
    result = answer(str(folder))
    assert result.exit_code == 2 and "install it with: pip install" in result.stderr


@pytest.mark.parametrize("name", ["circle", "-dash", "ünï", "a\tb"])
def test_folders_with_odd_names_are_folders(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    filled(tmp_path / name, {"cat": 1, "dog": 1})
    result = answer("--json", "--", name)
    assert result.exit_code == 1 and json.loads(result.stdout)["variable"] == "class", result.stderr


@pytest.mark.slow
def test_the_sheet_shows_a_row_of_every_class_and_split_and_names_what_is_refused(seven: Path, tmp_path: Path) -> None:
    seen = stored(str(seven), "--set", "clips_per_class=30", "--sheet", str(tmp_path / "sheet.png"))
    assert seen["sheet"] == str(tmp_path / "sheet.png")
    clips = of_run(seen["command"]).clips
    figure = overview_sheet(clips, "class", ["'cat/cat 0.mp4' is truncated"])
    words = [text.get_text() for text in figure.findobj(Text)]
    for row in seen["classes"]:
        for split in ("fit", "judge", "test"):
            assert f"{row['class']}\n{split}: {row[split]['clips']} clips\nof {row[split]['videos']} videos" in words
    assert any("'cat/cat 0.mp4' is truncated" in text for text in words)
    titled = [axes for axes in figure.axes if axes.images]
    assert len(titled) == 2 * 3 * 4
    by_place = {(row.file.rpartition("/")[2], f"{row.start:.2f} to {row.end:.2f} s") for row in clips.factors.itertuples()}
    assert {tuple(axes.get_title(loc="left").split("\n")) for axes in titled} <= by_place
