"""Predictors of V-JEPA 2 and 2.1: which mask token stands for what is to be forecast, the forecast, and what it was trained to be."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import VJEPA2Model

from jepascope.encoders.rotary import RotaryTable, block_forward

DEFAULT = 1  # the mask token that forward takes in Meta's code and in transformers', where it is told of none
COUNTS = 0.01  # of the largest norm: a mask token with less was never trained


def mask_token(tokens: Float[Tensor, "tokens 1 1 width"]) -> int:
    """Which of a predictor's mask tokens its forecasts begin from.

    They begin as zeros, and Meta's training gives the i-th length of clips the i-th of them: trained on one length, a checkpoint has
    learned the first alone, and DEFAULT is left at zero. So DEFAULT where it counts (``COUNTS``), else the first that does; where none
    does, DEFAULT.
    """
    counts, default = counting(_norms(tokens)), DEFAULT % len(tokens)
    return default if default in counts or not counts else counts[0]


def counting(norms: Float[Tensor, " tokens"]) -> list[int]:
    """The mask tokens that count, by their norms."""
    return [int(token) for token in (norms > COUNTS * norms.max()).nonzero()]


def _norms(tokens: Float[Tensor, "tokens 1 1 width"]) -> Float[Tensor, " tokens"]:
    norms: Tensor = tokens.detach().float().flatten(1).norm(dim=1)
    return norms


def mask_words(tokens: Float[Tensor, "tokens 1 1 width"]) -> str:
    """The same in words, with the norms and the reason."""
    norms, used, default = _norms(tokens), mask_token(tokens), DEFAULT % len(tokens)
    many = len(counting(norms))
    which = f"mask token {used} of {len(norms)}"
    if not many:
        return f"{which}, all of which are zero: it was not trained, or its forecasts begin from nothing but places"
    if many == 1:
        return f"{which}, the only one that is not zero (norm {float(norms[used]):.3g})"
    why = (
        "which Meta's code and transformers take by default"
        if used == default
        else f"the first that is not zero (the default, {default}, is)"
    )
    return f"{which}, {why} (norms {', '.join(f'{norm:.3g}' for norm in norms.tolist())})"


def foresee(
    model: VJEPA2Model,
    context: Float[Tensor, "clips context shown"],
    context_ids: Int[Tensor, "clips context"],
    target_ids: Int[Tensor, "clips targets"],
    table: Callable[[int], RotaryTable],
    mask: int,
    first: int = 0,
) -> Float[Tensor, "clips from_first narrow"]:
    """transformers' predictor up to its last projection, without its sorting (attention with explicit positions does not depend on the
    order): of context and targets, the tokens from ``first`` on."""
    predictor, config = model.predictor, model.config
    embeddings, (clips, targets) = predictor.embeddings, target_ids.shape
    token = embeddings.mask_tokens[mask].expand(clips, targets, -1).to(context.dtype)
    hidden = torch.cat([embeddings.predictor_embeddings(context), token], dim=1)
    if (of_clips := getattr(embeddings, "video_mod_embed", None)) is not None:
        hidden = hidden + of_clips
    rows = table(config.pred_hidden_size // config.pred_num_attention_heads).at(torch.cat([context_ids, target_ids], dim=1))
    *before, last = predictor.layer
    for layer in before:
        hidden = block_forward(layer, hidden, rows)
    return predictor.layernorm(block_forward(last, hidden, rows, first))  # type: ignore[no-any-return]


def predict(
    model: VJEPA2Model,
    context: Float[Tensor, "clips context shown"],
    context_ids: Int[Tensor, "clips context"],
    target_ids: Int[Tensor, "clips targets"],
    table: Callable[[int], RotaryTable],
    mask: int,
) -> Float[Tensor, "clips targets forecast"]:
    """The predictor's forecast of the targets; of the context nothing is made that no target attends to."""
    targets = foresee(model, context, context_ids, target_ids, table, mask, context.shape[1])
    return model.predictor.proj(targets)  # type: ignore[no-any-return]


def centred_targets(latents: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips tokens width"]:
    """Latents minus their mean over the clip's tokens, over their spread: nothing constant in a clip can be the target.

    This is what keeps a small encoder from collapsing onto clip-wide appearance (data2vec centres its targets alike).
    """
    centred = latents - latents.mean(dim=1, keepdim=True)
    return centred / centred.square().mean(dim=(1, 2), keepdim=True).add(1e-6).sqrt()
