"""Rotary positions of V-JEPA 2 and 2.1 as one table in float32, computed once per grid instead of in every layer.

transformers derives positions from the configured crop and recomputes the angles in the activation's dtype in every block
(inexact in bf16). Here the ids come from the actual grid and the table stays in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.encoders.rotary_rule import V2, RotaryRule


@dataclass(frozen=True)
class RotaryTable:
    """Cosine and sine of every token's angle, one row a token, one column a head dimension."""

    cos: Float[Tensor, "*clips tokens head"]
    sin: Float[Tensor, "*clips tokens head"]

    def at(self, ids: Int[Tensor, "clips tokens"]) -> RotaryTable:
        """The rows of the tokens that are present, with a head axis to broadcast over."""
        return RotaryTable(self.cos[ids][:, None], self.sin[ids][:, None])

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
    """Rotate queries or keys; in float32 whatever the dtype of ``x``."""
    pairs = x.unflatten(-1, (-1, 2))
    turned = torch.stack((-pairs[..., 1], pairs[..., 0]), dim=-1).flatten(-2)
    return (x * table.cos + turned * table.sin).to(x.dtype)
