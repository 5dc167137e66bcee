"""One block of V-JEPA 2, of the encoder or of the predictor, with its positions given."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from jepascope.encoders.rotary import RotaryTable, rotate


def block_forward(layer: nn.Module, hidden: Float[Tensor, "clips tokens width"], table: RotaryTable) -> Float[Tensor, "clips tokens width"]:
    """One pre-norm transformer block with the rotary table given: the arithmetic of transformers' VJEPA2Layer."""
    hidden = _attended(layer, layer.norm1(hidden), table) + hidden  # type: ignore[operator]
    return layer.mlp(layer.norm2(hidden)) + hidden  # type: ignore[operator, no-any-return]


def _attended(layer: nn.Module, normed: Float[Tensor, "clips tokens width"], table: RotaryTable) -> Float[Tensor, "clips tokens width"]:
    """Its queries, keys and values are let go before the wider MLP runs: a third less memory at the peak."""
    attention: Any = layer.attention
    heads = (*normed.shape[:-1], -1, attention.attention_head_size)
    query = rotate(attention.query(normed).view(heads).transpose(1, 2), table)
    key = rotate(attention.key(normed).view(heads).transpose(1, 2), table)
    value = attention.value(normed).view(heads).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(query, key, value, scale=attention.scaling)
    return attention.proj(mixed.transpose(1, 2).reshape(normed.shape))  # type: ignore[no-any-return]
