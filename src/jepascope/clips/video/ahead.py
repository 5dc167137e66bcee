"""Decoding one batch ahead: the next clips are read in a thread while the encoder is busy with these."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

from torch import Tensor

Read = Callable[[slice], Tensor]


class Ahead:
    """Reads slices of clips, and after each the following one of the same length, up to ``stop``, in the background.

    What was read ahead is used when it is asked for, and dropped when another slice is. At most two slices are held.
    """

    def __init__(self, read: Read, stop: int) -> None:
        self.read, self.stop = read, stop
        self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode ahead")
        self.next: tuple[slice, Future[Tensor]] | None = None

    def __call__(self, rows: slice) -> Tensor:
        """The clips of a slice. Errors of reading are raised here, where the slice is asked for."""
        if self.next is not None and self.next[0] == rows:
            video = self.next[1].result()
        else:
            if self.next is not None:
                self.next[1].cancel()
            video = self.read(rows)
        following = slice(rows.stop, min(rows.stop + (rows.stop - rows.start), self.stop))
        self.next = (following, self.pool.submit(self.read, following)) if following.start < self.stop else None
        return video

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.pool.shutdown(wait=True, cancel_futures=True)


def read_ahead(read: Read, total: int, size: int) -> Iterator[tuple[slice, Tensor]]:
    """Consecutive slices of at most ``size`` clips and their pixels, each read while the one before is used."""
    with Ahead(read, total) as ahead:
        for start in range(0, total, size):
            rows = slice(start, min(start + size, total))
            yield rows, ahead(rows)
