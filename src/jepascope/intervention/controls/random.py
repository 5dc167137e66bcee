"""random: random directions of equal rank, orthogonal to the subspaces studied."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.control_entry import ControlEntry
from jepascope.intervention.controls import haar

DECLARED = ControlEntry(
    name="random",
    meaning="random directions of equal rank, orthogonal to the subspaces studied",
    order=1,
    asked=False,
    floor=True,
    surveyed=True,
    complement=True,
    stream=0,
    words="random directions",
    doer="random directions",
    look=("grey", "s", "short", "///"),
)


def random(
    subspace: Subspace,
    covariance: Float[Tensor, "width width"],
    free: Float64[Tensor, "width free"],
    draws: int,
    rng: np.random.Generator,
) -> Float64[Tensor, "draws width rank"]:
    """Haar: every direction alike."""
    return haar(free, subspace.rank, draws, rng)
