"""Progress in a Jupyter kernel: one line under the cell with a bar, what is being done and the time that is left; gone with the call.

IPython is used where it runs already, and is no requirement: in a plain script nothing is shown that is not asked for.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Event, Thread
from typing import Any

from jepascope.errors import plain
from jepascope.study.pace import Pace, left_words
from jepascope.study.progress import Progress, Silent, Tick

AGAIN = 0.5  # seconds until it is drawn again; what is done before the first of them shows nothing


class Line:
    """jepascope.study.progress.Progress as one output of a cell. ``pace``: of a whole study; without one, what is said to be left is left
    of the piece of work at hand."""

    def __init__(self, pace: Pace | None = None) -> None:
        self.pace, self.what, self.done, self.total = pace, "", 0, 0
        self.began = self.since = time.monotonic()
        self.over = Event()
        self.handle: Any = None  # of what IPython displays
        # what is displayed belongs to the cell that is running, which a thread knows by its context alone
        self.thread = Thread(target=copy_context().run, args=(self._draw_again,), daemon=True)

    def start(self, what: str) -> Tick:
        self.what, self.done, self.total, self.since = plain(what), 0, 0, time.monotonic()

        def tick(done: int, total: int) -> None:
            self.done, self.total = done, total

        return tick

    def say(self, line: str) -> None:
        print(plain(line))

    @property
    def left(self) -> float | None:
        """Seconds; None where nothing tells."""
        if self.pace is not None:
            return self.pace.left
        return (time.monotonic() - self.since) * (self.total / self.done - 1) if self.done else None

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where nothing tells."""
        return self.pace.share if self.pace is not None else self.done / self.total if self.total else None

    def words(self) -> str:
        """What is being done, how much of it is, how long it has gone on, and what is left."""
        counted = f" {self.done:,}/{self.total:,}" if self.total else ""
        minutes, seconds = divmod(round(time.monotonic() - self.began), 60)
        left = "" if self.left is None else f", {left_words(self.left)}"
        return f"{self.what}{counted} · {minutes}:{seconds:02d}{left}"

    def _draw_again(self) -> None:
        while not self.over.wait(AGAIN):
            share, words = self.share, self.words()
            at = "" if share is None else f' value="{share:.3f}"'
            bar = f'<progress max="1"{at} aria-label="progress" style="width: 12em; max-width: 40%; vertical-align: middle"></progress>'
            self._display({"text/plain": words, "text/html": f"<div>{bar} {html.escape(words)}</div>"})

    def _display(self, shown: dict[str, str]) -> None:
        from IPython.display import display

        if self.handle is None:
            self.handle = display(shown, raw=True, display_id=True)
        else:
            self.handle.update(shown, raw=True)

    def __enter__(self) -> Line:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.over.set()
        self.thread.join()
        if self.handle is not None:
            self._display({"text/plain": "", "text/html": ""})


@contextmanager
def watched(given: Progress | None, pace: Pace | None = None) -> Iterator[Progress]:
    """The progress that was given; else a line in a Jupyter kernel, and nothing anywhere else."""
    if given is not None or not in_kernel():
        yield given or Silent()
        return
    with Line(pace) as line:
        yield line


def in_kernel() -> bool:
    """Whether this is the kernel of a notebook, which can draw an output again (a terminal's IPython cannot)."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
