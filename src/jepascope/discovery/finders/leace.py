"""leace: the least change of activations after which no linear reader does better than a constant."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import INDEPENDENT, class_rank, leading
from jepascope.discovery.finders.regularised import oas_share, shrunk, whitening
from jepascope.discovery.labelled import Labelled, LabelMoments
from jepascope.discovery.subspace import Subspace

DECLARED = (
    FinderEntry(
        name="leace", closed_form=True, meaning="what the eraser of all linear readers reads", order=7, takes="labelled", ranks="classes"
    ),
    FinderEntry(
        name="leace_pattern",
        closed_form=True,
        meaning="what the eraser of all linear readers takes away",
        order=7,
        takes="labelled",
        ranks="classes",
        spans_means=True,
    ),
)


@dataclass(frozen=True)
class LeaceEraser:
    """x - W^+ P W (x - mean), with W = S^(-1/2) and P the projection on the span of W S_xz (Belrose et al. 2023, theorem 4.3).

    S_xz is the covariance of x with the one-hot label. An oblique projection: ``filters`` (W U, what is read off) times
    ``patterns`` (W^+ U, what is taken away), U the left singular vectors of W S_xz, largest singular value first. Whatever the
    shrinkage of S the label's covariance with the erased x is zero; without shrinkage no affine map with that property
    changes x less.
    """

    mean: Float64[Tensor, " width"]
    filters: Float64[Tensor, "width found"]
    patterns: Float64[Tensor, "width found"]
    shrinkage: float

    @classmethod
    def fit(cls, moments: LabelMoments, shrinkage: float | None = None) -> LeaceEraser:
        """From moments, in float64. ``shrinkage`` is the share of the sphere in S: OAS by default, 0 for none.

        Without shrinkage a singular S is pseudo-inverted: eigenvalues under width x epsilon x the largest are cut.
        """
        share = oas_share(moments.covariance, moments.count) if shrinkage is None else shrinkage
        whiten, colour = whitening(shrunk(moments.covariance, share))
        left, singular, _ = torch.linalg.svd(whiten @ moments.class_cross, full_matrices=False)
        left = left[:, singular > INDEPENDENT * singular[0]]
        return cls(moments.mean, whiten @ left, colour @ left, share)

    def erase(self, x: Float[Tensor, "*batch width"]) -> Float[Tensor, "*batch width"]:
        """x without what a linear reader could tell the class from, in x's own precision."""
        mean, filters, patterns = (part.to(x.device) for part in (self.mean, self.filters, self.patterns))
        return (x.double() - ((x.double() - mean) @ filters) @ patterns.T).to(x.dtype)


def leace(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """What the eraser reads: S^-1 S_xz, the directions that tell most of the label first (canonical correlations with the classes).

    Without shrinkage that is lda's span (S = S_w + S_b).
    """
    eraser = LeaceEraser.fit(data.moments)
    said = {"shrinkage": eraser.shrinkage, "near": "lda: without shrinkage both filters span the same at rank classes - 1"}
    return leading(eraser.filters, data, class_rank(data, rank), "leace", "filter", **said)


def leace_pattern(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """What the eraser takes away: S times its filters. At full rank the span of the class means, whatever the shrinkage."""
    eraser = LeaceEraser.fit(data.moments)
    return leading(eraser.patterns, data, class_rank(data, rank), "leace_pattern", "pattern", shrinkage=eraser.shrinkage)
