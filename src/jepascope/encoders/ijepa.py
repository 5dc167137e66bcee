"""I-JEPA (transformers' IJepaModel), frame by frame: patches alone, without a class token."""

from __future__ import annotations

from typing import Any

from jaxtyping import Float
from torch import Tensor
from transformers import IJepaModel

from jepascope.encoders.library import FrameEncoder


class IJepaEncoder(FrameEncoder):
    """Pixels are normalised as Meta trained it (ImageNet's mean and standard deviation), not by ViTImageProcessor's default."""

    kind = IJepaModel

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "images seen width"]:
        return self.model.embeddings(pixels.flatten(0, 1), interpolate_pos_encoding=True)  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "clips frames 3 rows columns"], **asked: Any) -> Any:
        return super().forward(pixels, interpolate_pos_encoding=True, **asked)
