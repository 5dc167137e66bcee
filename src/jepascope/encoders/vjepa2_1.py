"""V-JEPA 2.1 in transformers' modules: what its encoder is held against, and why it has no predictor.

Learned from Meta's public code (facebookresearch/vjepa2, app/vjepa_2_1/models); untested on Meta's own weights. Its video encoder is
V-JEPA 2's with two differences that no weight shows: another rotation (``rotary_rule.V2_1``), and the last of four norms as the final
one. Its predictor is another network: it forecasts four layers at once, or a teacher's latents, in another width than the encoder's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import VJEPA2Model

from jepascope.encoders.rotary_rule import V2_1, RotaryRule

THETA = 10_000


@contextmanager
def rotation_of(model: VJEPA2Model, rule: RotaryRule) -> Iterator[None]:
    """Inside, transformers' own forward turns as the rule has it; transformers knows the rotation of V-JEPA 2 alone.

    An implementation of its own, axis by axis and without the table, so that it can be held against the table.
    """
    layers = model.encoder.layer if rule == V2_1 else ()
    for layer in layers:
        layer.attention.apply_rotary_embeddings = partial(_turned, layer.attention)
    try:
        yield
    finally:
        for layer in layers:
            del layer.attention.apply_rotary_embeddings


def _turned(
    attention: Any, x: Float[Tensor, "clips heads tokens head"], places: tuple[Tensor, Tensor, Tensor]
) -> Float[Tensor, "clips heads tokens head"]:
    """Queries or keys by their (time, row, column): a share of each head an axis, what is left over unturned."""
    time, row, column = places
    stretch = (V2_1.span or 1) - 1, max(attention.grid_size - 1, 1)  # a single row lies at 0, where Meta's code divides by 0
    sizes = [attention.d_dim, attention.h_dim, attention.w_dim]
    *shares, rest = x.split([*sizes, x.shape[-1] - sum(sizes)], dim=-1)
    positions = (time.float(), row.float() * stretch[0] / stretch[1], column.float() * stretch[0] / stretch[1])
    return torch.cat([*(_turn(share, position) for share, position in zip(shares, positions, strict=True)), rest], dim=-1)


def _turn(
    x: Float[Tensor, "clips heads tokens share"], position: Float[Tensor, "*any tokens"]
) -> Float[Tensor, "clips heads tokens share"]:
    """Each pair of neighbours, as a point of a plane, by one angle: position times its frequency."""
    half = x.shape[-1] // 2
    frequency = 1.0 / THETA ** (torch.arange(half, dtype=torch.float32, device=x.device) / (x.shape[-1] / 2.0))
    angle = position[..., None] * frequency
    first, second = x[..., 0::2], x[..., 1::2]
    turned = first * angle.cos() - second * angle.sin(), second * angle.cos() + first * angle.sin()
    return torch.stack(turned, dim=-1).flatten(-2).to(x.dtype)
