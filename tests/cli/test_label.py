"""``jepascope label``: a folder of videos in, a labels file out; what it prints, refuses and keeps when it is stopped."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from jepascope.cli import app
from jepascope.clips.animation import write_mp4

pytestmark = pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="OpenCV is not installed (pip install 'jepascope[flow]')")

SHORT = ("--seconds", "0.5")
ANGLE = 30.0


def answer(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["label", *arguments], env={"COLUMNS": "80", "TERM": "dumb"})


def refusal(result: Result, code: int = 2) -> str:
    assert result.exit_code == code, result.stderr
    assert "Error: " in result.stderr and "This is a bug" not in result.stderr
    return result.stderr


def panned(speed: float, frames: int, height: int = 64, width: int = 64) -> np.ndarray:
    """A texture that moves at ANGLE, so many pixels a frame."""
    waves = np.random.default_rng(1).uniform([-0.7, -0.7, 0], [0.7, 0.7, 6.3], (10, 3))
    down, right = np.mgrid[:height, :width].astype(np.float64)
    shown = []
    for time in range(frames):
        x, y = right - speed * time * math.cos(math.radians(ANGLE)), down + speed * time * math.sin(math.radians(ANGLE))
        shown.append(127.5 + 40 * sum(np.sin(a * x + b * y + c) for a, b, c in waves))
    return np.repeat(np.stack(shown).round().clip(0, 255).astype(np.uint8)[..., None], 3, axis=3)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video that moves for a second and one that does not, and a broken one."""
    folder = tmp_path_factory.mktemp("videos")
    write_mp4(folder / "pan.mp4", panned(0.5, 8))
    write_mp4(folder / "still.mp4", panned(0.0, 8))
    (folder / "broken.mp4").write_text("not a video")
    return folder


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_table_says_which_way_and_the_screen_how_many_and_why_not(videos: Path) -> None:
    result = answer(str(videos), *SHORT, "--out", "l.csv", "--sheet", "s.png")
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv("l.csv")
    assert list(table.columns[:7]) == ["file", "start", "end", "source", "direction", "angle", "abstained"]
    rows = {row["file"]: row for row in table.to_dict("records")}
    assert abs(rows["pan.mp4"]["angle"] - ANGLE) < 2 and rows["pan.mp4"]["direction"] == "NE"
    assert rows["still.mp4"]["abstained"] == "still" and np.isnan(rows["still.mp4"]["angle"])
    assert "2 windows of 2 files: 1 labelled, 1 not." in result.stdout and "NE 1" in result.stdout
    assert "still" in result.stdout and "'broken.mp4' is text" in result.stdout
    assert matplotlib.image.imread("s.png").shape[1] > 500
    assert sorted(path.name for path in Path().iterdir()) == ["l.csv", "s.png"]


def test_the_table_is_a_labels_file_of_the_same_folder(videos: Path) -> None:
    from jepascope.clips.video.labels import read_video_labels
    from jepascope.clips.video.windows import Window

    assert json.loads(answer(str(videos), *SHORT, "--json").stdout)["directions"]["NE"] == 1
    labels, strangers = read_video_labels(Path("labels.csv")).matched(["pan.mp4", "still.mp4", "broken.mp4"])
    assert strangers == []
    angle = labels.angle(Window("pan.mp4", "pan.mp4", 0.0, 0.5), "angle")
    assert angle == pytest.approx(math.radians(ANGLE), abs=0.04)
    assert labels.label(Window("pan.mp4", "pan.mp4", 0.0, 0.5), "direction") == "NE"
    assert labels.label(Window("still.mp4", "still.mp4", 0.0, 0.5), "direction") == ""


def test_stopped_it_goes_on_after_the_last_file_that_was_finished(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jepascope.cli import label_files

    asked: list[str] = []
    real = label_files.label_rows

    def counted(folder: Path, windows: list[Any], whole: bool) -> Iterator[dict[str, Any]]:
        asked.append(windows[0].file)
        if len(asked) == 2:
            raise KeyboardInterrupt
        yield from real(folder, windows, whole)

    monkeypatch.setattr(label_files, "label_rows", counted)
    stopped = answer(str(videos), *SHORT)
    assert stopped.exit_code == 130 and "goes on from here" in stopped.stderr
    assert [path.name for path in Path().iterdir()] == ["labels.csv.part"]
    with Path("labels.csv.part").open("a") as file:
        file.write('{"file": "still.mp4", "rows": [')  # as a kill in the middle of a line leaves it
    result = answer(str(videos), *SHORT)
    assert result.exit_code == 0, result.stderr
    assert asked == ["pan.mp4", "still.mp4", "still.mp4"]
    resumed = Path("labels.csv").read_bytes()
    assert not Path("labels.csv.part").exists()
    answer(str(videos), *SHORT)  # in one go
    assert Path("labels.csv").read_bytes() == resumed
    assert asked[3:] == ["pan.mp4", "still.mp4"]


def test_other_settings_do_not_go_on_from_what_was_kept(videos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jepascope.cli import label_files

    asked: list[str] = []

    def stops(folder: Path, windows: list[Any], whole: bool) -> Iterator[dict[str, Any]]:
        asked.append(windows[0].file)
        if len(asked) % 2 == 0:
            raise KeyboardInterrupt
        return iter(())

    monkeypatch.setattr(label_files, "label_rows", stops)
    for more in ([], ["--whole"]):
        assert answer(str(videos), *SHORT, *more).exit_code == 130
    assert asked == ["pan.mp4", "still.mp4"] * 2


def test_files_of_others_are_not_overwritten_and_folders_without_motion_are_refused(videos: Path, tmp_path: Path) -> None:
    Path("labels.csv").write_text("file,direction\npan.mp4,E\n")
    assert "would be overwritten" in refusal(answer(str(videos), *SHORT))
    assert Path("labels.csv").read_text().startswith("file,direction")
    assert "There is no folder" in refusal(answer("nowhere", "--out", "x.csv"))
    assert "--out" in refusal(answer(str(videos), "--out", str(tmp_path)))
    assert "seconds" in refusal(answer(str(videos), "--seconds", "0", "--out", "x.csv"))
    assert "'broken.mp4' is text" in refusal(answer(str(videos), "--seconds", "5", "--out", "x.csv"), code=1)
    assert not Path("x.csv").exists()
