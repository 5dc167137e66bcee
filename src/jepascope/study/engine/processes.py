"""The local engine: passes go to as many processes as there are cores, this one among them, each with one thread and the same model.

Threads of one process wait for each other more than they compute where matrices are small, and spin while a neighbour has their core;
processes do not, and give the same digits however many there are.
"""

from __future__ import annotations

import gc
import logging
import os
import pickle
import signal
import threading
import time
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeVar

from jepascope.encoders.base import Task, VideoEncoder
from jepascope.study.engine.worker import Open, View, Worker

R = TypeVar("R")

log = logging.getLogger(__name__)

AHEAD = 3  # tasks that lie ready at a worker while this process computes one itself
KEPT = 8  # results a worker that wait for their turn, at most
IDLE = 120  # seconds after which a worker without work goes
SETTINGS = {  # of a worker: one thread, and memory that grows with a larger batch is no leak
    **{name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")},
    "LOKY_MAX_MEMORY_LEAK_SIZE": "1e18",
}
DEATHS = 3  # of workers, after which this process goes on alone


@dataclass
class Pending:
    """A task in its place in the order: at a worker (``result`` is there or to come), or done here."""

    shared: Any
    own: Task
    result: Future[Any]


class Processes:
    """Worker processes on this machine, begun when there is work for them. ``others``: how many, besides this one."""

    near = True

    def __init__(self, load: Open, others: int) -> None:
        import cloudpickle

        self.load, self.others, self.deaths = cloudpickle.dumps(load), others, 0
        self._pool: Any = None
        self._begun: Future[Any] = Future()

    def describe(self) -> dict[str, Any]:
        """Provenance: what else computed."""
        return {"engine": "local", "processes": 1 + self.others}

    def map(self, here: VideoEncoder, view: View, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        """Results in the order of the tasks. This process takes a task itself whenever the next result is not there yet.

        While the workers begin it works alone, and what one had that died is computed here: results do not depend on who computed them.
        """
        left, order = iter(tasks), deque[Pending]()
        shared: tuple[Any, str, bytes] = (None, "", b"")
        more = True
        try:
            while True:
                while more and self._ready() and len(order) < KEPT * self.others and _undone(order) < AHEAD * self.others:
                    task = next(left, None)
                    if task is None:
                        more = False
                        break
                    if shared[0] is not task[0] or not shared[1]:
                        shared = task[0], uuid.uuid4().hex, _dumped(task[0])
                    order.append(Pending(*task, self._submit(_run, self.load, view, work, shared[1], shared[2], task[1])))
                if more and not (order and order[0].result.done()) and len(order) <= KEPT * self.others:
                    task = next(left, None)
                    more = task is not None
                    if task is not None:
                        order.append(Pending(*task, _computed(work, here, task)))
                elif not order:
                    return
                elif order[0].result.done():
                    yield self._result(here, work, order.popleft())
                elif (mine := _last_unbegun(order)) is not None:
                    mine.result = _computed(work, here, (mine.shared, mine.own))
                else:
                    with suppress(Exception):
                        order[0].result.exception()  # waits
        finally:
            for each in order:
                each.result.cancel()

    def close(self) -> None:
        """Let the workers go."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, kill_workers=True)
            self._pool = None

    def _ready(self) -> bool:
        """Whether a worker has its model; the first call begins them."""
        from loky import ProcessPoolExecutor

        if self._pool is None and self.others:
            self._pool = ProcessPoolExecutor(
                self.others,
                timeout=IDLE,
                initializer=_begin,
                initargs=(os.getpid(),),
                env=SETTINGS,
            )
            weakref.finalize(self, self._pool.shutdown, wait=False, kill_workers=True)  # a script may open many and close none
            self._begun = self._submit(_load, self.load)
        return self._begun.done() and self.others > 0

    def _submit(self, work: Callable[..., Any], *given: Any) -> Future[Any]:
        try:
            submitted: Future[Any] = self._pool.submit(work, *given)
        except RuntimeError as error:  # the workers died, or were let go
            submitted = Future()
            submitted.set_exception(BrokenProcessPool(str(error)))
        return submitted

    def _result(self, here: VideoEncoder, work: Callable[..., R], of: Pending) -> R:
        try:
            result: R = of.result.result()
        except BrokenProcessPool:
            if self._pool is not None:
                log.warning("A worker process died (out of memory?); what it had is computed again.")
                self.close()
                self.deaths += 1
                self.others = self.others if self.deaths < DEATHS else 0
            return work(here, of.shared, *of.own)
        return result


def _last_unbegun(order: deque[Pending]) -> Pending | None:
    """The last task that no worker has begun, taken back from it."""
    return next((each for each in reversed(order) if each.result.cancel()), None)


def _undone(order: deque[Pending]) -> int:
    return sum(not each.result.done() for each in order)


def _computed(work: Callable[..., Any], here: VideoEncoder, task: tuple[Any, Task]) -> Future[Any]:
    """A task that this process does now; what it raises is raised when its turn comes."""
    result: Future[Any] = Future()
    try:
        result.set_result(work(here, task[0], *task[1]))
    except Exception as error:
        result.set_exception(error)
    return result


def _dumped(value: Any) -> bytes:
    import cloudpickle

    contents: bytes = cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return contents


# in a worker


def _begin(parent: int) -> None:
    """Ctrl-C is the leader's, and a worker whose leader is gone goes too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


@lru_cache(maxsize=1)
def _worker(load: bytes) -> Worker:
    worker = Worker(pickle.loads(load), threads=1)
    gc.freeze()  # loky collects garbage every second: libraries and model need not be looked through
    return worker


def _load(load: bytes) -> None:
    _worker(load)


def _run(load: bytes, view: View, work: Callable[..., Any], key: str, shared: bytes, own: Task) -> Any:
    return _worker(load).run(view, work, key, partial(pickle.loads, shared), own)
