"""Site: where in the residual stream something is read or edited."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.errors import BadArgument

SELECTIONS = ("all", "object")


@dataclass(frozen=True)
class Site:
    """A layer (``h_layer``, after that block) plus a token selection."""

    layer: int
    tokens: str = "all"

    def __post_init__(self) -> None:
        if self.tokens not in SELECTIONS:
            raise BadArgument(f"There is no token selection '{self.tokens}'; known are {', '.join(SELECTIONS)}.")

    def __str__(self) -> str:
        return f"layer {self.layer}, {self.tokens} tokens"


def pool(hidden: Float[Tensor, "clips tokens width"], mask: Bool[Tensor, "clips tokens"] | None = None) -> Float[Tensor, "clips width"]:
    """Pooled activation: the mean over the selected tokens (all of them without a mask), float32 or better."""
    hidden = hidden.float() if hidden.dtype in (torch.float16, torch.bfloat16) else hidden
    if mask is None:
        return hidden.mean(dim=1)
    weight = mask.to(hidden.dtype)
    weight = weight / weight.sum(dim=1, keepdim=True)
    return (weight[:, None, :] @ hidden)[:, 0]
