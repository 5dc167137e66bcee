"""The two sparse penalties: L1 on every weight, or on every coordinate's row of weights over the classes (group L1).

Both are ``strength x sum of magnitudes``. Each is its own dual norm's partner (entry and entry, 2-norm and 2-norm), so the
magnitude of a gradient is also what is held against the strength: a weight, or row, is zero where that is not exceeded.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Penalty = Literal["l1", "row"]  # row: a coordinate enters for all classes at once, or for none


def magnitude(state: Float[Tensor, "*problems classes columns"], penalty: Penalty) -> Float[Tensor, "*problems _ columns"]:
    """|w| of every weight (l1), or the 2-norm over classes of every coordinate (row; one class left in that axis)."""
    return state.abs() if penalty == "l1" else torch.linalg.vector_norm(state, dim=-2, keepdim=True)


def shrink(moved: Tensor, threshold: Tensor, penalty: Penalty) -> Tensor:
    """The proximal step: soft threshold of every weight, or of every row's length (Yuan & Lin 2006).

    ``moved`` is (..., classes, columns), ``threshold`` (..., 1, columns or 1); unchecked, for it runs in every iteration.
    """
    if penalty == "l1":
        return moved - torch.minimum(torch.maximum(moved, -threshold), threshold)
    length = magnitude(moved, penalty).clamp_min(torch.finfo(moved.dtype).tiny)
    return moved * (1 - threshold / length).clamp_min(0.0)
