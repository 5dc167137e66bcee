"""Ctrl-C: exit code 130 and one line at most, whatever is being imported, done or undone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = "import sys; from jepascope.__main__ import main; main()"  # as the installed command does it
SLOW = """
import time
print("importing", flush=True)
try:
    time.sleep(30)
except BaseException as error:  # what an extension may make of KeyboardInterrupt
    raise ImportError("is broken") from error
"""


def python(code: str, *more: str, fake: Path | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*([str(fake)] if fake else []), *sys.path])}
    return subprocess.Popen(
        [sys.executable, *([code] if code == "-m" else ["-c", code]), *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("start", [("-m", "jepascope"), pytest.param((PROGRAM,), marks=pytest.mark.slow)], ids=["python -m", "jepascope"])
@pytest.mark.parametrize(("module", "line"), [("typer", "--help"), ("pandas", "report .")])
def test_an_import_is_left_at_once(start: tuple[str, ...], module: str, line: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text(SLOW)
    process = python(*start, *line.split(), fake=tmp_path)
    assert process.stdout is not None and process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=10)[1] == "Stopped.\n" and process.returncode == 130


def ended(body: str, fake: Path | None = None) -> tuple[int, str, str]:
    process = python("import os, signal, sys, time\nfrom jepascope.interrupt import command_runs, prepare\nprepare()\n" + body, fake=fake)
    said, failed = process.communicate(timeout=10)
    return process.returncode, said, failed


def test_an_import_in_the_midst_of_work_is_finished_first(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(0.2)\nDONE = True\n")
    body = "with command_runs():\n try:\n  import slow\n  time.sleep(5)\n except KeyboardInterrupt:\n  print(sys.modules['slow'].DONE)"
    assert ended(body, tmp_path) == (0, "True\n", "")


def test_work_is_interrupted_as_always() -> None:
    body = "with command_runs():\n try:\n  os.kill(os.getpid(), signal.SIGINT)\n  time.sleep(5)\n except KeyboardInterrupt:\n  print('ok')"
    assert ended(body) == (0, "ok\n", "")


def test_where_nothing_can_be_raised_it_comes_again() -> None:
    body = (
        "class Last:\n def __del__(self):\n  os.kill(os.getpid(), signal.SIGINT)\n"
        "with command_runs():\n try:\n  Last()\n  time.sleep(5)\n except KeyboardInterrupt:\n  print('ok')"
    )
    assert ended(body) == (0, "ok\n", "")


def test_an_interrupt_on_the_way_out_is_no_traceback() -> None:
    assert ended("import atexit; atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))") == (130, "", "Stopped.\n")


def test_where_a_shell_ignores_it_it_stays_ignored() -> None:
    again = "signal.signal(signal.SIGINT, signal.SIG_IGN); prepare(); os.kill(os.getpid(), signal.SIGINT); print('ok')"
    assert ended(again) == (0, "ok\n", "")
