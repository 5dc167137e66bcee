"""Mean and covariance of activations, streamed in float64: batches in any number and order give what one batch gives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.errors import BadArgument, BadData


@dataclass(frozen=True)
class Moments:
    """First and second moments of ``count`` vectors. The covariance divides by ``count`` (it describes these vectors)."""

    count: int
    mean: Float[Tensor, " width"]
    covariance: Float[Tensor, "width width"]

    def variance_in(self, basis: Float[Tensor, "width rank"]) -> float:
        """Variance inside the span of an orthonormal basis: trace(U' Cov U)."""
        u = basis.to(self.covariance)
        return float(((self.covariance @ u) * u).sum())

    @property
    def variance(self) -> float:
        """Total variance, the trace of the covariance."""
        return float(self.covariance.trace())


class MomentsFitter:
    """``update`` with batches of vectors, then ``fit``. Memory: one width x width matrix, whatever the number of vectors."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._count = 0
        self._mean = torch.zeros(width, dtype=torch.float64)
        self._scatter = torch.zeros(width, width, dtype=torch.float64)

    def update(self, x: Float[Tensor, "vectors width"]) -> MomentsFitter:
        """Add vectors. Raises BadData at NaN or infinite values, before they spoil what was gathered."""
        if x.ndim != 2 or x.shape[1] != self.width:
            raise BadArgument(f"These moments are of vectors of width {self.width}; got a tensor of shape {tuple(x.shape)}.")
        if not bool(torch.isfinite(x).all()):
            raise BadData("A batch of activations holds NaN or infinite values; its moments do not exist. Check the encoder's precision.")
        added = x.shape[0]
        if added:
            wide = x.detach().to(self._mean)
            mean = wide.mean(dim=0)
            centred = wide - mean
            self._merge(added, mean, centred.T @ centred)
        return self

    def merge(self, other: MomentsFitter) -> MomentsFitter:
        """Take in what another fitter has seen (another shard, another process)."""
        if other.width != self.width:
            raise BadArgument(f"Moments of widths {self.width} and {other.width} cannot be merged.")
        if other._count:
            self._merge(other._count, other._mean, other._scatter)
        return self

    def _merge(self, count: int, mean: Tensor, scatter: Tensor) -> None:
        """Chan, Golub & LeVeque (1983), equation 2.1: exact, and stable where sums of squares cancel."""
        total = self._count + count
        apart = mean - self._mean
        self._scatter = self._scatter + scatter + torch.outer(apart, apart) * (self._count * count / total)
        self._mean = self._mean + apart * (count / total)
        self._count = total

    def fit(self) -> Moments:
        """The moments so far. Raises BadData when no vector has been seen."""
        if self._count == 0:
            raise BadData("No activations were given, so there are no moments; update the fitter first.")
        return Moments(self._count, self._mean.clone(), self._scatter / self._count)
