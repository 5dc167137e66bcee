"""I-JEPA (transformers' IJepaModel), frame by frame: patches alone, without a class token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor
from transformers import IJepaModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pixels import HALF, Pixels

DECLARED = EncoderEntry(
    name="ijepa",
    meaning="I-JEPA",
    order=8,
    run="jepascope.encoders.ijepa:IJepaEncoder",
    fields={"patch": ("patch_size", 16), "inside": ("intermediate_size", 3072)},
    checkpoints=(
        ("facebook/ijepa_vith14_1k", 630_762_240, {"width": 1280, "depth": 32, "patch": 14}),
        ("facebook/ijepa_vith16_1k", 631_668_480, {"width": 1280, "depth": 32, "size": 448}),
        ("facebook/ijepa_vitg16_22k", 1_011_368_576, {"width": 1408, "depth": 40}),
    ),
)


class IJepaEncoder(LibraryEncoder):
    """Pixels are normalised as Meta trained it: ImageNet's mean and standard deviation (facebookresearch/ijepa, src/transforms.py).

    The files beside Meta's checkpoints on the hub hold the default of the image processor that they were converted with, 0.5 and 0.5:
    there they are not followed.
    """

    kind = IJepaModel
    mistaken: ClassVar[Mapping[str, Pixels]] = {"IJepaModel": HALF}

    def embeddings(self, pixels: Float[Tensor, "images 3 rows columns"]) -> Float[Tensor, "images seen width"]:
        return self.model.embeddings(pixels, interpolate_pos_encoding=True)  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "images 3 rows columns"], **asked: Any) -> Any:
        return super().forward(pixels, interpolate_pos_encoding=True, **asked)
