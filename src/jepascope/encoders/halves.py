"""Halves: an encoder whose layers are the residual stream after every part of a block, so that capture sees what each part adds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.base import R, Task, VideoEncoder
from jepascope.encoders.part_names import PARTS
from jepascope.encoders.selftest import parts_test

NAMED = " parts"  # behind the encoder's digest: what such a capture is addressed by


def place_of(layer: int, part: str) -> int:
    """Where among the halves the residual stream lies after a part of block ``layer``, or after the block ("residual")."""
    return len(PARTS) * layer - (len(PARTS) - 1 - PARTS.index(part) if part in PARTS else 0)


def part_of(place: int) -> tuple[int, str]:
    """The block and the part behind which a place lies."""
    return -(-place // len(PARTS)), PARTS[(place - 1) % len(PARTS)]


def around(layer: int) -> range:
    """The places before, between and after the parts of a block: what is needed to tell what each of them adds."""
    return range(place_of(layer, PARTS[0]) - 1, place_of(layer, PARTS[-1]) + 1)


class Halves(VideoEncoder):
    """Layer ``2 l`` is ``h_l``; layer ``2 l - 1`` lies between attention and feed-forward of block ``l``. It is captured, and nothing
    else."""

    by_parts = True

    def __init__(self, whole: VideoEncoder) -> None:
        self.whole, card = whole, whole.card
        self.card = replace(card, depth=len(PARTS) * card.depth, digest=f"{card.digest}{NAMED}")

    @classmethod
    def of(cls, whole: VideoEncoder) -> Halves:
        """The same, of an encoder whose parts were tested; BadArgument where it does not say what they add, BadCheckpoint where they are
        not that."""
        parts_test(whole)
        return cls(whole)

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self.whole.embed(video)

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        layer, part = part_of(index)
        return (self.whole.attended if part == PARTS[0] else self.whole.fed)(layer, hidden)

    def through(self, hidden: Float[Tensor, "clips tokens width"]) -> Iterator[Float[Tensor, "clips tokens width"]]:
        """Both places of a block from what the encoder can tell of it in one pass."""
        yield hidden
        for layer in range(1, self.whole.card.depth + 1):
            *halves, hidden = self.whole.halved(layer, hidden)
            yield halves.pop()  # kept by whoever needs it, and not while the next block runs
            yield hidden

    def run(self, hidden: Float[Tensor, "clips tokens width"], start: int, stop: int | None = None) -> Float[Tensor, "clips tokens width"]:
        """Whole blocks as blocks: a half by itself costs as much."""
        stop = self.card.depth if stop is None else stop
        if start < stop and start % len(PARTS):
            hidden, start = self.block(start + 1, hidden), start + 1
        layers = start // len(PARTS), stop // len(PARTS)
        if start < stop:
            hidden = self.whole.run(hidden, *layers)
        return self.block(stop, hidden) if start < stop and stop % len(PARTS) else hidden

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.whole.norm(hidden)

    def untrained(self, seed: int) -> VideoEncoder:
        return Halves(self.whole.untrained(seed))

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VideoEncoder:
        return Halves(self.whole.to(device, dtype))

    @property
    def device(self) -> torch.device:
        return self.whole.device

    @property
    def dtype(self) -> torch.dtype:
        return self.whole.dtype

    def map(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        return self.whole.map(OnHalves(work), tasks)


@dataclass(frozen=True)
class OnHalves:
    """Work for the halves of whatever encoder it is handed."""

    work: Callable[..., Any]

    def __call__(self, encoder: VideoEncoder, shared: Any, *own: Any) -> Any:
        return self.work(Halves(encoder), shared, *own)
