"""VideoMAE (transformers' VideoMAEModel): tubelets in (time, row, column) order, fixed positions, no class token."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from transformers import VideoMAEModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder

DECLARED = EncoderEntry(
    name="videomae",
    meaning="VideoMAE",
    order=2,
    run="jepascope.encoders.videomae:VideoMAEEncoder",
    fields={
        "patch": ("patch_size", 16),
        "inside": ("intermediate_size", 3072),
        "frames": ("num_frames", 16),
        "tubelet": ("tubelet_size", 2),
    },
    fixed=True,
    most_positions=33_554_432,  # its largest encoder has 2 million
    checkpoints=(
        ("MCG-NJU/videomae-base", 86_227_200, {}),
        ("MCG-NJU/videomae-large", 303_860_736, {"width": 1024, "depth": 24}),
    ),
)


class VideoMAEEncoder(LibraryEncoder):
    """The encoder alone: a pre-training checkpoint's decoder and a classifier are not read."""

    kind = VideoMAEModel
    idle = ("attention.attention.key.bias",)  # of transformers 5.0 to 5.17: it adds the same to a query's score with every key

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.embeddings(pixels, None)  # type: ignore[no-any-return]
