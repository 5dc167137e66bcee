"""LibraryEncoder: what the families that transformers runs share. A family's own file says what is its own.

The blocks are transformers' modules, called one by one in transformers' own order of tokens, so that in float32 on a CPU the result
equals transformers' forward exactly. ``outward`` and ``inward`` turn between that order and ours: the grid in (time, row, column) order,
then the extra tokens (class, registers), which take part in attention and belong to no place.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from jepascope.encoders.base import EncoderCard
from jepascope.encoders.compiled import layer_forward
from jepascope.encoders.digest import weights_digest
from jepascope.encoders.family_sizes import sizes_of
from jepascope.encoders.frozen import FrozenModel
from jepascope.encoders.pixels import Pixels
from jepascope.errors import BadArgument

BESIDE_SHAPES = ("model_type", "num_attention_heads", "hidden_act", "layer_norm_eps")
"""What changes the output of the same weights."""


class LibraryEncoder(FrozenModel):
    """A frozen encoder of one of transformers' classes, for clips of the length and size that it was made for."""

    kind: ClassVar[Any]
    theirs = "transformers' forward"
    built: ClassVar[dict[str, Any]] = {}  # how ``kind`` is built, beside its configuration
    beside: ClassVar[tuple[str, ...]] = ()
    idle: ClassVar[tuple[str, ...]] = ()  # how names of weights end that some releases of transformers have, and that change no output

    def __init__(self, model: PreTrainedModel, name: str, extra: dict[str, Any] | None = None, pixels: Pixels | None = None) -> None:
        super().__init__(model, extra, pixels)
        self.sizes = sizes = sizes_of(model.config.to_dict(), Path("config.json"))
        named = [getattr(model.config, field, None) for field in (*BESIDE_SHAPES, *self.beside)]
        side = sizes.size // sizes.patch
        self.card = EncoderCard(
            name=name,
            width=sizes.width,
            depth=sizes.depth,
            frames=sizes.frames,
            size=sizes.size,
            grid=(sizes.frames // sizes.tubelet, side, side),
            digest=weights_digest(model, [*named, self.pixels.constants]),
            extra=sizes.extra_of(sizes.frames),
            source=self.source,
        )
        self.block_forward = layer_forward

    @classmethod
    def from_config(
        cls, config: Any, seed: int, name: str = "random", extra: dict[str, Any] | None = None, pixels: Pixels | None = None
    ) -> LibraryEncoder:
        """An encoder with fresh weights."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = cls.kind(config, **cls.built)
        return cls(model, name, extra, pixels)

    def untrained(self, seed: int) -> LibraryEncoder:
        twin = type(self).from_config(self.model.config, seed, f"{self.card.name}-untrained-{seed}", self.extra, self.pixels)
        twin.block_forward = self.block_forward
        return twin.at(self.card.frames, self.card.size).to(self.device, self.dtype)

    def at(self, frames: int, size: int) -> LibraryEncoder:
        """Itself: its positions are learned for one length and size."""
        if (frames, size) != (self.card.frames, self.card.size):
            super().at(frames, size)
        return self

    def shortest(self) -> LibraryEncoder:
        """The same encoder for the shortest clips that a self-test can do with."""
        return self

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        return self.outward(self.embeddings(self.preprocess(video.to(self.device)).to(self.dtype)))

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.outward(self.block_forward(self.blocks[index - 1], self.inward(hidden)))

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """The final norm; the identity for a checkpoint that has none (VideoMAE that is pooled by its mean)."""
        return hidden if self.model.layernorm is None else self.model.layernorm(hidden)

    @property
    def blocks(self) -> nn.ModuleList:
        """Where the blocks lie moves between releases of transformers."""
        found: nn.ModuleList = self.model.layers if hasattr(self.model, "layers") else self.model.encoder.layer
        return found

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        """transformers' own forward, after the final norm."""
        return self.outward(self.forward(self.preprocess(video)).last_hidden_state)

    # what a family says

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "images seen width"]:
        """``h_0`` in transformers' order, from normalised pixels."""
        return self.model.embeddings(pixels)  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "clips frames 3 rows columns"], **asked: Any) -> Any:
        """transformers' own forward of normalised pixels."""
        return self.model(pixels, **asked)

    def outward(self, hidden: Float[Tensor, "images seen width"]) -> Float[Tensor, "clips tokens width"]:
        """transformers' order (extra tokens first) -> ours (extra tokens last)."""
        return hidden.roll(-self.card.extra, 1) if self.card.extra else hidden

    def inward(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "images seen width"]:
        """Our order -> transformers'."""
        return hidden.roll(self.card.extra, 1) if self.card.extra else hidden


class FrameEncoder(LibraryEncoder):
    """An encoder of images, run on every frame by itself: time is a number of frames, and no token sees another frame's."""

    def at(self, frames: int, size: int) -> FrameEncoder:
        """Any number of frames; of any size on the patch grid, with positions interpolated as transformers does."""
        patch = self.sizes.patch
        if frames < 1 or size < patch or size % patch:
            raise BadArgument(
                f"Encoder '{self.card.name}' cannot take {frames} frames of {size} pixels: "
                f"it needs a frame at least, and a size that is a multiple of {patch}."
            )
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        grid = (frames, size // patch, size // patch)
        twin.card = replace(self.card, frames=frames, size=size, grid=grid, extra=self.sizes.extra_of(frames))
        return twin

    def shortest(self) -> FrameEncoder:
        return self.at(2, self.card.size)

    def embeddings(self, pixels: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "images seen width"]:
        return self.model.embeddings(pixels.flatten(0, 1))  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "clips frames 3 rows columns"], **asked: Any) -> Any:
        return self.model(pixels.flatten(0, 1), **asked)

    def outward(self, hidden: Float[Tensor, "images seen width"]) -> Float[Tensor, "clips tokens width"]:
        """The frames' grids, then the frames' extra tokens, both in the order of time."""
        each = self.sizes.extra_per_frame
        clips = hidden.unflatten(0, (-1, self.card.frames))
        return torch.cat([clips[:, :, each:].flatten(1, 2), clips[:, :, :each].flatten(1, 2)], dim=1)

    def inward(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "images seen width"]:
        grid, extra = hidden.split([self.card.places, self.card.extra], dim=1)
        frames, each = self.card.frames, self.sizes.extra_per_frame
        grid, extra = grid.unflatten(1, (frames, -1)), extra.unflatten(1, (frames, each))
        return torch.cat([extra, grid], dim=2).flatten(0, 1)
