"""The encoder of a study that an engine runs: what is asked of it one by one is done here, and lists of tasks go to the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch

from jepascope.encoders.base import Task, VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.engine.worker import View

R = TypeVar("R")


@runtime_checkable
class Engine(Protocol):
    """Workers that hold the same model as the encoder of this process; ``near``: all on this machine, so that they read its files and
    compute the same digits whatever they compute."""

    near: bool

    def map(self, here: VideoEncoder, view: View, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        """See ``VideoEncoder.map``; ``here`` is the encoder of this process, as ``view`` describes it."""

    def describe(self) -> dict[str, Any]:
        """Provenance: what computes."""

    def close(self) -> None: ...


def _here(method: str) -> Any:
    """A method of the encoder in this process."""

    def call(self: SpreadEncoder, *given: Any) -> Any:
        return getattr(self.local, method)(*given)

    return call


def _fact(name: str) -> Any:
    """What the encoder in this process says of itself."""
    return property(attrgetter(f"local.{name}"))


class SpreadEncoder(VideoEncoder):
    """``local`` in this process, beside an engine whose workers hold the same model; ``view`` says in which form."""

    card, device, dtype, compiled, head_labels = map(_fact, ("card", "device", "dtype", "compiled", "head_labels"))
    context_layers = _fact("context_layers")
    embed, block, norm, no_twin, describe = map(_here, ("embed", "block", "norm", "no_twin", "describe"))
    attended, fed, halved = map(_here, ("attended", "fed", "halved"))
    context, forecast, forecast_space = map(_here, ("context", "forecast", "forecast_space"))
    rollout, head_logits = map(_here, ("rollout", "head_logits"))

    def __init__(self, local: VideoEncoder, engine: Engine, view: View | None = None) -> None:
        card = local.card
        self.local, self.engine = local, engine
        self.view = view or View(card.digest, card.frames, card.size)

    def map(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        return self.engine.map(self.local, self.view, work, tasks)

    def fits(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        return self.map(work, tasks) if self.engine.near else self.local.fits(work, tasks)

    def close(self) -> None:
        self.engine.close()

    def at(self, frames: int, size: int) -> VideoEncoder:
        return SpreadEncoder(self.local.at(frames, size), self.engine, replace(self.view, frames=frames, size=size))

    def untrained(self, seed: int) -> VideoEncoder:
        if self.view.seed is not None:
            raise BadArgument("An untrained twin has no twins of its own; ask the trained encoder.")
        twin = self.local.untrained(seed)
        return SpreadEncoder(twin, self.engine, replace(self.view, digest=twin.card.digest, seed=seed))

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VideoEncoder:
        raise BadArgument("Workers of an engine stay where they are; open the encoder again for another device.")
