"""What is seen while a study runs."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from jepascope.cli.display import Display, display
from jepascope.study.pace import Pace, left_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "a few seconds left"), (14, "about 10 s left"), (89, "about 90 s left"), (200, "about 3 min left"), (9000, "about 2.5 h left")],
)
def test_time_left_is_said_no_closer_than_it_is_known(seconds: float, words: str) -> None:
    assert left_words(seconds) == words


def test_on_a_terminal_one_bar_says_what_is_being_done_and_the_time_left_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=160, legacy_windows=False)
    monkeypatch.setattr("jepascope.cli.display.console", lambda stderr: terminal)
    with display(Pace({"a": 300.0, "b": 300.0})) as shown:
        tick = shown.start("capture fit clips")
        tick(3, 1200)
        shown.bar.refresh()
        shown.begun("b")
        shown.start("[red]swap at layer 2")
        shown.bar.refresh()
        assert len(shown.bar.tasks) == 1
    seen = screen.getvalue()
    assert "capture fit clips 3/1,200" in seen and "min left" in seen and "[red]swap at layer 2" in seen


def test_on_a_pipe_every_piece_of_work_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Display(Progress(disable=True), Pace({}), piped=True)
    shown.start("capture fit clips")(1, 2)
    shown.start("swap \x1b[31m at layer 2")
    assert capsys.readouterr().err.splitlines() == ["capture fit clips", "swap \\x1b[31m at layer 2"]


@pytest.mark.slow
def test_the_first_sign_of_life_says_what_is_begun(tmp_path: Path, tiny_model: Path) -> None:
    command = [sys.executable, "-m", "jepascope", "run", "--model", str(tiny_model), "--out", str(tmp_path / "run")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        line = running.stderr.readline()
        running.kill()
    assert line.endswith(f"into {tmp_path / 'run'}\n")


def test_a_pipe_is_told_what_is_begun_only_where_nothing_else_is_told_soon(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jepascope.cli.display.SOON", 0.0)
    with display(Pace({})) as shown:
        shown.first("the demo")
        assert shown.later is not None
        shown.later.join()
    monkeypatch.setattr("jepascope.cli.display.SOON", 60.0)
    with display(Pace({})) as shown:
        shown.first("another")
        shown.start("capture fit clips")
    assert capsys.readouterr().err.splitlines() == ["the demo", "capture fit clips"]
