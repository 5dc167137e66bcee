"""Ctrl-C ends the program with exit code 130 and one line, whatever runs when it comes. The program sets this; the library never does.

A KeyboardInterrupt that is raised while a module is imported may become another error, or be printed and forgotten. So none is raised
there: before a command has begun, and where it imports what it begins with, the program ends at once; an import in the midst of work is
finished first.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = 130
SHOW_CURSOR = b"\x1b[?25h"  # which bars hide
BEGINNING = ("jepascope.cli", "jepascope.doctor", "jepascope.study.machine")  # what they import comes before anything is begun
AGAIN = 0.05  # seconds until an import is looked at again

_commands: list[bool] = []  # not empty while a command runs


def prepare() -> None:
    """From now on. Where Ctrl-C was ignored before (a shell's background job), it stays so."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupted)
        sys.unraisablehook = _unraisable


@contextmanager
def command_runs() -> Iterator[None]:
    """Ctrl-C raises KeyboardInterrupt in the body."""
    _commands.append(True)
    try:
        yield
    finally:
        _commands.pop()


def leave() -> None:
    """After a command that was interrupted: what has to be closed is, and half-imported libraries are not taken apart, which can hang."""
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(INTERRUPTED)


def _interrupted(number: int, frame: FrameType | None) -> None:
    importer = _importer(frame)
    if not _commands or (importer or "").startswith(BEGINNING):
        _end()
    if importer is None:
        raise KeyboardInterrupt
    _later()


def _importer(frame: FrameType | None) -> str | None:
    """The module that imports something at this moment, the outermost; None where none does."""
    outer = None
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            outer = frame
        frame = frame.f_back
    while outer is not None and str(outer.f_globals.get("__name__")).startswith("importlib"):  # its frames, import_module's
        outer = outer.f_back
    return None if outer is None else str(outer.f_globals.get("__name__"))


def _later() -> None:
    import threading

    timer = threading.Timer(AGAIN, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))  # which wakes it where it sleeps
    timer.daemon = True
    timer.start()


def _end() -> None:
    if os.isatty(2):
        os.write(2, SHOW_CURSOR)
    os.write(2, b"Stopped.\n")
    os._exit(INTERRUPTED)


def _unraisable(raised: sys.UnraisableHookArgs) -> None:
    """A KeyboardInterrupt where nothing can be raised (a destructor, a callback of C) comes again a little later."""
    if issubclass(raised.exc_type, KeyboardInterrupt):
        _later()
    else:
        sys.__unraisablehook__(raised)
