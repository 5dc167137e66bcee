"""Progress: what a step reports while it works; the command line draws bars from it, tests and notebooks ignore it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from jepascope.clips.video.enough import Unwatched

Tick = Callable[[int, int], None]


@runtime_checkable
class Progress(Protocol):
    """``start`` names a piece of work and returns what it reports (done, total) to."""

    def start(self, what: str) -> Tick: ...
    def say(self, line: str) -> None: ...


class Silent(Unwatched):
    """Reports nothing."""

    def say(self, line: str) -> None:
        pass
