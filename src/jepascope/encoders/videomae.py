"""VideoMAE (transformers' VideoMAEModel): tubelets in (time, row, column) order, fixed positions, no class token."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from transformers import VideoMAEModel

from jepascope.encoders.library import LibraryEncoder


class VideoMAEEncoder(LibraryEncoder):
    """The encoder alone: a pre-training checkpoint's decoder and a classifier are not read."""

    kind = VideoMAEModel
    idle = ("attention.attention.key.bias",)  # of transformers 5.0 to 5.17: it adds the same to a query's score with every key

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.embeddings(pixels, None)  # type: ignore[no-any-return]
