"""What a person sees: bars, one-line errors, exit codes. 0 done, 1 failed, 2 bad arguments, 130 stopped by Ctrl-C."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jepascope.errors import OUT_OF_MEMORY, JepascopeError, plain
from jepascope.interrupt import INTERRUPTED, command_runs

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress

Command = TypeVar("Command", bound=Callable[..., None])
PIPE_WIDTH = 140  # columns where there is no terminal to fit into


def answered(command: Command) -> Command:
    """Every failure becomes one line on stderr and an exit code; JEPASCOPE_DEBUG=1 shows the traceback as well."""

    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> None:
        try:
            with command_runs():
                command(*args, **kwargs)
        except JepascopeError as error:
            _fail(str(error), error.exit_code, error)
        except KeyboardInterrupt:
            _fail("Stopped. What is finished is kept; the same command goes on from here.", INTERRUPTED, None)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(1) from None
        except OSError as error:
            where = f"'{error.filename}': " if error.filename else ""
            _fail(f"{where}{error.strerror or error}. Check the path, its permissions and the free space.", 1, error)
        except Exception as error:
            if not isinstance(error, MemoryError):
                what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                _fail(f"Unexpected {what}. This is a bug in jepascope: please report it with the output of JEPASCOPE_DEBUG=1.", 1, error)
            _fail(OUT_OF_MEMORY, 1, error)

    return run  # type: ignore[return-value]


def _fail(message: str, code: int, error: BaseException | None) -> None:
    if error is not None and os.environ.get("JEPASCOPE_DEBUG"):
        raise error
    sys.stdout.flush()
    one_line = plain(" ".join(line.strip() for line in message.splitlines()))  # spaces inside a line may be a path's
    sys.stderr.write(f"{'Error: ' if error is not None else ''}{one_line}\n")
    raise SystemExit(code)


def console(stderr: bool = False) -> Console:
    """A rich console: without colours where the output is not a terminal. Texts are shown as they are: no markup, no control characters."""
    from rich.console import Console
    from rich.text import Text

    class Shown(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(plain(text, but="\n\t"), **{**options, "markup": False, "emoji": False})

    out = Shown(stderr=stderr, highlight=False, soft_wrap=True)
    if not out.is_terminal:
        out.width = PIPE_WIDTH
    return out


def say(*lines: str) -> None:
    """Lines as they are, without rich's markup."""
    out = console()
    for line in lines:
        out.print(line)


def build_again(folder: Path) -> Path | None:
    """The report of a run folder, of which something was added; None before the run is finished."""
    from jepascope.report.build import build_report

    return build_report(folder) if (folder / "summary.json").exists() else None


def where(tables: Path, report: Path | None) -> str:
    """Where what was made lies."""
    return f"Tables: {tables.resolve()}" + (f". Report: {report.resolve()}" if report else "")


class Bars:
    """jepascope.study.progress.Progress as rich bars on stderr; on a pipe, one line for each piece of work."""

    def __init__(self, progress: RichProgress, plain: bool) -> None:
        self.progress, self.plain = progress, plain

    def start(self, what: str) -> Callable[[int, int], None]:
        what = plain(what)
        if self.plain:
            sys.stderr.write(f"{what}\n")
            return lambda done, total: None
        task = self.progress.add_task(what, total=None)

        def tick(done: int, total: int) -> None:
            self.progress.update(task, completed=done, total=total)

        return tick

    def say(self, line: str) -> None:
        self.progress.console.print(line)


@contextmanager
def bars() -> Iterator[Bars]:
    """Bars with elapsed and remaining time while the body runs."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    out = console(stderr=True)
    what = TextColumn("{task.description}", markup=False)
    columns = (what, BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=out, disable=not out.is_terminal) as progress:
        yield Bars(progress, plain=not out.is_terminal)
