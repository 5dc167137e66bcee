"""V-JEPA 2's rotary positions as one table in float32, computed once per grid instead of in every layer.

transformers derives positions from the configured crop and recomputes the angles in the activation's dtype in every block
(inexact in bf16). Here the ids come from the actual grid and the table stays in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


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


def rotary_table(grid: tuple[int, int, int], head_dim: int) -> RotaryTable:
    """Angles for a (time, height, width) grid: a third of each head for each axis, the remainder unrotated.

    Keeps V-JEPA 2's ``repeat`` quirk (frequencies tiled, not interleaved), bit for bit.
    """
    axis_dim = 2 * ((head_dim // 3) // 2)
    time, height, width = (torch.arange(n, dtype=torch.float32) for n in grid)
    positions = [axis.flatten() for axis in torch.meshgrid(time, height, width, indexing="ij")]
    omega = torch.arange(axis_dim // 2, dtype=torch.float32)
    omega /= axis_dim / 2.0
    omega = 1.0 / 10000**omega
    angles = torch.cat([(position[:, None] * omega).repeat(1, 2) for position in positions], dim=1)
    rest = head_dim - 3 * axis_dim
    cos = torch.cat([angles.cos(), torch.ones(len(angles), rest)], dim=1)
    sin = torch.cat([angles.sin(), torch.zeros(len(angles), rest)], dim=1)
    return RotaryTable(cos, sin)


def rotate(x: Float[Tensor, "clips heads tokens head"], table: RotaryTable) -> Float[Tensor, "clips heads tokens head"]:
    """Rotate queries or keys; in float32 whatever the dtype of ``x``."""
    pairs = x.unflatten(-1, (-1, 2))
    turned = torch.stack((-pairs[..., 1], pairs[..., 0]), dim=-1).flatten(-2)
    return (x * table.cos + turned * table.sin).to(x.dtype)
