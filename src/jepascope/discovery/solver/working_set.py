"""Which coordinates a sparse fit needs to look at.

Most weights of a sparse fit are zero, and most of those are seen to be from the fit before: the sequential strong rule
(Tibshirani et al. 2012) leaves out a coordinate whose gradient at the last strength is below ``2 l1 - l1 before``. That rule can err, so
it only says where to begin: a fit ends when its gap holds on *all* coordinates, and until then those that break their
bound are let in. The coordinates of a design that any of its variants needs are gathered into a smaller design; each variant is kept
to its own by an unpayable strength on the others, so that it is solved as if it were alone.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

UNPAYABLE = 1e30  # a strength that keeps a coordinate out; finite, for infinity times a weight of zero is not a number
WORTHWHILE = 0.8  # of the columns: gathering more than these costs more than it saves
MULTIPLE = 16  # of columns, which matrix products like


def strong(
    slope: Float[Tensor, "designs variants _ columns"],
    state: Float[Tensor, "designs variants classes columns"],
    l1: Float[Tensor, "designs variants 1 columns"],
    l1_before: Float[Tensor, "designs variants 1 1"],
) -> Bool[Tensor, "designs variants columns"]:
    """Coordinates to begin with: those in use, those without L1, and those that the strong rule does not leave out."""
    kept = (slope >= 2 * l1 - l1_before) | (l1 == 0)
    return kept.any(dim=2) | (state != 0).any(dim=2)


def gathered(member: Bool[Tensor, "designs variants columns"]) -> Int[Tensor, "designs some"] | None:
    """The columns that any variant of a design needs, in order, filled up with others to one number for all designs; None:
    all of them."""
    needed = member.any(dim=1)
    columns = member.shape[2]
    most = -(-int(needed.sum(dim=1).max()) // MULTIPLE) * MULTIPLE
    if most > WORTHWHILE * columns:
        return None
    return needed.to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :most].sort(dim=1).values
