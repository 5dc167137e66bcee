"""Conditions: every basis and dose that is run at a site, each once, with the finders whose row it fills."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.controls import ControlDraw, Matched
from jepascope.intervention.edit_entry import takes_over


@dataclass(frozen=True)
class Owner:
    """Whose row a condition fills: a finder's own subspace (``matched`` is None) or one draw of one of its controls."""

    finder: str
    control: str
    draw: int
    matched: Matched | None


@dataclass(frozen=True)
class Condition:
    """One row of what is run: a basis at a dose, and whose it is. Equal conditions of several finders are run once.

    ``rescale``: each token's edit gets the norm of the true edit. ``carried``: the coordinates of the displacement in the true
    basis are used on this one (see ``merged``).
    """

    basis: Float[Tensor, "width rank"]
    true_basis: Float[Tensor, "width true_rank"]
    mean: Float[Tensor, " width"]
    rescale: bool
    carried: bool
    dose: float
    owners: list[Owner] = field(default_factory=list)

    @property
    def key(self) -> tuple[bytes, ...]:
        """Equal for conditions that compute the same (the true edit matters only where it is matched)."""
        parts = [self.basis, self.mean, *([self.true_basis] if self.rescale or self.carried else [])]
        return (*(part.numpy().tobytes() for part in parts), np.float64(self.dose).tobytes())


def merged(
    subspaces: Mapping[str, Subspace], controls: Mapping[str, Sequence[ControlDraw]], doses: Sequence[float], edit: str = "ablate"
) -> list[Condition]:
    """All conditions of one edit, each once, whoever shares it.

    Steering moves every token by a difference of class means, and a subspace that spans the class means holds all of it: its
    projection on a control drawn in the complement would be zero, and the control would compare with doing nothing. So for
    edits that carry (``steer``, ``rotate``) the complement's controls take the true edit's coordinates: V U^T r, the same step elsewhere.
    A control that carries (``carried``) does so for every edit.
    """
    unique: dict[tuple[bytes, ...], Condition] = {}
    for finder, subspace in subspaces.items():
        own = [(subspace.basis, False, False, Owner(finder, "subspace", 0, None))]
        for draw in controls.get(finder, ()):
            carried = takes_over(draw.name, edit)
            own.append(
                (
                    draw.frame if carried else draw.basis,
                    draw.rescale and not carried,
                    carried,
                    Owner(finder, draw.name, draw.draw, draw.matched),
                )
            )
        for basis, rescale, carried, owner in own:
            for dose in doses:
                condition = Condition(basis, subspace.basis, subspace.mean, rescale, carried, dose)
                unique.setdefault(condition.key, condition).owners.append(owner)
    return list(unique.values())


def alike(conditions: Sequence[Condition], by_mean: bool) -> list[list[int]]:
    """Conditions that can share a batch: of equal rank, rescaled or carried or neither, and ablated towards the same mean."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for i, condition in enumerate(conditions):
        mean = condition.mean.numpy().tobytes() if by_mean else b""
        groups.setdefault((condition.basis.shape[1], condition.rescale, condition.carried, mean), []).append(i)
    return list(groups.values())


def owned(conditions: Sequence[Condition], finders: Sequence[str]) -> list[tuple[int, Owner]]:
    """(condition, owner), finder by finder in the order given: tables don't depend on what was shared."""
    rows = [(i, owner) for i, condition in enumerate(conditions) for owner in condition.owners]
    order = {finder: place for place, finder in enumerate(finders)}
    return sorted(rows, key=lambda row: order[row[1].finder])
