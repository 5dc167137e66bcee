"""The predictor of V-JEPA 2, and what it is trained to predict."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import VJEPA2Model

from jepascope.encoders.rotary import RotaryTable, block_forward


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
    *before, last = predictor.layer
    for layer in before:
        hidden = block_forward(layer, hidden, rows)
    hidden = block_forward(last, hidden, rows, context.shape[1])  # of which nothing but targets is read
    return predictor.proj(predictor.layernorm(hidden))  # type: ignore[no-any-return]


def centred_targets(latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
    """Latents minus their mean over the clip's tokens, over their spread: nothing constant in a clip can be the target.

    This is what keeps a small encoder from collapsing onto clip-wide appearance (data2vec centres its targets alike).
    """
    centred = latents - latents.mean(dim=1, keepdim=True)
    return centred / centred.square().mean(dim=(1, 2), keepdim=True).add(1e-6).sqrt()
