"""Many draws of a control that are never run: what the surrogate's mean over the control is taken from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.arrays import ArrayLike
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.control_entry import CONTROLS, found_ones
from jepascope.intervention.controls import drawn_bases, room_beside, square

RESCALED = 400  # of a control whose edits are rescaled token by token: each has to be looked at; and of somebody's own
SEARCHED = 1000  # of one that takes a search for each
STREAM = 2  # beside the draws that are run and what carries edits over


@dataclass(frozen=True)
class ManyDraws:
    """``projector``: the mean of V V^T, which is all that the mean of a first-order effect depends on, as it is linear in it. ``bases``
    where that is not so: each token's edit is rescaled. ``count``: how many draws they stand for."""

    projector: Float64[Tensor, "width width"]
    bases: Float[Tensor, "draws width rank"] | None
    count: int


def many_draws(
    subspace: Subspace,
    covariance: ArrayLike,
    count: int,
    seed: int,
    names: Sequence[str],
    avoid: ArrayLike | None = None,
    shuffled: Sequence[Subspace] | Mapping[str, Sequence[Subspace]] | None = None,
) -> Mapping[str, ManyDraws]:
    """Of each control: ``count`` draws of the same kind as those of ``matched_controls``, independent of them. Found ones are given
    (``shuffled``, at most as many, also none), since they take a fit each; a control that has none is left out."""
    matrix, free = square(covariance, "The covariance", subspace.width), room_beside(subspace, avoid)
    many, found = {}, found_ones(shuffled)
    for name in names:
        entry = CONTROLS.entry(name)
        most = RESCALED if entry.rescale or name not in CONTROLS.own else SEARCHED if entry.searched else count
        draws = len(found.get(name, ())) if entry.made == "found" else min(count, most)
        if entry.carried:  # in every direction and its opposite equally often: its mean is nothing, and no draw has to be looked at
            many[name] = ManyDraws(torch.zeros_like(matrix, dtype=torch.float64), None, draws)
        elif draws:
            bases = drawn_bases(name, subspace, matrix, free, draws, [seed, entry.seed, STREAM], found.get(name))
            many[name] = ManyDraws(mean_projector(bases), bases.float() if entry.rescale else None, draws)
    return many


def mean_projector(bases: Float[Tensor, "draws width rank"]) -> Float64[Tensor, "width width"]:
    """The mean of V V^T: all columns side by side, so that the sum over draws is one product."""
    columns = bases.double().transpose(0, 1).flatten(1)
    return columns @ columns.T / len(bases)
