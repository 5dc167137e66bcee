"""lda: the directions that best separate class means relative to the spread within classes."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import INDEPENDENT, class_rank, leading
from jepascope.discovery.finders.regularised import oas_share, shrunk, whitening
from jepascope.discovery.labelled import Labelled, LabelMoments
from jepascope.discovery.subspace import Subspace

DECLARED = (
    FinderEntry(
        name="lda",
        closed_form=True,
        meaning="the directions that separate class means best, for the spread inside classes",
        order=6,
        takes="labelled",
        ranks="classes",
    ),
    FinderEntry(
        name="lda_pattern", closed_form=True, meaning="what those of lda move", order=6, takes="labelled", ranks="classes", spans_means=True
    ),
)


def lda(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Span of the ``rank`` leading discriminants (Fisher 1936; Rao 1948): filters, S_w^-1 (class means) at full rank.

    S_w is shrunk towards a sphere by OAS, from moments alone; the share is in the provenance.
    """
    share = oas_share(data.moments.within, data.moments.count)
    return leading(discriminants(data.moments, share)[0], data, class_rank(data, rank), "lda", "filter", shrinkage=share)


def lda_pattern(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """(S_w as lda shrinks it + S_b) times the discriminants: what they move (Haufe et al. 2014).

    At full rank S_w cancels and what is left is the span of the class means: a theorem, whatever the shrinkage.
    """
    rank, share = class_rank(data, rank), oas_share(data.moments.within, data.moments.count)
    return leading(discriminants(data.moments, share)[1], data, rank, "lda_pattern", "pattern", shrinkage=share)


def discriminants(moments: LabelMoments, share: float) -> tuple[Float64[Tensor, "width found"], Float64[Tensor, "width found"]]:
    """Filters v with S_b v = ratio S_w v, largest ratio first, and their patterns.

    S_b counts every clip alike. The pattern (S_w + S_b) v = (1 + ratio) S_w v; its length plays no part.
    """
    whiten, colour = whitening(shrunk(moments.within, share))
    apart = (moments.means - moments.mean) * (moments.counts / moments.count).sqrt()[:, None]
    left, ratios, _ = torch.linalg.svd(whiten @ apart.T, full_matrices=False)
    left = left[:, ratios > INDEPENDENT * ratios[0]]
    return whiten @ left, colour @ left
