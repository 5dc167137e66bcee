"""Controls in which nothing is random: top_pca, the largest principal axes, and nuisance, those within classes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.intervention.control_entry import ControlEntry

DECLARED = (
    ControlEntry(
        name="top_pca",
        meaning="the largest principal axes of pooled activations",
        order=5,
        made="fixed",
        asked=False,
        words="PCA of equal rank",
        brief="PCA",
        doer="the largest principal axes",
        look=("purple", "*", "long", "oo"),
    ),
    ControlEntry(
        name="nuisance",
        meaning="the largest principal axes within classes",
        order=10,
        made="fixed",
        words="axes within classes",
        doer="the largest axes within classes",
    ),
)


def top_pca(data: Labelled, rank: int, seed: int) -> Float[Tensor, "width rank"]:
    """The ``rank`` leading eigenvectors of the covariance of all clips."""
    axes: Tensor = torch.linalg.eigh(Moments.of(data.x).covariance).eigenvectors.flip(1)[:, :rank]
    return axes.float().contiguous()


def nuisance(data: Labelled, rank: int, seed: int) -> Float[Tensor, "width rank"]:
    """What the finder within_pca finds."""
    return find("within_pca", data, rank, seed).basis
