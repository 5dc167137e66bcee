"""norm: random directions whose edit of every token has the norm of the true edit."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.control_entry import ControlEntry
from jepascope.intervention.controls import haar

DECLARED = ControlEntry(
    name="norm",
    meaning="random directions whose edit of every token has the norm of the true edit",
    order=4,
    asked=False,
    matches="norm",
    complement=True,
    rescale=True,
    stream=3,
    words="norm-matched",
    doer="random edits of the same size",
    look=("vermilion", "v", "longer", "---"),
)


def norm(
    subspace: Subspace,
    covariance: Float[Tensor, "width width"],
    free: Float64[Tensor, "width free"],
    draws: int,
    rng: np.random.Generator,
) -> Float64[Tensor, "draws width rank"]:
    """Haar; the edits are rescaled when they are made."""
    return haar(free, subspace.rank, draws, rng)
