"""Masks of the V-JEPA objective: which tokens the student sees and which it must predict."""

from __future__ import annotations

import torch
from jaxtyping import Int
from torch import Tensor


def future_mask(grid: tuple[int, int, int], context: int) -> tuple[Int[Tensor, " context"], Int[Tensor, " targets"]]:
    """Context: the first ``context`` tubelets; targets: all later ones. Forces motion into the encoder."""
    per_time = grid[1] * grid[2]
    tokens = torch.arange(grid[0] * per_time)
    return tokens[: context * per_time], tokens[context * per_time :]


def tube_mask(
    grid: tuple[int, int, int], keep: float, generator: torch.Generator
) -> tuple[Int[Tensor, " context"], Int[Tensor, " targets"]]:
    """V-JEPA's spatio-temporal blocks: rectangles through all of time are hidden until at most ``keep`` of the plane is left.

    One place is always left. Sides of rectangles are 2 to half the plane's, or 1 where it is too narrow for that: so that some
    rectangle can always hide more without hiding everything.
    """
    _, height, width = grid
    hidden = torch.zeros(height, width, dtype=torch.bool)
    sides = [(min(2, max(1, side // 2)), side // 2 + 1) for side in (height, width)]
    while (~hidden).float().mean() > keep and (~hidden).sum() > 1:
        h, w = (int(torch.randint(low, max(low + 1, high), (1,), generator=generator)) for low, high in sides)
        top = int(torch.randint(0, height - h + 1, (1,), generator=generator))
        left = int(torch.randint(0, width - w + 1, (1,), generator=generator))
        patch = hidden[top : top + h, left : left + w].clone()
        hidden[top : top + h, left : left + w] = True
        if hidden.all():  # never hide everything
            hidden[top : top + h, left : left + w] = patch
    plane = hidden.flatten().repeat(grid[0])
    return torch.nonzero(~plane)[:, 0], torch.nonzero(plane)[:, 0]
