"""Ahead: what the next batch needs is made in the background while this one is worked on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """``make(part)`` of consecutive slices of ``total`` items, each begun while the one before is in use.

    One thread makes them, one after another, so that ``make`` never runs twice at once; at most two are held. What it raises is
    raised by ``get``. Where ``on`` is False, and where there is one slice only, there is no thread. Results do not depend on it.
    """

    def __init__(self, make: Callable[[slice], T], total: int, on: bool) -> None:
        self.make, self.total, self.on = make, total, on
        self._thread: ThreadPoolExecutor | None = None
        self._next: tuple[slice, Future[T]] | None = None

    def __enter__(self) -> Ahead[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._thread is not None:
            # after Ctrl-C nobody waits for a batch that nobody will use
            self._thread.shutdown(wait=kind is None, cancel_futures=True)

    def get(self, part: slice) -> T:
        """``make(part)``; the slice of the same length after it is begun."""
        following = slice(part.stop, min(2 * part.stop - part.start, self.total))
        if not self.on or (self._thread is None and following.start == self.total):
            return self.make(part)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, "jepascope-ahead")
        begun, self._next = self._next, None
        # another slice was begun where this one ran out of memory and comes again, shorter: what was begun is dropped
        value = (begun[1] if begun is not None and begun[0] == part else self._thread.submit(self.make, part)).result()
        if following.start < self.total:
            self._next = following, self._thread.submit(self.make, following)
        return value
