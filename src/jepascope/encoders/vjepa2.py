"""V-JEPA 2 (transformers' VJEPA2Model) behind the VideoEncoder interface.

The loop over the blocks is ours, the weights and modules are transformers'. In float32 on a CPU the result equals
transformers' own forward exactly; tests and the self-test at load hold it to that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders.base import EncoderCard
from jepascope.encoders.block import block_forward
from jepascope.encoders.digest import weights_digest
from jepascope.encoders.frozen import FrozenModel
from jepascope.encoders.head import TaskHead
from jepascope.encoders.pixels import Pixels
from jepascope.encoders.rotary import RotaryTable, rotary_table
from jepascope.encoders.rotary_rule import FIELD, RULES, V2, RotaryRule
from jepascope.encoders.vjepa2_1 import rotation_of
from jepascope.errors import BadArgument, BadCheckpoint

BESIDE_SHAPES = ("num_attention_heads", "pred_num_attention_heads", "hidden_act", "layer_norm_eps")
"""What changes the output of the same weights (frames and size are the clips' own)."""


class VJepa2Encoder(FrozenModel):
    """A frozen V-JEPA 2 encoder, with its predictor and its task head when the checkpoint has them.

    A model without a predictor is one whose ``predictor`` is None; V-JEPA 2.1, known by its configuration (``rotary_rule``), is never run
    with one. ``digest`` names the model alone, so that a classifier and
    the encoder it was put on share their activations where the weights are the same.
    """

    theirs = "transformers' forward"

    def __init__(
        self,
        model: VJEPA2Model,
        name: str,
        extra: dict[str, Any] | None = None,
        head: TaskHead | None = None,
        pixels: Pixels | None = None,
    ) -> None:
        super().__init__(model, extra, pixels)
        self.head = head
        config = model.config
        if self.rotary != V2 and model.predictor is not None:
            raise BadCheckpoint(f"Encoder '{name}' is of V-JEPA 2.1, whose predictor jepascope does not run; give the encoder alone.")
        side = config.crop_size // config.patch_size
        grid = (config.frames_per_clip // config.tubelet_size, side, side)
        self.card = EncoderCard(
            name=name,
            width=config.hidden_size,
            depth=config.num_hidden_layers,
            frames=config.frames_per_clip,
            size=config.crop_size,
            grid=grid,
            digest=weights_digest(model, [*(getattr(config, field) for field in BESIDE_SHAPES), *self._unusual()]),
            has_predictor=model.predictor is not None,
            has_head=head is not None,
            head_digest="" if head is None else head.digest,
            source=self.source,
        )
        self._tables: dict[tuple[tuple[int, int, int], int, torch.device], RotaryTable] = {}
        self.block_forward = block_forward

    def _unusual(self) -> list[Any]:
        """What else the digest names: nothing for V-JEPA 2 as published, so that digests stay what they were before the rest was known."""
        return [
            *([] if self.rotary == V2 else [self.rotary.name]),
            *([] if self.pixels.constants == self.trained.constants else [self.pixels.constants]),
        ]

    @classmethod
    def from_config(
        cls,
        config: VJEPA2Config,
        seed: int,
        name: str = "random",
        extra: dict[str, Any] | None = None,
        predictor: bool = True,
        pixels: Pixels | None = None,
    ) -> VJepa2Encoder:
        """An encoder with fresh weights, and a predictor where one is wanted."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = VJEPA2Model(config)
        if not predictor:
            model.predictor = None
        return cls(model, name, extra, pixels=pixels)

    def untrained(self, seed: int) -> VJepa2Encoder:
        """A twin with fresh weights, with a predictor if this one has one, and without a head: there is no task it was trained for."""
        name, predictor = f"{self.card.name}-untrained-{seed}", self.card.has_predictor
        extra = {field: value for field, value in self.extra.items() if field != "source"}  # which tells of other weights
        twin = VJepa2Encoder.from_config(self.model.config, seed, name, extra, predictor, self.pixels)
        twin.block_forward = self.block_forward
        return twin.at(self.card.frames, self.card.size).to(self.device, self.dtype)

    def at(self, frames: int, size: int) -> VJepa2Encoder:
        """The same encoder for clips of another length or size; positions follow the actual grid."""
        config = self.model.config
        if frames % config.tubelet_size or size % config.patch_size or frames < config.tubelet_size or size < config.patch_size:
            raise BadArgument(
                f"Encoder '{self.card.name}' cannot take {frames} frames of {size} pixels: frames must be a multiple of "
                f"{config.tubelet_size} and the size a multiple of {config.patch_size}."
            )
        side = size // config.patch_size
        twin = object.__new__(VJepa2Encoder)
        twin.__dict__.update(self.__dict__)
        twin.card = replace(self.card, frames=frames, size=size, grid=(frames // config.tubelet_size, side, side))
        return twin

    def shortest(self) -> VJepa2Encoder:
        """The same encoder for the shortest clips that a self-test can do with."""
        return self.at(2 * self.model.config.tubelet_size, self.model.config.crop_size)

    def reference(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        """transformers' own forward, after the final norm; at the size it is configured for (its positions are wrong elsewhere).

        For V-JEPA 2.1 with a rotation of its own put in, which does not read the table.
        """
        with rotation_of(self.model, self.rotary):
            return self.model(self.preprocess(video), skip_predictor=True).last_hidden_state  # type: ignore[no-any-return]

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> VJepa2Encoder:
        """Itself, moved. The task head is a judge, and judges in float32 at least."""
        if self.head is not None:
            self.head.to(device=device, dtype=torch.float32 if dtype is not None and dtype.itemsize < 4 else dtype)
        return super().to(device, dtype)

    def embed(self, video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens width"]:
        self.check_video(video)
        video = video.to(self.device)
        return self.model.encoder.embeddings(self.preprocess(video))  # type: ignore[no-any-return]

    def block(self, index: int, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.block_forward(self.model.encoder.layer[index - 1], hidden, self.table())

    def norm(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        return self.model.encoder.layernorm(hidden)  # type: ignore[no-any-return]

    @property
    def rotary(self) -> RotaryRule:
        """The rule of its positions: V-JEPA 2's, or 2.1's where the configuration says so."""
        return RULES[getattr(self.model.config, FIELD, V2.name)]

    def table(self, head_dim: int | None = None) -> RotaryTable:
        """The rotary table of this encoder's grid (cached per device)."""
        head_dim = head_dim or self.card.width // self.model.config.num_attention_heads
        key = (self.card.grid, head_dim, self.device)
        if key not in self._tables:
            with torch.inference_mode(False):  # a table first asked for without gradients must serve later passes with them
                self._tables[key] = rotary_table(self.card.grid, head_dim, self.rotary).to(self.device)
        return self._tables[key]

    def encode_tokens(
        self, video: Float[Tensor, "clips frames 3 rows columns"], ids: Int[Tensor, "clips tokens"]
    ) -> Float[Tensor, "clips tokens width"]:
        """Final-norm latents of the tokens ``ids`` when the encoder sees nothing else."""
        hidden = self.embed(video)
        hidden = torch.gather(hidden, 1, ids[..., None].expand(-1, -1, hidden.shape[-1]))
        table = self.table().at(ids)
        for layer in self.model.encoder.layer:
            hidden = block_forward(layer, hidden, table)
        return self.norm(hidden)

    def forecast(
        self,
        context: Float[Tensor, "clips context width"],
        context_ids: Int[Tensor, "clips context"],
        target_ids: Int[Tensor, "clips targets"],
    ) -> Float[Tensor, "clips targets width"]:
        if not self.card.has_predictor:
            raise self._without_predictor()
        return predict(self.model, context, context_ids, target_ids, self.table)

    def forecast_space(self, latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
        """Final-norm latents of whole clips as the predictor was trained to predict them.

        V-JEPA 2 predicts layer-normalised latents; the nano encoders latents centred over the clip's tokens (their card).
        """
        if not self.card.has_predictor:
            raise self._without_predictor()
        if self.extra.get("targets") == "centred":
            return centred_targets(latents)
        return F.layer_norm(latents, latents.shape[-1:])

    def head_logits(self, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips labels"]:
        if self.head is None:
            raise self._without_head()
        return self.head(self.norm(hidden).to(self.head.dtype))  # type: ignore[no-any-return]

    @property
    def head_labels(self) -> tuple[str, ...]:
        if self.head is None:
            raise self._without_head()
        return self.head.labels


def predict(
    model: VJEPA2Model,
    context: Float[Tensor, "clips context width"],
    context_ids: Int[Tensor, "clips context"],
    target_ids: Int[Tensor, "clips targets"],
    table: Callable[[int], RotaryTable],
) -> Float[Tensor, "clips targets width"]:
    """transformers' predictor without its sorting (attention with explicit positions does not depend on the order)."""
    predictor, config = model.predictor, model.config
    mask = predictor.embeddings.mask_tokens[1 % config.pred_num_mask_tokens]
    clips, targets = target_ids.shape
    hidden = torch.cat([predictor.embeddings.predictor_embeddings(context), mask.expand(clips, targets, -1).to(context.dtype)], dim=1)
    rows = table(config.pred_hidden_size // config.pred_num_attention_heads).at(torch.cat([context_ids, target_ids], dim=1))
    for layer in predictor.layer:
        hidden = block_forward(layer, hidden, rows)
    return predictor.proj(predictor.layernorm(hidden)[:, context.shape[1] :])  # type: ignore[no-any-return]


def centred_targets(latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
    """Latents minus their mean over the clip's tokens, over their spread: nothing constant in a clip can be the target.

    This is what keeps a small encoder from collapsing onto clip-wide appearance (data2vec centres its targets alike).
    """
    centred = latents - latents.mean(dim=1, keepdim=True)
    return centred / centred.square().mean(dim=(1, 2), keepdim=True).add(1e-6).sqrt()
