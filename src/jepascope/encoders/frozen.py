"""FrozenModel: what every encoder that is a torch module shares: V-JEPA 2, the other families, and modules that are wrapped."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.compiled import BlockForward, Compiled
from jepascope.encoders.pixels import IMAGENET, Pixels

Own = TypeVar("Own", bound="FrozenModel")


class FrozenModel(VideoEncoder):
    """Weights that are never trained, where and in which precision they are, and how their pixels are normalised."""

    trained: ClassVar[Pixels] = IMAGENET  # how the family's pixels were normalised in training, as published
    centred: ClassVar[bool] = False  # whether its image processor takes 1 off rescaled pixels where its file does not say
    mistaken: ClassVar[Mapping[str, Pixels]] = {}  # what a published checkpoint says against that, by its architecture (``settled``)

    block_forward: BlockForward  # what runs one block; the predictor's run as they are

    def __init__(self, model: nn.Module, extra: dict[str, Any] | None, pixels: Pixels | None) -> None:
        self.model: Any = model.eval().requires_grad_(False)
        self.extra = dict(extra or {})
        self.pixels = pixels or self.trained
        self._mean, self._sd = (torch.tensor(values).view(3, 1, 1) for values in self.pixels.constants)

    @property
    def source(self) -> str:
        """Where weights and the normalisation of pixels were read, for the card; empty for weights from nowhere and usual pixels."""
        return "; ".join(read for read in (str(self.extra.get("source", "")), self.pixels.source) if read)

    @property
    def device(self) -> torch.device:
        return self._weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self._weight.dtype

    @property
    def _weight(self) -> Tensor:
        """The first of its weights, which tells where and in which precision all of them are."""
        return next((weight for weight in self.model.parameters() if weight.is_floating_point()), torch.empty(0))

    def carded(self: Own, **changes: Any) -> Own:
        """The same weights with another card."""
        twin = copy.copy(self)
        twin.card = replace(self.card, **changes)
        return twin

    def to(self: Own, device: str | torch.device, dtype: torch.dtype | None = None) -> Own:
        self.model.to(device=device, dtype=dtype)
        return self

    def compile(self: Own) -> Own:
        """Itself, with its blocks compiled (see ``Compiled``)."""
        if not isinstance(self.block_forward, Compiled):
            self.block_forward = Compiled(self.block_forward)
        return self

    @property
    def compiled(self) -> bool:
        return isinstance(self.block_forward, Compiled) and not self.block_forward.failed

    def preprocess(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips frames 3 rows columns"]:
        """Pixels in [0, 1], normalised as the checkpoint's were in training."""
        return (video - self._mean.to(video)) / self._sd.to(video)
