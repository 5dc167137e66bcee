"""Around: an encoder that runs another one, and lies where that lies."""

from __future__ import annotations

from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.base import VideoEncoder

Own = TypeVar("Own", bound="Around")


class Around(VideoEncoder):
    """``inner`` is what is run: its final norm, device and precision, whether it is compiled, how exactly it equals its own reference."""

    inner: VideoEncoder

    @property
    def theirs(self) -> str:  # type: ignore[override]
        return self.inner.theirs

    @property
    def rounding(self) -> float:  # type: ignore[override]
        return self.inner.rounding

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.inner.norm(hidden)

    def to(self: Own, device: str | torch.device, dtype: torch.dtype | None = None) -> Own:
        self.inner.to(device, dtype)
        return self

    def compile(self: Own) -> Own:
        self.inner.compile()
        return self

    @property
    def compiled(self) -> bool:
        return self.inner.compiled

    @property
    def device(self) -> torch.device:
        return self.inner.device

    @property
    def dtype(self) -> torch.dtype:
        return self.inner.dtype
