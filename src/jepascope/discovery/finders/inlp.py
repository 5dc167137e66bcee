"""inlp: linear readers fitted one after another, each in what the earlier ones left."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import as_pattern, class_rank, leading
from jepascope.discovery.finders.regularised import oas_share, ridge_filters
from jepascope.discovery.labelled import Labelled, LabelMoments
from jepascope.discovery.subspace import Subspace

DECLARED = (
    FinderEntry(
        name="inlp",
        meaning="linear readers one after another, each in what the earlier ones left",
        order=8,
        takes="labelled",
        peels="labels",
    ),
    FinderEntry(name="inlp_pattern", meaning="covariance times the directions of inlp", order=8, takes="labelled"),
)

SPENT = 1e-10  # explained share of the labels' variance at which nothing is left to read


def inlp(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """The directions that iterated nullspace projection takes away (Ravfogel et al. 2020): filters, round after round.

    The reader of every round is a ridge classifier (least squares on one-hot labels) of one fixed strength, so that
    moments suffice and a rotation of the space turns the result along. A round takes classes - 1 directions; ``rank``
    cuts the last one after its leading directions. Without ``rank``: the first round alone.
    """
    rank, strength = class_rank(data, rank), inlp_strength(data.moments)
    directions, sizes = rounds(data.moments, rank, strength)
    return leading(directions, data, rank, "inlp", "filter", rounds=len(sizes), strength=strength, strength_rule="OAS, fixed over rounds")


def inlp_pattern(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Covariance times the filters of ``inlp`` at the same rank."""
    return as_pattern(inlp(data, rank, seed), data)


def inlp_strength(moments: LabelMoments) -> float:
    """The ridge that equals shrinking the covariance by its OAS share (to a factor): share / (1 - share) x mean variance."""
    share = oas_share(moments.covariance, moments.count)
    return min(share / max(1 - share, 1e-3), 1e3) * float(moments.covariance.diagonal().mean())


def rounds(moments: LabelMoments, rank: int, strength: float) -> tuple[Float64[Tensor, "width directions"], list[int]]:
    """Orthonormal directions in the order found, at least ``rank`` where there are as many, and how many each round gave.

    Each round fits (S_r + strength I)^-1 S_xz,r in coordinates of the null space so far. It ends early when the label's
    covariance with what is left is spent: then no linear reader is left to fit.
    """
    width = moments.width
    total = float(1 - (moments.counts / moments.count).square().sum())  # variance of the one-hot labels
    left = torch.eye(width, dtype=torch.float64)
    directions, sizes = left[:, :0], list[int]()
    while directions.shape[1] < min(rank, width - 1):
        filters, variance = ridge_filters(left.T @ moments.covariance @ left, left.T @ moments.class_cross, strength)
        if float(variance.sum()) <= SPENT * total:
            break
        filters = filters[:, : min(moments.classes, width - directions.shape[1]) - 1]
        turned, _ = torch.linalg.qr(filters / filters.norm(dim=0), mode="complete")
        size = filters.shape[1]
        directions, left = torch.cat([directions, left @ turned[:, :size]], dim=1), left @ turned[:, size:]
        sizes.append(size)
    return directions, sizes
