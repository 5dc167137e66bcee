"""diff_means: the largest differences between class means, one after another."""

from __future__ import annotations

import torch
from torch import Tensor

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import described
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument

DECLARED = FinderEntry(
    name="diff_means",
    closed_form=True,
    meaning="the largest differences of class means",
    order=1,
    takes="labelled",
    ranks="classes",
    spans_means=True,
)

NEGLIGIBLE = 1e-6  # of the largest difference


def diff_means(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Span of ``rank`` differences of class means: the two classes furthest apart first, then the pair furthest apart in
    what that direction leaves over, and so on (a pivoted Gram-Schmidt over all pairs of classes).

    At rank 1 it is the classical difference in means of the two most different classes. At full rank (classes - 1) the
    differences span the centred class means, so the subspace *is* that of class_pca: a theorem, not a finding. (Leading
    singular vectors of all differences would be class_pca at every rank, since sum_ab (m_a - m_b)(m_a - m_b)' equals
    2 classes x the scatter of the means.)
    """
    means, classes = data.moments.means, data.classes
    rank = classes - 1 if rank is None else rank
    low, high = torch.triu_indices(classes, classes, offset=1)
    left = means[high] - means[low]
    largest = left.norm(dim=1).max()
    basis: list[Tensor] = []
    for _ in range(rank):
        size = left.norm(dim=1)
        pair = int(size.argmax())
        if not float(size[pair]) > NEGLIGIBLE * float(largest):
            raise BadArgument(
                f"At {data.where} the class means differ in {len(basis)} direction(s), not in the {rank} asked for; ask for a lower rank."
            )
        direction = left[pair] / size[pair]
        for earlier in basis:  # once more, against rounding
            direction = direction - (direction @ earlier) * earlier
        direction = direction / direction.norm()
        basis.append(direction)
        left = left - torch.outer(left @ direction, direction)
    return Subspace(torch.stack(basis, dim=1).float(), data.moments.mean.float(), described(data, rank, "diff_means", "pattern"))
