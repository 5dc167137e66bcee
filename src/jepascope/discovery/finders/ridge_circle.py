"""ridge_circle: the plane that reads an angle as (cos, sin), or the directions that read a numeric variable's numbers."""

from __future__ import annotations

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import as_pattern, leading, no_values
from jepascope.discovery.finders.regularised import gcv_strength, ridge_filters
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace

DECLARED = (
    FinderEntry(
        name="ridge_circle",
        meaning="the directions that read an angle, or numbers, by ridge regression",
        order=5,
        takes="labelled",
        ranks="values",
    ),
    FinderEntry(
        name="ridge_circle_pattern", meaning="covariance times the directions of ridge_circle", order=5, takes="labelled", ranks="values"
    ),
)


def ridge_circle(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Span of the weights of a ridge regression to the variable's values, on raw activations: filters.

    The strength is generalised cross-validation's choice, from moments alone. Leading directions predict most of the
    values' variance. Without ``rank``: as many as there are values (2 for an angle).
    """
    moments = data.moments
    if moments.cross is None or moments.values_covariance is None:
        raise no_values("ridge_circle", data)
    total = float(moments.values_covariance.diagonal().sum())
    strength = gcv_strength(moments.covariance, moments.cross, total, moments.count)
    filters, variance = ridge_filters(moments.covariance, moments.cross, strength)
    said = {"strength": strength, "strength_rule": "generalised cross-validation", "explained": float(variance.sum()) / total}
    return leading(filters, data, data.outputs if rank is None else rank, "ridge_circle", "filter", **said)


def ridge_circle_pattern(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Covariance times the filters of ``ridge_circle`` at the same rank."""
    return as_pattern(ridge_circle(data, rank, seed), data)
