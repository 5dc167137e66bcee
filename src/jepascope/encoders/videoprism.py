"""VideoPrism (transformers' VideoPrismVisionModel): blocks over each frame's patches, then blocks over each patch's frames."""

from __future__ import annotations

from itertools import chain

from jaxtyping import Float
from torch import Tensor, nn
from transformers import VideoPrismVisionModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.pixels import Pixels

DECLARED = EncoderEntry(
    name="videoprism_vision_model",
    meaning="VideoPrism",
    order=4,  # after TimeSformer
    run="jepascope.encoders.videoprism:VideoPrismEncoder",
    fields={
        "depth": ("num_spatial_layers", 12),
        "depth_in_time": ("num_temporal_layers", 4),
        "tubelet": ("tubelet_size", (1, 18, 18)),
        "inside": ("intermediate_size", 3072),
        "frames": ("num_frames", 16),
        "size": ("image_size", 288),
    },
    fixed=True,
    checkpoints=(
        ("google/videoprism-base-f16r288", 114_365_184, {}),
        ("google/videoprism-large-f8r288", 353_965_056, {"width": 1024, "depth": 24, "frames": 8}),
    ),
)


class VideoPrismEncoder(LibraryEncoder):
    """Layer ``num_spatial_layers`` is the last in which no frame has seen another one's: the norm behind it and the positions in time
    belong to the block that follows, and there to its attention's part. Its pixels go from 0 to 1, as Google trained it.
    """

    kind = VideoPrismVisionModel
    trained = Pixels((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    beside = ("attn_logit_softcapping",)

    @property
    def blocks(self) -> nn.ModuleList:
        return nn.ModuleList(chain(self.model.spatial_layers, self.model.temporal_layers))

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "images patches width"]:
        return self.model.spatial_embeddings(pixels)  # type: ignore[no-any-return]

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.inside(index, self.entered(hidden) if index == len(self.model.spatial_layers) + 1 else hidden)

    def inside(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        own = self.inward(hidden) if index <= len(self.model.spatial_layers) else self.by_patch(hidden)
        return self.outward_of(index, self.block_forward(self.blocks[index - 1], own))

    def outward_of(self, index: int, hidden: Float[Tensor, "inputs seen width"]) -> Float[Tensor, "clips tokens width"]:
        return self.outward(hidden) if index <= len(self.model.spatial_layers) else self.by_time(hidden)

    def entered(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """What the first block over time is given: normed, with positions in time."""
        positions: Tensor = self.model.temporal_embeddings.position_embeddings
        return self.by_time(self.by_patch(self.model.layernorm1(hidden)) + positions)

    def by_patch(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "tubes times width"]:
        return hidden.reshape(hidden.shape[0], self.card.grid[0], -1, self.card.width).transpose(1, 2).flatten(0, 1)

    def by_time(self, seen: Float[Tensor, "tubes times width"]) -> Float[Tensor, "clips tokens width"]:
        """What a block over time returns, in our order."""
        return seen.reshape(-1, self.card.grid[1] * self.card.grid[2], *seen.shape[1:]).transpose(1, 2).flatten(1, 2)

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.layernorm2(hidden)  # type: ignore[no-any-return]

    def outward(self, hidden: Float[Tensor, "images patches width"]) -> Float[Tensor, "clips tokens width"]:
        return hidden.reshape(-1, self.card.places, self.card.width)

    def inward(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "images patches width"]:
        return hidden.reshape(hidden.shape[0] * self.card.grid[0], -1, self.card.width)

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        """transformers' own forward, which gives tokens in our order."""
        hidden: Float[Tensor, "clips tokens width"] = self.forward(self.laid_out(video)).last_hidden_state
        return hidden
