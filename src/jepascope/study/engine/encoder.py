"""The encoder of a study that an engine runs: what is asked of it one by one is done here, and lists of tasks go to the workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.encoders.base import EncoderCard, Task, VideoEncoder
from jepascope.errors import BadArgument
from jepascope.study.engine.ray_engine import Cluster
from jepascope.study.engine.worker import View

R = TypeVar("R")


class SpreadEncoder(VideoEncoder):
    """``local`` in this process, beside a cluster whose workers hold the same model; ``view`` says in which form."""

    def __init__(self, local: VideoEncoder, cluster: Cluster, view: View | None = None) -> None:
        card = local.card
        self.local, self.cluster = local, cluster
        self.view = view or View(card.digest, card.frames, card.size)

    @property
    def card(self) -> EncoderCard:  # type: ignore[override]
        return self.local.card

    def map(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        return self.cluster.map(self.view, work, tasks)

    def at(self, frames: int, size: int) -> VideoEncoder:
        return SpreadEncoder(self.local.at(frames, size), self.cluster, replace(self.view, frames=frames, size=size))

    def no_twin(self) -> str:
        return self.local.no_twin()

    def untrained(self, seed: int) -> VideoEncoder:
        if self.view.seed is not None:
            raise BadArgument("An untrained twin has no twins of its own; ask the trained encoder.")
        twin = self.local.untrained(seed)
        return SpreadEncoder(twin, self.cluster, replace(self.view, digest=twin.card.digest, seed=seed))

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VideoEncoder:
        raise BadArgument("Workers of a cluster stay where they are; open the encoder again for another device.")

    @property
    def device(self) -> torch.device:
        return self.local.device

    @property
    def dtype(self) -> torch.dtype:
        return self.local.dtype

    @property
    def compiled(self) -> bool:
        return self.local.compiled

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self.local.embed(video)

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.local.block(index, hidden)

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.local.norm(hidden)

    def forecast(
        self,
        context: Float[Tensor, "clips context width"],
        context_ids: Int[Tensor, "clips context"],
        target_ids: Int[Tensor, "clips targets"],
    ) -> Float[Tensor, "clips targets width"]:
        return self.local.forecast(context, context_ids, target_ids)

    def forecast_space(self, latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.local.forecast_space(latents)

    def head_logits(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips labels"]:
        return self.local.head_logits(hidden)

    @property
    def head_labels(self) -> tuple[str, ...]:
        return self.local.head_labels

    def describe(self) -> dict[str, Any]:
        return self.local.describe()
