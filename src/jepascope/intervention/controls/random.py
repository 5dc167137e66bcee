"""random: random directions of equal rank, orthogonal to the subspaces studied."""

from __future__ import annotations

import numpy as np

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.control_entry import ControlEntry
from jepascope.intervention.controls import Covariance, Drawn, Free, haar

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


def random(subspace: Subspace, covariance: Covariance, free: Free, draws: int, rng: np.random.Generator) -> Drawn:
    """Haar: every direction alike."""
    return haar(free, subspace.rank, draws, rng)
