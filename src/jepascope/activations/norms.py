"""The scales of norms held: an edit behind a LayerNorm changes nothing but what it changes, and turns nothing up or down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from jepascope.errors import BadData

EPS = 1e-5  # torch's own, where a call names none
OTHERWISE = "The norms of this encoder cannot be held: its blocks do not call them clip by clip, in the same order every time."


class Scales(TorchFunctionMode):
    """Inside ``recorded`` it keeps what every norm divides by, call by call; inside ``held`` the calls divide by what was kept.

    LayerNorm(h) = (h - mean) / scale, and RMSNorm(h) = h / scale: with the scale kept both are linear. Where part of a token is ablated the
    scale falls, and what is left is read louder; by itself that makes two halves look like copies. Every call that goes through torch's
    functions counts, whichever module makes it. Calls must come in the same order, on the clips that were recorded.
    """

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Tensor] = []
        self.clips, self.call = 0, 0
        self._rows: Tensor | None = None

    @contextmanager
    def recorded(self, clips: int) -> Iterator[None]:
        """Keep the scales of one pass of so many clips."""
        self.kept, self.clips, self._rows = [], clips, None
        with self, torch.compiler.set_stance("force_eager"):
            yield

    @contextmanager
    def held(self, rows: Int[Tensor, " rows"]) -> Iterator[None]:
        """Divide by the kept scales; ``rows``: whose each row of the batch is."""
        self._rows, self.call = rows, 0
        with self, torch.compiler.set_stance("force_eager"):
            yield

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if func is F.layer_norm:
            return self._normed(*args, **named)
        if func is F.rms_norm:
            return self._normed(*args, **{**named, "centred": False})
        return func(*args, **named)

    def _normed(
        self,
        hidden: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float | None = EPS,
        centred: bool = True,
    ) -> Tensor:
        over = tuple(range(-len(normalized_shape), 0))
        exact = hidden.float() if hidden.dtype in (torch.float16, torch.bfloat16) else hidden
        away = exact - exact.mean(dim=over, keepdim=True) if centred else exact
        scale = (away.square().mean(dim=over, keepdim=True) + (torch.finfo(exact.dtype).eps if eps is None else eps)).sqrt()
        if self._rows is None:
            self.kept.append(scale)
        else:
            scale = self._of_rows(scale.shape)
        out = (away / scale).to(hidden.dtype)
        out = out if weight is None else out * weight
        return out if bias is None else out + bias

    def _of_rows(self, shape: torch.Size) -> Tensor:
        """What the next call kept, for the rows of this batch."""
        if self.call >= len(self.kept) or len(self.kept[self.call]) % self.clips:
            raise BadData(OTHERWISE)
        kept, self.call = self.kept[self.call], self.call + 1
        assert self._rows is not None
        scale: Tensor = kept.unflatten(0, (self.clips, -1))[self._rows].flatten(0, 1)
        if scale.shape != shape:
            raise BadData(OTHERWISE)
        return scale
