"""One display for a whole study: what is being done, how far all of it is, and the time that is left of the command."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from threading import Timer
from typing import TYPE_CHECKING

from jepascope.cli.terminal import console
from jepascope.errors import plain

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from jepascope.study.pace import Pace

MOST = 56  # characters of what is being done
SOON = 1.0  # seconds after which a pipe is told what is begun: what is refused at once is one line


class Display:
    """jepascope.study.progress.Progress as one bar on stderr; on a pipe, one line for each piece of work. ``begun``: a step begins."""

    def __init__(self, bar: RichProgress, pace: Pace, piped: bool) -> None:
        self.bar, self.pace, self.piped = bar, pace, piped
        self.begun = pace.begin
        self.task = None if piped else bar.add_task("", total=1.0)
        self.later: Timer | None = None

    def first(self, what: str) -> None:
        """What is begun, before anything slow is loaded."""
        if self.piped:
            self.later = Timer(SOON, sys.stderr.write, [f"{plain(what)}\n"])
            self.later.daemon = True
            self.later.start()
        else:
            self.start(what)

    def close(self) -> None:
        """Nothing more is told."""
        if self.later is not None:
            self.later.cancel()

    def start(self, what: str) -> Callable[[int, int], None]:
        self.close()
        what = plain(what)
        if self.piped:
            sys.stderr.write(f"{what}\n")
        self._show(what)
        return lambda done, total: self._show(f"{what} {done:,}/{total:,}")

    def say(self, line: str) -> None:
        self.bar.console.print(line)

    def _show(self, what: str) -> None:
        if self.task is not None:
            self.bar.update(self.task, description=what if len(what) <= MOST else f"{what[: MOST - 1]}…", completed=self.pace.share)


@contextmanager
def display(pace: Pace) -> Iterator[Display]:
    """One bar while the body runs, drawn again by itself as time goes by."""
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.text import Text

    from jepascope.study.pace import left_words

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(left_words(pace.left))

    out = console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(bar_width=24), TaskProgressColumn(), TimeElapsedColumn(), Left())
    with Progress(*columns, console=out, disable=not out.is_terminal) as bar:
        shown = Display(bar, pace, piped=not out.is_terminal)
        with closing(shown):
            yield shown
