"""class_pca: the principal axes of the class means."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.finders.class_means import class_means
from jepascope.discovery.subspace import Subspace


def class_pca(
    x: Float[Tensor, "clips width"],
    y: Int[Tensor, " clips"],
    rank: int | None = None,
    seed: int = 0,
    groups: Int[Tensor, " clips"] | None = None,
) -> Subspace:
    """The ``rank`` leading principal axes of the class means, centred and every class counted alike ("class-conditional PCA"
    read as between-class PCA; the within-class reading is another finder).

    Below full rank these axes hold most of the variance between class means, whichever classes cause it. At full rank
    (classes - 1) they span what diff_means spans: a theorem. ``seed`` and ``groups`` are the shared signature's; nothing
    here is random.
    """
    means = class_means(x, y)
    classes = len(means)
    rank = classes - 1 if rank is None else rank
    provenance: dict[str, object] = {"finder": "class_pca", "classes": classes, "clips": len(y)}
    if rank == classes - 1:
        provenance["coincides"] = "diff_means: at rank classes - 1 both are the span of the centred class means"
    found = Subspace.spanned_by((means - means.mean(dim=0)).T, x.double().mean(dim=0), rank, **provenance)
    found.provenance["rank"] = rank
    return found
