"""Site: where something is read or edited: in the residual stream after a block, or in what one of a block's parts adds to it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.activations.layout import SELECTIONS as SELECTIONS
from jepascope.encoders.part_names import PARTS, RESIDUAL, SITES, part_of_block
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument

SCOPES = (*SELECTIONS, "background", "time:A-B")
"""What an edit can be limited to: also as many places of the background as the object has, or a slice of tubelets (A to B, from 0)."""

_TIME = re.compile(r"time:([0-9]{1,6})(?:-([0-9]{1,6}))?")


@dataclass(frozen=True)
class Site:
    """A layer (``h_layer``, after that block) plus a token selection: one of SELECTIONS, or of SCOPES where something is edited.

    ``part``: what is read and edited there: the residual stream, or what the block's attention or feed-forward ("mlp") adds to it.
    """

    layer: int
    tokens: str = "all"
    part: str = RESIDUAL

    def __post_init__(self) -> None:
        if self.part not in SITES:
            raise BadArgument(f"There is no part '{self.part[:60]}' of a block; known are {', '.join(SITES)}.")
        if self.part != RESIDUAL and self.layer < 1:
            raise BadArgument(f"Blocks count from 1: there is no {self.part} of block {self.layer}.")
        if self.tokens in SELECTIONS or self.tokens == "background":
            return
        if (span := time_span(self.tokens)) is None or span[0] > span[1]:
            raise BadArgument(
                f"There is no token selection '{self.tokens}'; known are {', '.join(SCOPES)} (say time:2 or time:0-1, in tubelets from 0)."
            )

    def __str__(self) -> str:
        where = f"layer {self.layer}" if self.part == RESIDUAL else part_of_block(self.part, self.layer)
        return f"{where}, {self.tokens} tokens"

    @property
    def between(self) -> bool:
        """Whether the residual stream is edited there before the block's feed-forward has seen it."""
        return self.part == PARTS[0]


def time_span(tokens: str) -> tuple[int, int] | None:
    """First and last tubelet of "time:A-B" or "time:A"; None for other selections."""
    span = _TIME.fullmatch(tokens)
    return None if span is None else (int(span[1]), int(span[2] or span[1]))


def time_slice(tokens: str, grid: tuple[int, int, int]) -> slice:
    """The tokens of some tubelets, which follow each other; BadArgument for those that a clip of this grid does not have."""
    span, places = time_span(tokens), grid[1] * grid[2]
    if span is None or not span[0] <= span[1] < grid[0]:
        raise BadArgument(f"Clips of {grid[0]} tubelets (0..{grid[0] - 1}) have no tokens '{tokens[:60]}'.")
    return slice(span[0] * places, (span[1] + 1) * places)


def time_mask(tokens: str, grid: tuple[int, int, int]) -> Bool[Tensor, " tokens"]:
    """The same as a mask of the grid's tokens."""
    mask = torch.zeros(grid[0] * grid[1] * grid[2], dtype=torch.bool)
    mask[time_slice(tokens, grid)] = True
    return mask


def of_beginning(object_mask: Bool[Tensor, "clips tokens"], places: int, extra: int) -> Bool[Tensor, "clips early_tokens"]:
    """Of the tokens of whole clips, those of their beginnings: the first ``places``, and ``extra`` that are of no place, nor show it."""
    return F.pad(object_mask[:, :places], (0, extra))


def background(object_mask: Bool[Tensor, "clips tokens"], grid: tuple[int, int, int], seed: int = 0) -> Bool[Tensor, "clips tokens"]:
    """As many places as the object passes, drawn among those that it does not pass; at all times, as the object's are.

    What an edit of the object's tokens is compared with: the same number of tokens that do not show it. Where the object passes more
    than half of the places, all that are left.
    """
    places = object_mask.view(len(object_mask), grid[0], -1).any(dim=1)
    order = torch.rand(places.shape, generator=torch.Generator().manual_seed(seed)).masked_fill(places, 2.0)
    rank = order.argsort(dim=1).argsort(dim=1)
    drawn = (rank < places.sum(dim=1, keepdim=True)) & ~places
    return drawn.repeat(1, grid[0])


def pool(hidden: Float[Tensor, "clips tokens width"], mask: Bool[Tensor, "clips tokens"] | None = None) -> Float[Tensor, "clips width"]:
    """Pooled activation: the mean over the selected tokens (all of them without a mask), float32 or better."""
    hidden = exact(hidden)
    if mask is None:
        return hidden.mean(dim=1)
    weight = mask.to(hidden.dtype)
    weight = weight / weight.sum(dim=1, keepdim=True)
    return (weight[:, None, :] @ hidden)[:, 0]
