"""class_pca, the principal axes of the class means, and within_pca, those of what varies inside classes: the two readings of
"class-conditional PCA". The second knows nothing of the variable, and is a control.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import class_rank, described, leading
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace

DECLARED = (
    FinderEntry(
        name="class_pca",
        closed_form=True,
        meaning="the principal axes of the class means",
        order=2,
        takes="labelled",
        ranks="classes",
        spans_means=True,
    ),
    FinderEntry(
        name="within_pca",
        closed_form=True,
        meaning="the principal axes of what varies inside classes: knows nothing of the variable",
        order=3,
        takes="labelled",
    ),
)


def class_pca(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """The ``rank`` leading principal axes of the class means, centred and every class counted alike ("class-conditional PCA"
    read as between-class PCA; ``within_pca`` is the other reading).

    Below full rank these axes hold most of the variance between class means, whichever classes cause it. At full rank
    (classes - 1) they span what diff_means spans: a theorem.
    """
    moments = data.moments
    rank = moments.classes - 1 if rank is None else rank
    axes = Subspace.spanned_by(moments.centred_means.T, moments.mean, rank, finder="class_pca")
    return replace(axes, provenance=described(data, rank, "class_pca", "pattern"))


def within_pca(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """The ``rank`` leading eigenvectors of the covariance about each clip's own class mean, every clip counted alike: the
    *nuisance* reading of "class-conditional PCA". By construction it knows nothing of the variable; it is a control.

    Without ``rank``: classes - 1, to match the other finders.
    """
    vectors = torch.linalg.eigh(data.moments.within)[1].flip(1)
    return leading(vectors, data, class_rank(data, rank), "within_pca", "pattern", reading="nuisance")
