"""Trial: one command in a process of its own, held to what every command promises, whatever it is given.

It ends within its time and memory; what it cannot use is refused in a sentence and not in a traceback; and nothing outside the folder that
it was given is touched. The process is forked from one that has imported everything, since importing takes longer than most trials.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Outcome = Literal["same", "refused", "healed", "silent", "bug", "traceback", "hang", "outside", "memory", "left behind", "taken"]
GOOD: frozenset[Outcome] = frozenset({"same", "refused", "healed", "taken"})
TIME = 60.0  # seconds: three times what a quiet core needs for the longest command on the smallest study
MEMORY = 1 << 30  # bytes beyond what the imports take
WORDS = 1 << 20  # bytes of output that are kept
ADDRESSES = 8 << 30  # bytes of addresses, so that a trial that fails cannot take the machine with it


@dataclass(frozen=True)
class Trial:
    """How a command ended. ``code``: exit status, negative for a signal, None where it was stopped; ``seconds``: without those for which
    other programs had the cores; ``peak``: bytes beyond imports."""

    code: int | None
    words: str
    seconds: float
    peak: int


@dataclass
class Tally:
    """Trials by what they did and how they ended, and each that ended badly with what makes it again."""

    seed: int
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: list[dict[str, object]] = field(default_factory=list)
    amounts: dict[str, int] = field(default_factory=dict)

    def note(self, what: str, amount: int) -> None:
        self.amounts[what] = self.amounts.get(what, 0) + amount

    def add(self, kind: str, outcome: Outcome, about: Mapping[str, object]) -> None:
        by_outcome = self.counts.setdefault(kind, {})
        by_outcome[outcome] = by_outcome.get(outcome, 0) + 1
        if outcome not in GOOD:
            self.failures.append({"kind": kind, "outcome": outcome, **about})


def warm() -> None:
    """Import what the commands do. Nothing may be computed: threads do not survive a fork."""
    import matplotlib.figure  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torch

    import jepascope.cli.main
    import jepascope.report.build
    import jepascope.report.compare.page
    import jepascope.study.run  # noqa: F401

    torch.set_num_threads(1)


def forked(work: Callable[[], object], limit: float = TIME, before: Callable[[], object] | None = None) -> Trial:
    """``work`` in a process of its own, stopped after ``limit`` seconds. ``before``: what is done first there (limits)."""
    began = time.monotonic()
    sys.stdout.flush()
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        code = 70
        try:
            os.setsid()
            os.close(reader)
            null = os.open(os.devnull, os.O_RDONLY)
            for descriptor, onto in ((null, 0), (writer, 1), (writer, 2)):
                os.dup2(descriptor, onto)
            os.close(writer)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES, ADDRESSES))
            if before is not None:
                before()
            work()
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(code & 0xFF)
    os.close(writer)
    os.set_blocking(reader, False)
    try:
        status, used, words, queued = _waited(process, reader, began + limit)
    except BaseException:  # Ctrl-C ends the campaign; nothing of it goes on
        _kill(process)
        raise
    finally:
        os.close(reader)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # a child begins with its parent's pages
    peak = 0 if used is None else max(0, used.ru_maxrss - base) * 1024
    code = None if status is None else os.waitstatus_to_exitcode(status)
    return Trial(code, words.decode(errors="replace"), time.monotonic() - began - queued, peak)


def _waited(process: int, reader: int, until: float) -> tuple[int | None, resource.struct_rusage | None, bytes, float]:
    """Exit status, what was used, the words so far, and the seconds for which other programs had the cores; the process is killed that
    much after ``until``."""
    words, pause = b"", 0.002
    while True:
        queued = _queued(process)
        done, status, used = os.wait4(process, os.WNOHANG)
        with contextlib.suppress(BlockingIOError):
            while block := os.read(reader, 1 << 16):
                words = (words + block)[-WORDS:]
        if done:
            return status, used, words, queued
        if time.monotonic() > until + queued:
            _kill(process)
            return None, None, words, queued
        time.sleep(pause)
        pause = min(0.05, pause * 1.3)


def _queued(process: int) -> float:
    """Seconds for which a process could have gone on and others had the cores, by Linux's count: a busy machine is no hang."""
    try:
        return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def _kill(process: int) -> None:
    for kill in (os.killpg, os.kill):  # it may not lead a group of its own yet
        with contextlib.suppress(ProcessLookupError):
            kill(process, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process, 0)


def command(*words: str) -> Callable[[], object]:
    """A line of the command line, as a user types it."""

    def run() -> None:
        from jepascope.cli.main import main

        sys.argv = ["jepascope", *words]
        main()

    return run


def ended(trial: Trial) -> Outcome | None:
    """How a command ended badly, or was refused; None where it ended well and its results are still to be looked at."""
    if trial.code is None:
        return "hang"
    if "Traceback (most recent call last)" in trial.words:
        return "traceback"
    if "This is a bug" in trial.words or trial.code < 0 or trial.code == 70:
        return "bug"
    if trial.peak > MEMORY:
        return "memory"
    return "refused" if trial.code else None


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder by its name; of a link where it points to, of what is neither its kind. Follows nothing."""
    held: dict[str, str] = {}
    for at, folders, files in os.walk(folder):
        for name in sorted([*files, *folders]):
            path = Path(at) / name
            if path.is_symlink():
                held[str(path.relative_to(folder))] = f"-> {os.readlink(path)}"
            elif path.is_file():
                held[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
            elif not path.is_dir():
                held[str(path.relative_to(folder))] = "special"
    return held
