"""LibraryEncoder: what the families that transformers runs share. A family's own file says what is its own.

The blocks are transformers' modules, called one by one in transformers' own order of tokens, so that in float32 on a CPU the result
equals transformers' forward exactly. ``outward`` and ``inward`` turn between that order and ours: the grid in (time, row, column) order,
then the extra tokens (class, registers), which take part in attention and belong to no place.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import PreTrainedModel

from jepascope.encoders.card import EncoderCard
from jepascope.encoders.compiled import layer_forward
from jepascope.encoders.frozen import FrozenModel, weights_digest
from jepascope.encoders.geometry import sizes_of
from jepascope.encoders.pixels import Pixels
from jepascope.encoders.pretrained import load, refuse_misfits
from jepascope.errors import BadArgument

Own = TypeVar("Own", bound="LibraryEncoder")

BESIDE_SHAPES = ("model_type", "num_attention_heads", "hidden_act", "layer_norm_eps")
BEYOND = ("classifier.", "pooler.", "decoder.", "encoder_to_decoder.", "fc_norm.", "mask_token")
"""Weights of a checkpoint that lie behind the encoder: task heads, and the decoder that VideoMAE was trained with."""


class LibraryEncoder(FrozenModel):
    """A frozen encoder of one of transformers' classes; where its sizes are, its family declares (``geometry``).

    One of images is run on every frame by itself: time is a number of frames, and no token sees another frame's. Frames may have any
    size on the patch grid, with positions interpolated as transformers does.
    """

    kind: ClassVar[Any]
    theirs = "transformers' forward"
    attention_adds: tuple[str, ...] = ("attention",)
    mlp_adds: tuple[str, ...] = ("mlp", "output.dense")
    built: ClassVar[dict[str, Any]] = {}  # how ``kind`` is built, beside its configuration
    beside: ClassVar[tuple[str, ...]] = ()  # fields of its configuration that change the output of the same weights, beside BESIDE_SHAPES
    idle: ClassVar[tuple[str, ...]] = ()  # how names of weights end that some releases of transformers have, and that change no output

    def __init__(self, model: PreTrainedModel, name: str, extra: dict[str, Any] | None = None, pixels: Pixels | None = None) -> None:
        super().__init__(model, extra, pixels)
        self.sizes = sizes = sizes_of(json.loads(model.config.to_json_string(use_diff=False)), Path("config.json"))
        self.by_frame, self.prefix = sizes.by_frame, sizes.extra or sizes.extra_per_frame
        side = sizes.size // sizes.patch
        self.card = EncoderCard(
            name=name,
            width=sizes.width,
            depth=sizes.depth,
            frames=sizes.frames,
            size=sizes.size,
            grid=(sizes.frames // sizes.tubelet, side, side),
            digest=weights_digest(model, self.beside_shapes()),
            has_predictor=getattr(model, "predictor", None) is not None,
            extra=sizes.extra_of(sizes.frames),
            source=self.source,
        )
        self.block_forward = layer_forward

    def beside_shapes(self) -> list[Any]:
        """What changes the output of the same weights, for the digest."""
        return [*(getattr(self.model.config, field, None) for field in (*BESIDE_SHAPES, *self.beside)), self.pixels.constants]

    @classmethod
    def read(cls, folder: Path, name: str, label: str, extra: dict[str, Any], pixels: Pixels) -> LibraryEncoder:
        """The encoder of a checkpoint folder that was checked, called ``label``; errors call it ``name``. Nothing in it is left random."""
        model, info = load(cls.kind, folder, name, **cls.built)
        unexpected = {key for key in info["unexpected_keys"] if not (key.startswith(BEYOND) or key.endswith(cls.idle))}
        refuse_misfits(name, set(info["missing_keys"]), unexpected, info["mismatched_keys"])
        return cls(model, label, extra, pixels)

    @classmethod
    def from_config(
        cls: type[Own],
        config: Any,
        seed: int,
        name: str = "random",
        extra: dict[str, Any] | None = None,
        pixels: Pixels | None = None,
        predictor: bool = True,
    ) -> Own:
        """An encoder with fresh weights; without its predictor where none is wanted."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = cls.built_of(config)
        if not predictor and hasattr(model, "predictor"):
            model.predictor = None
        return cls(model, name, extra, pixels=pixels)

    @classmethod
    def built_of(cls, config: Any) -> PreTrainedModel:
        """The model of a configuration, with weights of no meaning."""
        return cls.kind(config, **cls.built)

    def untrained(self: Own, seed: int) -> Own:
        """A twin with fresh weights, with a predictor if this one has one, and without a head: there is no task it was trained for."""
        extra = {field: value for field, value in self.extra.items() if field != "source"}  # which tells of other weights
        name, predictor = f"{self.card.name}-untrained-{seed}", self.card.has_predictor
        twin = type(self).from_config(self.model.config, seed, name, extra, self.pixels, predictor)
        twin.block_forward = self.block_forward
        return twin.at(self.card.frames, self.card.size).to(self.device, self.dtype)

    def at(self: Own, frames: int, size: int) -> Own:
        """The same encoder for clips of another length or size; itself where its positions are learned for one of each."""
        if (frames, size) == (self.card.frames, self.card.size):
            return self
        if why := self.sizes.unfit(frames, size):
            raise BadArgument(f"Encoder '{self.card.name}' {why}.")
        grid = (frames // self.sizes.tubelet, size // self.sizes.patch, size // self.sizes.patch)
        return self.carded(frames=frames, size=size, grid=grid, extra=self.sizes.extra_of(frames))

    def shortest(self: Own) -> Own:
        return self if self.sizes.fixed else self.at(2 * self.sizes.tubelet, self.sizes.size)

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        return self.outward(self.embeddings(self.laid_out(video)))

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.outward(self.block_forward(self.blocks[index - 1], self.inward(hidden)))

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """The final norm; the identity for a checkpoint that has none (VideoMAE that is pooled by its mean)."""
        return hidden if self.model.layernorm is None else self.model.layernorm(hidden)

    @property
    def blocks(self) -> nn.ModuleList:
        """Where the blocks lie moves between releases of transformers."""
        blocks: nn.ModuleList = self.model.layers if hasattr(self.model, "layers") else self.model.encoder.layer
        return blocks

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        """transformers' own forward, after the final norm."""
        return self.outward(self.forward(self.laid_out(video)).last_hidden_state)

    # what a family says

    def embeddings(self, pixels: Float[Tensor, "inputs ..."]) -> Float[Tensor, "inputs seen width"]:
        """``h_0`` in transformers' order, from normalised pixels."""
        return self.model.embeddings(pixels)  # type: ignore[no-any-return]

    def forward(self, pixels: Float[Tensor, "inputs ..."], **asked: Any) -> Any:
        """transformers' own forward of normalised pixels."""
        return self.model(pixels, **asked)
