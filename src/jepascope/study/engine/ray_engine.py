"""The Ray engine: an encoder whose tasks run on the workers of a Ray cluster, one model per device.

The list of tasks is the local engine's (``VideoEncoder.map``), and results are taken in its order, so that the tables are the same.
Scheduling, transport and retries are Ray's: a worker that dies is started again, on any machine that has room, and what it was working
on is run again. The process that leads is the only one that writes to the run folder, so that workers need no shared disk: only
jepascope itself, and the checkpoint under the same name or path.
"""

from __future__ import annotations

import logging
import os
import socket
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jepascope.encoders.base import Task, VideoEncoder
from jepascope.errors import BadArgument, JepascopeError, first_line, missing_extra
from jepascope.study.engine.worker import Open, View, Worker

R = TypeVar("R")

AHEAD = 2  # tasks that lie ready at a worker, so that it never waits for the next
CLUSTERS = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
TOKEN = Path("~/.ray/auth_token")  # where Ray looks for it
START_SECONDS = 600.0  # until every worker holds its model; a cluster that is full has no room for longer
RESTARTS = 5  # of one worker before the study gives up; what is finished stays, and the same command goes on


class Cluster:
    """Workers of one Ray cluster that all hold the same model."""

    near = False  # they may be on other machines

    def __init__(self, load: Open, device: str, address: str | None = None, workers: int | None = None) -> None:
        ray = require_ray(address)
        self._owned = not ray.is_initialized()
        if self._owned:
            _connect(ray, address)
        self.workers: list[Any] = []
        try:
            share = share_of([node["Resources"] for node in ray.nodes() if node["Alive"]], device, workers)
            self.threads = share.threads
            actor = ray.remote(Worker).options(
                max_restarts=RESTARTS,
                max_task_retries=RESTARTS,
                scheduling_strategy="SPREAD",
                num_cpus=share.threads,
                num_gpus=1 if share.gpu else 0,
            )
            self.workers = [actor.remote(load, share.threads) for _ in range(share.workers)]
            self.places = ray.get([worker.place.remote() for worker in self.workers], timeout=START_SECONDS)
        except ray.exceptions.RayError as error:
            self.close()
            raise _plain(ray, error) from None
        except BaseException:
            self.close()
            raise

    def map(self, here: VideoEncoder, view: View, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        """Results in the order of the tasks, none of which is for the encoder ``here``.

        At most ``AHEAD`` of them lie at a worker, and as many results wait for their turn.
        """
        ray = require_ray()
        left = iter(tasks)
        order: deque[Any] = deque()
        at: dict[Any, int] = {}
        load = [0] * len(self.workers)
        shared: tuple[Any, str, Any] = (None, "", None)
        more = True
        try:
            while True:
                while more and len(order) < AHEAD * len(self.workers) * 2 and min(load) < AHEAD:
                    try:
                        common, own = next(left)
                    except StopIteration:
                        more = False
                        break
                    if shared[0] is not common or not shared[1]:
                        shared = (common, uuid.uuid4().hex, ray.put(common))
                    worker = load.index(min(load))
                    ref = self.workers[worker].run.remote(view, work, shared[1], partial(ray.get, shared[2]), own)
                    load[worker] += 1
                    at[ref] = worker
                    order.append(ref)
                if not order:
                    return
                if order[0] not in at:  # its result is there
                    yield ray.get(order.popleft())
                    continue
                done, _ = ray.wait(list(at), num_returns=1)
                for ref in done:
                    load[at.pop(ref)] -= 1
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise _plain(ray, error) from None

    def describe(self) -> dict[str, Any]:
        """Provenance: where else passes ran."""
        from importlib.metadata import version

        workers = [f"{place.machine} {place.device}" for place in self.places]
        return {"engine": "ray", "ray": version("ray"), "workers": workers, "worker_threads": self.threads}

    def close(self) -> None:
        """Let the workers go, and the cluster where it was started here."""
        ray = require_ray()
        for worker in getattr(self, "workers", ()):
            ray.kill(worker, no_restart=True)
        if self._owned:
            ray.shutdown()


@dataclass(frozen=True)
class Share:
    """How many workers there are, how many threads each of them has, and whether it has a GPU."""

    workers: int
    threads: int
    gpu: bool


def share_of(machines: Sequence[Mapping[str, float]], device: str, workers: int | None) -> Share:
    """One worker for each GPU, or for each machine where GPUs are not asked for; or as many as are wanted.

    ``machines``: what Ray says that each has ("CPU", "GPU"). Every machine takes its part of the workers, and they share its processors.
    """
    gpu = device.startswith("cuda")
    devices = sum(int(machine.get("GPU", 0)) for machine in machines) if gpu else len(machines)
    if not devices:
        raise BadArgument("The Ray cluster has no GPU; use --device cpu, or start its machines with --num-gpus.")
    if gpu and workers is not None and workers > devices:
        raise BadArgument(f"--workers {workers}: the Ray cluster has {devices} GPU{'s' if devices > 1 else ''}, and each holds one model.")
    count = devices if workers is None else workers
    processors = min(int(machine.get("CPU", 0)) for machine in machines)
    threads = processors // -(-count // len(machines))
    if not threads:
        raise BadArgument(
            f"--workers {count}: the machines of the Ray cluster have {processors} processor{'s' if processors != 1 else ''} or more, "
            "and each worker needs one; ask for fewer."
        )
    return Share(count, threads, gpu)


def require_ray(address: str | None = None) -> Any:
    """The library, or the command that installs it.

    Recent releases ask for a token by default, but a client at ``ray://`` sends the one that it has only where RAY_AUTH_MODE says so,
    which is read when the library is first imported.
    """
    has_token = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")) or TOKEN.expanduser().exists()
    if address is not None and address.startswith("ray://") and has_token:
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise missing_extra("Ray", "ray") from None
    return ray


def _connect(ray: Any, address: str | None) -> None:
    quiet = {"logging_level": logging.ERROR, "log_to_driver": False}
    if address is not None:
        check_address(address)
    try:
        if address is None:
            with _loopback():
                ray.init(address="local", include_dashboard=False, _node_ip_address="127.0.0.1", **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        raise _unanswered(address, first_line(error)) from None


@contextmanager
def _loopback() -> Iterator[None]:
    """What Ray starts in the body listens on 127.0.0.1 alone. On Linux it takes this machine's own address in place of 127.0.0.1, and
    listens on every interface, unless it believes that there are no clusters (CLUSTERS, which it reads at its import).
    """
    from ray._private import ray_constants

    before, said = ray_constants.ENABLE_RAY_CLUSTER, os.environ.get(CLUSTERS)
    ray_constants.ENABLE_RAY_CLUSTER, os.environ[CLUSTERS] = False, "0"  # the second for what is started
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before
        os.environ.pop(CLUSTERS)
        if said is not None:
            os.environ[CLUSTERS] = said


def check_address(address: str, seconds: float = 5.0) -> None:
    """Refuse an address that is none, or where nobody listens: Ray itself would try for minutes."""
    if address == "auto":
        return
    parts = urlsplit(address if "://" in address else f"//{address}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("", "ray") or not parts.hostname or port is None:
        raise BadArgument(f"--address {address}: give auto (a cluster that this machine is part of), ray://HOST:10001, or HOST:PORT.")
    try:
        with socket.create_connection((parts.hostname, port), timeout=seconds):
            pass
    except OSError as error:
        raise _unanswered(address, str(error)) from None


def _unanswered(address: str | None, why: str) -> JepascopeError:
    where = "on this machine" if address is None else f"at '{address}'"
    return JepascopeError(
        f"No Ray cluster answers {where} ({why[:160]}). Start one with `ray start --head`, and give --address auto there or "
        "ray://HOST:10001 from elsewhere (with the head's ~/.ray/auth_token in the same place); without --address one is started here."
    )


def _plain(ray: Any, error: BaseException) -> JepascopeError:
    """What a worker raised, as it raised it; what Ray says, in our words."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, JepascopeError):
        return cause
    if isinstance(error, ray.exceptions.GetTimeoutError):
        return JepascopeError(
            "The Ray cluster had no room for the workers within ten minutes; free some of it, or ask for fewer with --workers."
        )
    return JepascopeError(
        f"A worker of the Ray cluster failed for good: {first_line(cause or error)[:300]}. What is finished is kept; run again to go on."
    )
