"""Mean and covariance of more vectors than fit in memory: a fitter that streams, a frozen result."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.errors import BadData


@dataclass(frozen=True)
class Moments:
    """Number of vectors, their mean and their covariance (divided by the count, so that it is the mean of outer products)."""

    count: int
    mean: Float64[Tensor, " width"]
    covariance: Float64[Tensor, "width width"]

    @classmethod
    def of(cls, x: Float[Tensor, "vectors width"]) -> Moments:
        """Moments of vectors at hand, in float64."""
        if not len(x):
            raise BadData("No vectors were given; mean and covariance need at least one.")
        exact = x.double()
        mean = exact.mean(dim=0)
        centred = exact - mean
        return cls(len(x), mean.cpu(), (centred.T @ centred).div_(len(x)).cpu())

    def packed(self) -> Float64[Tensor, " triangle"]:
        """The covariance's lower triangle row by row, diagonal included: half the numbers, and all of them, since it is symmetric."""
        rows, columns = torch.tril_indices(len(self.mean), len(self.mean))
        return self.covariance[rows, columns]

    @classmethod
    def unpacked(cls, count: int, mean: Float64[Tensor, " width"], triangle: Float64[Tensor, " triangle"]) -> Moments:
        """Moments whose covariance was ``packed``."""
        rows, columns = torch.tril_indices(len(mean), len(mean))
        covariance = torch.empty(len(mean), len(mean), dtype=torch.float64)
        covariance[rows, columns] = triangle
        covariance[columns, rows] = triangle
        return cls(count, mean, covariance)


class MomentsFitter:
    """Streams vectors into moments. ``update`` in any cut gives what one batch of all gives, up to float64 rounding.

    Batches are merged by their counts, means and scatter matrices (Chan, Golub & LeVeque 1979), so nothing is ever
    subtracted from a large uncentred sum.
    """

    def __init__(self, width: int) -> None:
        self.count = 0
        self.mean = torch.zeros(width, dtype=torch.float64)
        self.scatter = torch.zeros(width, width, dtype=torch.float64)

    def update(self, x: Float[Tensor, "vectors width"]) -> MomentsFitter:
        """Add vectors."""
        return self.merge(Moments.of(x)) if len(x) else self

    def merge(self, other: Moments) -> MomentsFitter:
        """Add vectors that were already summed up."""
        total = self.count + other.count
        delta = other.mean - self.mean
        self.scatter += other.covariance * other.count
        self.scatter += torch.outer(delta, delta) * (self.count * other.count / total)
        self.mean += delta * (other.count / total)
        self.count = total
        return self

    def fit(self) -> Moments:
        """The frozen result."""
        if not self.count:
            raise BadData("No vectors were given; mean and covariance need at least one.")
        covariance = self.scatter / self.count
        return Moments(self.count, self.mean.clone(), (covariance + covariance.T) / 2)
