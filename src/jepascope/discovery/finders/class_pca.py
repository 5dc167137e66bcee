"""class_pca: the principal axes of the class means."""

from __future__ import annotations

from dataclasses import replace

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import described
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace

DECLARED = FinderEntry(
    name="class_pca", meaning="the principal axes of the class means", order=2, takes="labelled", ranks="classes", spans_means=True
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
