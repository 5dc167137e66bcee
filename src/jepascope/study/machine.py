"""Machine: where and in which precision a study computes. It is no part of the study: the same spec runs on any machine."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from jepascope.errors import BadArgument

if TYPE_CHECKING:
    from jepascope.encoders.base import VideoEncoder

log = logging.getLogger(__name__)

BYTES = {"float32": 4, "bfloat16": 2}
"""Precisions of weights, blocks and stored tokens, with the bytes of a number. All else is float32 at least, whatever is chosen."""

ENGINES = ("local", "ray")


@dataclass(frozen=True)
class Machine:
    """``device`` as torch names it; ``dtype`` one of BYTES; ``compiled``: blocks go through torch.compile.

    ``engine``: one of ENGINES. "local": on a CPU passes go to ``workers`` processes, one a core unless told otherwise or memory is short.
    "ray": to ``workers`` (one for each GPU unless told otherwise) of the cluster at ``address`` (none: one is started on this machine; see
    docs/beyond-one-machine.md).
    """

    device: str = "cpu"
    dtype: str = "float32"
    compiled: bool = False
    engine: str = "local"
    address: str | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise BadArgument(f"There is no engine '{self.engine}'; --engine is {' or '.join(ENGINES)}.")
        if self.engine == "local" and self.address is not None:
            raise BadArgument("--address is of a Ray cluster; give --engine ray with it.")
        if self.engine == "local" and (self.workers or 1) > 1 and self.device != "cpu":
            raise BadArgument(
                f"--workers {self.workers}: on {self.device} one process computes; leave --workers and JEPASCOPE_WORKERS out."
            )
        if self.dtype not in BYTES:
            raise BadArgument(f"There is no precision '{self.dtype}'; --dtype is {' or '.join(BYTES)}.")


def open_encoder(machine: Machine, model: str, frames: int | None = None, size: int | None = None) -> VideoEncoder:
    """The encoder of a study, loaded and tested for this machine (see ``load_encoder`` for names and errors).

    With the Ray engine a second copy of it stays in this process, which leads: on its CPU, with a warning, where it has no such device.
    """
    from jepascope.encoders.at_hand import find

    find(model)  # before anything slow: a model that is not here is said at once
    if machine.engine == "local":
        return _local(machine, model, frames, size)
    import torch

    from jepascope.study.engine.encoder import SpreadEncoder
    from jepascope.study.engine.ray_engine import Cluster, require_ray

    require_ray(machine.address)
    at_home = machine
    if machine.device.startswith("cuda") and not torch.cuda.is_available():
        log.warning("This machine has no GPU: what it computes itself (all but captures and edits) runs on its CPU.")
        at_home = replace(machine, device="cpu")
    if at_home.device == "cpu":  # as the local engine has it: what is fitted here has the same digits
        one_thread()
    local = _loaded(at_home, model, frames, size)
    there = replace(machine, device="cuda" if machine.device.startswith("cuda") else machine.device)
    cluster = Cluster(partial(_loaded, there, model), machine.device, machine.address, machine.workers)
    return SpreadEncoder(local, cluster)


@contextmanager
def opened_encoder(machine: Machine, model: str, frames: int | None = None, size: int | None = None) -> Iterator[VideoEncoder]:
    """The encoder of a study for as long as a command runs; what an engine began for it goes with it."""
    encoder = open_encoder(machine, model, frames, size)
    try:
        yield encoder
    finally:
        encoder.close()


def _local(machine: Machine, model: str, frames: int | None, size: int | None) -> VideoEncoder:
    """On a CPU: one thread a process, so that the digits are the same on any number of cores."""
    if machine.device != "cpu":
        return _loaded(machine, model, frames, size)
    one_thread()
    encoder = _loaded(machine, model, frames, size)
    others = (1 if machine.compiled else machine.workers or processes(encoder)) - 1
    if not others:
        return encoder
    from jepascope.study.engine.encoder import SpreadEncoder
    from jepascope.study.engine.processes import Processes

    return SpreadEncoder(encoder, Processes(partial(_loaded, machine, model), others))


def one_thread() -> None:
    """From here on torch and what NumPy computes with have one thread in this process."""
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1)


def processes(encoder: VideoEncoder) -> int:
    """As many as there are cores and as memory has room for, each with its own weights."""
    from jepascope.study.geometry import block_parameters
    from jepascope.study.memory import Load

    card = encoder.card
    return Load(block_parameters(card.depth, card.width) * BYTES["float32"], card.hidden_bytes, card.pixels).processes


def _loaded(machine: Machine, model: str, frames: int | None = None, size: int | None = None) -> VideoEncoder:
    """Products and convolutions of float32 are computed in float32: torch lets convolutions on a GPU round to TF32 if nothing is said."""
    import torch

    from jepascope.encoders.load import load_encoder

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    return load_encoder(model, machine.device, getattr(torch, machine.dtype), frames, size, machine.compiled)
