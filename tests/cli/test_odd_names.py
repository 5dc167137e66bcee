"""Odd names: what is offered reaches the same folder when it is pasted, and nothing that a terminal would obey is ever printed."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jepascope.cli import app
from jepascope.cli.main import _Shown
from jepascope.cli.terminal import Bars, console
from jepascope.errors import plain, quoted
from jepascope.study.files import run_line

NAMES = ["two words", "it's", '"', "$HOME", "`id`", "a;b", "-dash", "--out", "~tilde", "*", "[red]x[/]", "é", "\\", "#c", "a&b", "!h"]
CONTROLLED = [
    "line\nbreak",
    "\x1b[31mred",
    "bell\a",
    "tab\there",
    "back\bspace",
    "\x1b]0;title\x07",
    "turn\u202eed",
    os.fsdecode(b"no\xfftext"),
    "'\n\\",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_the_same_after_a_shell_has_read_it(name: str) -> None:
    (word,) = shlex.split(quoted(Path(name)))
    assert Path(word) == Path(name) and not word.startswith("-")


@pytest.mark.parametrize("name", CONTROLLED, ids=ascii)
def test_control_characters_are_pasted_as_escapes(name: str) -> None:
    line = quoted(Path("folder") / name)
    assert line.isprintable() and line == plain(line)
    pasted = subprocess.run(["bash", "-c", f"printf %s {line}"], capture_output=True, check=True)
    assert os.fsdecode(pasted.stdout) == f"folder/{name}"


@settings(max_examples=50)
@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_name_is_printed_as_text(name: str) -> None:
    assert plain(quoted(name)) == quoted(name) and plain(plain(name)) == plain(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_line_that_runs_a_study_reaches_its_folder(name: str) -> None:
    words = shlex.split(run_line(Path(name), Path(name)))
    assert [Path(words[2]), Path(words[4])] == [Path(name) / "spec.yaml", Path(name)]


@pytest.mark.parametrize("name", CONTROLLED[1:3] + CONTROLLED[4:7], ids=ascii)
@pytest.mark.parametrize(
    "line", ["report {}", "check {}", "compare {} {}", "run --clips {}", "probe {}", "run {}", "{}", "report --{}", "run --set {}"]
)
def test_what_is_typed_is_never_printed_raw(line: str, name: str) -> None:
    words = [part.format(name) for part in line.split()]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code and not {"\x1b", "\a", "\b", "\u202e"} & {*ended.output}


def test_tables_and_bars_show_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.progress import Progress
    from rich.table import Table

    table = Table(title="[red]\x1b[31m")
    table.add_column("\x07")
    table.add_row("[/bold]\x1b]0;t")
    console().print(table)
    console().print("[link=x]y\x1b[2J")
    Bars(Progress(console=console(stderr=True)), plain=True).start("read \x1b[31m")
    Bars(Progress(console=console(stderr=True)), plain=True).say("[red]\x1b[31m")
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err and "\a" not in out
    assert "[/bold]\\x1b]0;t" in out and "[link=x]y\\x1b[2J" in out and "[red]\\x1b[31m" in err


def test_what_is_logged_is_text() -> None:
    record = logging.LogRecord("a", logging.WARNING, "", 0, "'%s' is damaged", ("\x1b[31m",), None)
    assert _Shown().format(record) == "'\\x1b[31m' is damaged"
