"""top_pca: the largest principal axes of pooled activations."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.discovery.labelled import Labelled
from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="top_pca",
    meaning="the largest principal axes of pooled activations",
    order=5,
    made="fixed",
    words="largest axes",
    doer="the largest principal axes",
)


def top_pca(data: Labelled, rank: int, seed: int) -> Float[Tensor, "width rank"]:
    """The ``rank`` leading eigenvectors of the covariance of all clips."""
    axes: Tensor = torch.linalg.eigh(Moments.of(data.x).covariance).eigenvectors.flip(1)[:, :rank]
    return axes.float().contiguous()
