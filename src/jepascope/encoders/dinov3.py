"""DINOv3 (transformers' DINOv3ViTModel), frame by frame: a class token and registers a frame, and rotary positions in every block."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from transformers import DINOv3ViTModel

from jepascope.encoders.entries import EncoderEntry
from jepascope.encoders.library import LibraryEncoder

DECLARED = EncoderEntry(
    name="dinov3_vit",
    meaning="DINOv3",
    order=7,
    run="jepascope.encoders.dinov3:Dinov3Encoder",
    fields={
        "width": ("hidden_size", 384),
        "heads": ("num_attention_heads", 6),
        "patch": ("patch_size", 16),
        "inside": ("intermediate_size", 1536),
        "registers": ("num_register_tokens", 0),
    },
    class_token=True,
    head_multiple=4,  # as rotary positions of rows and columns need
    checkpoints=(
        ("facebook/dinov3-vits16-pretrain-lvd1689m", 21_596_544, {"registers": 4, "gated": True}),
        ("facebook/dinov3-vitb16-pretrain-lvd1689m", 85_660_416, {"width": 768, "registers": 4, "gated": True}),
        ("facebook/dinov3-vitl16-pretrain-lvd1689m", 303_129_600, {"width": 1024, "depth": 24, "registers": 4, "gated": True}),
    ),
)


class Dinov3Encoder(LibraryEncoder):
    """Its positions come from where a patch lies in its frame, from edge to edge: any size on the patch grid has exact ones."""

    kind = DINOv3ViTModel
    beside = ("rope_theta",)

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        seen, size = self.inward(hidden), self.card.size
        frame = seen.new_empty(()).expand(1, 3, size, size)  # of which transformers reads the shape and the type alone
        return self.outward(self.block_forward(self.blocks[index - 1], seen, position_embeddings=self.model.rope_embeddings(frame)))

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.norm(hidden)  # type: ignore[no-any-return]

    @property
    def blocks(self) -> nn.ModuleList:
        return self.model.model.layer  # type: ignore[no-any-return]
