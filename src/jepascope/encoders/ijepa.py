"""I-JEPA (transformers' IJepaModel), frame by frame: patches alone, without a class token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor
from transformers import IJepaModel

from jepascope.encoders.library import FrameEncoder
from jepascope.encoders.pixels import HALF, Pixels


class IJepaEncoder(FrameEncoder):
    """Pixels are normalised as Meta trained it: ImageNet's mean and standard deviation (facebookresearch/ijepa, src/transforms.py).

    The files beside Meta's checkpoints on the hub hold the default of the image processor that they were converted with, 0.5 and 0.5:
    there they are not followed.
    """

    kind = IJepaModel
    mistaken: ClassVar[Mapping[str, Pixels]] = {"IJepaModel": HALF}

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "images seen width"]:
        return self.model.embeddings(pixels.flatten(0, 1), interpolate_pos_encoding=True)  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "clips frames 3 rows columns"], **asked: Any) -> Any:
        return super().forward(pixels, interpolate_pos_encoding=True, **asked)
