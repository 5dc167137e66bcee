"""nuisance: the largest principal axes within classes."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="nuisance",
    meaning="the largest principal axes within classes",
    order=6,
    made="fixed",
    words="axes within classes",
    doer="the largest axes within classes",
)


def nuisance(data: Labelled, rank: int, seed: int) -> Float[Tensor, "width rank"]:
    """What the finder within_pca finds."""
    return find("within_pca", data, rank, seed).basis
