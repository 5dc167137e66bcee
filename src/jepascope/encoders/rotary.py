"""The block of V-JEPA 2 and 2.1, of encoder and predictor, with rotary positions from one table in float32, computed once per grid.

transformers derives positions from the configured crop and recomputes the angles in the activation's dtype in every block
(inexact in bf16). Here the ids come from the actual grid and the table stays in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

FIELD = "rotary"  # of config.json, which names the rule; transformers has no such field, and keeps it


@dataclass(frozen=True)
class RotaryRule:
    """What turns by which angle, and where the rows and columns of a grid lie.

    Both rules are those of facebookresearch/vjepa2 (``RoPEAttention`` of src/models/utils/modules.py and of
    app/vjepa_2_1/models/utils/modules.py, read there and written anew). The weights do not tell which of them they were trained with, and
    with the other one an encoder gives wrong numbers without an error.
    """

    name: str  # what config.json says
    paired: bool  # both coordinates of a pair turn by the same angle; else frequencies are tiled over the pairs
    span: int | None  # rows and columns are spread over positions 0 to span - 1, however many there are; None: one a position


V2 = RotaryRule("vjepa2", paired=False, span=None)
V2_1 = RotaryRule("vjepa2.1", paired=True, span=16)  # the rows of 256 pixels in patches of 16, which its training began with
RULES = {rule.name: rule for rule in (V2, V2_1)}


@dataclass(frozen=True)
class RotaryTable:
    """Cosine and sine of every token's angle, one row a token, one column a head dimension."""

    cos: Float[Tensor, "*clips tokens head"]
    sin: Float[Tensor, "*clips tokens head"]

    def at(self, ids: Int[Tensor, "clips tokens"]) -> RotaryTable:
        """The rows of the tokens that are present, with a head axis to broadcast over."""
        return RotaryTable(self.cos[ids][:, None], self.sin[ids][:, None])

    def since(self, first: int) -> RotaryTable:
        """The rows of the tokens from there on."""
        return RotaryTable(self.cos[..., first:, :], self.sin[..., first:, :]) if first else self

    def to(self, device: torch.device) -> RotaryTable:
        return RotaryTable(self.cos.to(device), self.sin.to(device))


def rotary_table(grid: tuple[int, int, int], head_dim: int, rule: RotaryRule = V2) -> RotaryTable:
    """Angles for a (time, height, width) grid: a third of each head for each axis, the remainder unrotated.

    Keeps V-JEPA 2's ``repeat`` quirk (frequencies tiled, not interleaved), bit for bit; 2.1 interleaves them, and spreads rows and
    columns over one span whatever the grid (a single row or column lies at 0, where Meta's code divides by 0).
    """
    axis_dim = 2 * ((head_dim // 3) // 2)
    time, height, width = (torch.arange(n, dtype=torch.float32) for n in grid)
    if rule.span is not None:
        height, width = (axis * (rule.span - 1) / max(len(axis) - 1, 1) for axis in (height, width))
    positions = [axis.flatten() for axis in torch.meshgrid(time, height, width, indexing="ij")]
    omega = torch.arange(axis_dim // 2, dtype=torch.float32)
    omega /= axis_dim / 2.0
    omega = 1.0 / 10000**omega
    turns = [position[:, None] * omega for position in positions]
    angles = torch.cat([turn.repeat_interleave(2, 1) if rule.paired else turn.repeat(1, 2) for turn in turns], dim=1)
    rest = head_dim - 3 * axis_dim
    cos = torch.cat([angles.cos(), torch.ones(len(angles), rest)], dim=1)
    sin = torch.cat([angles.sin(), torch.zeros(len(angles), rest)], dim=1)
    return RotaryTable(cos, sin)


def rotate(x: Float[Tensor, "clips heads tokens head"], table: RotaryTable) -> Float[Tensor, "clips heads tokens head"]:
    """Rotate queries or keys; in float32 whatever the dtype of ``x``. Of a head of odd width the last dimension is never turned."""
    if x.shape[-1] % 2:
        return torch.cat([rotate(x[..., :-1], RotaryTable(table.cos[..., :-1], table.sin[..., :-1])), x[..., -1:]], dim=-1)
    pairs = x.unflatten(-1, (-1, 2))
    turned = torch.stack((-pairs[..., 1], pairs[..., 0]), dim=-1).flatten(-2)
    return (x * table.cos + turned * table.sin).to(x.dtype)


def block_forward(
    layer: nn.Module, hidden: Float[Tensor, "clips tokens width"], table: RotaryTable, first: int = 0
) -> Float[Tensor, "clips tokens_after_first width"]:
    """One pre-norm transformer block with the rotary table given: the arithmetic of transformers' VJEPA2Layer.

    ``first``: from which token on its output is wanted; the others are attended to, and no more is made of them.
    """
    hidden = _attended(layer, layer.norm1(hidden), table, first) + hidden[:, first:]  # type: ignore[operator]
    return layer.mlp(layer.norm2(hidden)) + hidden  # type: ignore[operator, no-any-return]


def _attended(
    layer: nn.Module, normed: Float[Tensor, "clips tokens width"], table: RotaryTable, first: int
) -> Float[Tensor, "clips tokens_after_first width"]:
    """Its queries, keys and values are let go before the wider MLP runs: a third less memory at the peak."""
    attention: Any = layer.attention
    wanted, heads = normed[:, first:], (-1, attention.attention_head_size)
    query = rotate(attention.query(wanted).unflatten(-1, heads).transpose(1, 2), table.since(first))
    key = rotate(attention.key(normed).unflatten(-1, heads).transpose(1, 2), table)
    value = attention.value(normed).unflatten(-1, heads).transpose(1, 2)
    mixed = F.scaled_dot_product_attention(query, key, value, scale=attention.scaling)
    return attention.proj(mixed.transpose(1, 2).reshape(wanted.shape))  # type: ignore[no-any-return]
