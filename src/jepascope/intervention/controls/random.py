"""random: random directions of equal rank, orthogonal to the subspaces studied; and whole, those of the whole space."""

from __future__ import annotations

import numpy as np
import torch

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.control_entry import ControlEntry
from jepascope.intervention.controls import Covariance, Drawn, Free, haar

DECLARED = (
    ControlEntry(
        name="random",
        meaning="random directions of equal rank, orthogonal to the subspaces studied",
        order=1,
        asked=False,
        floor=True,
        surveyed=True,
        complement=True,
        stream=0,
        words="random directions",
        brief="random",
        doer="random directions",
        look=("grey", "s", "short", "///"),
    ),
    ControlEntry(
        name="whole",
        meaning="random directions of equal rank in the whole space, those of the subspace among them",
        order=8,
        asked=False,
        beside=True,
        words="random, whole space",
        doer="random directions of the whole space",
        look=("grey", "x", "dotted", "..."),
    ),
)


def random(subspace: Subspace, covariance: Covariance, free: Free, draws: int, rng: np.random.Generator) -> Drawn:
    """Haar: every direction alike."""
    return haar(free, subspace.rank, draws, rng)


def whole(subspace: Subspace, covariance: Covariance, free: Free, draws: int, rng: np.random.Generator) -> Drawn:
    """Haar in the whole space, as published ratios have it: it may hold some of the subspace, and of what others are kept from."""
    return haar(torch.eye(subspace.width, dtype=torch.float64), subspace.rank, draws, rng)
