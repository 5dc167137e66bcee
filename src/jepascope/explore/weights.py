"""The encoder as the page runs it (assets/network.js): weights, rotary tables and sizes; and which encoders it can run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.rotary import V2
from jepascope.encoders.vjepa2 import VJepa2Encoder

MOST = 1_000_000
"""Parameters of an encoder that a page can hold: nano's are half of it. Larger ones would take seconds a step there."""

BESIDE = ("predictor.embeddings.mask_tokens",)


def not_embedded(encoder: VideoEncoder) -> str:
    """Why the page cannot run an encoder itself; "" where it can."""
    if not isinstance(encoder, VJepa2Encoder) or encoder.rotary != V2:
        return "it is no V-JEPA 2 network"
    if (count := sum(weight.numel() for weight in encoder.model.parameters())) > MOST:
        return f"it has {count:,} parameters, and a page holds at most {MOST:,}"
    if encoder.dtype != torch.float32 or encoder.model.config.hidden_act != "gelu":
        return "the page computes in float32, with GELU"
    return ""


def network(encoder: VJepa2Encoder) -> dict[str, Tensor]:
    """Weights by transformers' names; ``predictor.mask``: the one mask token that is used; rotary tables of encoder and predictor."""
    config, model = encoder.model.config, encoder.model
    arrays = {name: value for name, value in model.state_dict().items() if name not in BESIDE}
    arrays |= {f"encoder.rotary.{name}": value for name, value in vars(encoder.table()).items()}
    if encoder.card.has_predictor:
        head = config.pred_hidden_size // config.pred_num_attention_heads
        arrays |= {f"predictor.rotary.{name}": value for name, value in vars(encoder.table(head)).items()}
        arrays["predictor.mask"] = model.predictor.embeddings.mask_tokens[encoder.mask].flatten()
    return arrays


def sizes(encoder: VJepa2Encoder) -> dict[str, Any]:
    """What the network's code has to know besides."""
    config, card = encoder.model.config, encoder.card
    mean, sd = encoder.pixels.constants
    predictor = {"depth": config.pred_num_hidden_layers, "heads": config.pred_num_attention_heads} if card.has_predictor else None
    return {
        **{"width": card.width, "depth": card.depth, "heads": config.num_attention_heads, "tokens": card.tokens, "grid": card.grid},
        **{"size": card.size, "frames": card.frames, "patch": config.patch_size, "tubelet": config.tubelet_size},
        **{"eps": config.layer_norm_eps, "mean": mean, "sd": sd, "targets": encoder.extra.get("targets", "normalised")},
        "predictor": predictor,
    }
