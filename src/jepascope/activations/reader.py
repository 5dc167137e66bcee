"""Reading a capture back clip by clip: only the shards and the layer that are asked for, so that memory is that of the answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor

from jepascope.activations.layout import Layout
from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.activations.store import Store

T = TypeVar("T")

CACHE = 4 << 20  # bytes of one capture that stay in memory: all layers of a few hundred clips of a small encoder


class Reader:
    """The tensors of one capture by clip. ``rows`` are positions in the capture, in any order."""

    def __init__(self, store: Store, layout: Layout) -> None:
        self.store, self.layout = store, layout
        self._recent = Recent(CACHE)

    def pooled(self, layer: int, tokens: str, rows: Int[Tensor, " rows"]) -> Float[Tensor, "rows width"]:
        """``h_layer`` pooled over a selection, float32."""
        return self._kept(f"pooled.{tokens}", layer, rows, self.layout.width, torch.float32)

    def object_mask(self, rows: Int[Tensor, " rows"]) -> Bool[Tensor, "rows tokens"]:
        """Tokens that show the object."""
        return unpacked(self._kept("object_mask", None, rows, -(-self.layout.tokens // 8), torch.uint8), self.layout.tokens)

    def tokens(self, layer: int, rows: Int[Tensor, " rows"], span: slice = slice(None)) -> Float[Tensor, "rows tokens width"]:
        """``h_layer`` of clips at some consecutive token positions, in the encoder's precision; never kept in memory. ``span`` is of
        positions in the clip, which must have been kept (``Layout.span``)."""
        inside = range(self.layout.tokens)[span]
        first = self.layout.span.start
        span = slice(inside.start - first, inside.stop - first)
        parts = [self.store.read(shard, f"tokens.{layer}", some, span=span) for _, shard, some in runs(rows, self.layout.shard_clips)]
        if not parts:
            return torch.empty(0, len(inside), self.layout.width)
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def moments(self, layer: int, tokens: str) -> Moments:
        """Token moments of all clips: those of the shards, merged in their order."""

        def merge() -> Moments:
            fitter, key = MomentsFitter(self.layout.width), f"moments.{layer}.{tokens}"
            for shard in range(self.layout.shards):
                count, mean, covariance = (self.store.read(shard, f"{key}.{name}") for name in ("count", "mean", "covariance"))
                fitter.merge(Moments.unpacked(int(count), mean, covariance))
            return fitter.fit()

        return self._recent.get(("moments", layer, tokens), merge, lambda merged: 8 * merged.covariance.numel())

    def _kept(self, key: str, layer: int | None, rows: Int[Tensor, " rows"], width: int, dtype: torch.dtype) -> Tensor:
        """Rows of what the shards hold under ``key``: of all clips at once, which is then kept, where that is not too much."""

        def read(wanted: Tensor) -> Tensor:
            tensor = torch.empty(len(wanted), width, dtype=dtype)
            for at, shard, inside in runs(wanted, self.layout.shard_clips):
                tensor[at] = self.store.read(shard, key, inside, layer)
            return tensor

        if self.layout.clips * width * dtype.itemsize > self._recent.limit:
            return read(rows)
        return self._recent.get((key, layer), lambda: read(torch.arange(self.layout.clips)), _size)[rows]


def runs(rows: Int[Tensor, " rows"], shard_clips: int) -> Iterator[tuple[slice, int, Tensor]]:
    """Runs of rows that lie in one shard: where they go, the shard, and where they lie in it."""
    if not len(rows):
        return
    shards = rows // shard_clips
    starts = [0, *(torch.nonzero(shards.diff()).flatten() + 1).tolist()]
    for start, stop in zip(starts, [*starts[1:], len(rows)], strict=True):
        yield slice(start, stop), int(shards[start]), rows[start:stop] % shard_clips


def packed(mask: Bool[Tensor, "clips tokens"]) -> UInt8[Tensor, "clips bytes"]:
    """Eight tokens a byte, the first in the lowest bit; what is left of the last byte is 0."""
    return torch.from_numpy(np.packbits(mask.numpy(), axis=1, bitorder="little"))


def unpacked(bits: UInt8[Tensor, "clips bytes"], tokens: int) -> Bool[Tensor, "clips tokens"]:
    """The mask that ``packed`` made bits of."""
    return torch.from_numpy(np.unpackbits(bits.numpy(), axis=1, count=tokens, bitorder="little")).bool()


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


class Recent:
    """What was asked for last, up to a number of bytes; the last of all stays whatever its size."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """What is kept under ``key``, or made now."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key][0]  # type: ignore[no-any-return]
        value = make()
        self._kept[key] = value, size(value)
        while len(self._kept) > 1 and sum(bytes_ for _, bytes_ in self._kept.values()) > self.limit:
            self._kept.popitem(last=False)
        return value
