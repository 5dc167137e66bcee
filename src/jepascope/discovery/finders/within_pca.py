"""within_pca: the principal axes of what varies inside classes."""

from __future__ import annotations

import torch

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import class_rank, leading
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace

DECLARED = FinderEntry(
    name="within_pca", meaning="the principal axes of what varies inside classes: knows nothing of the variable", order=3, takes="labelled"
)


def within_pca(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """The ``rank`` leading eigenvectors of the covariance about each clip's own class mean, every clip counted alike: the
    *nuisance* reading of "class-conditional PCA". By construction it knows nothing of the variable; it is a control.

    Without ``rank``: classes - 1, to match the other finders.
    """
    vectors = torch.linalg.eigh(data.moments.within)[1].flip(1)
    return leading(vectors, data, class_rank(data, rank), "within_pca", "pattern", reading="nuisance")
