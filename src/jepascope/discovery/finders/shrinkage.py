"""Shrinkage of a covariance towards a sphere, from the covariance alone, so that streamed moments give what clips give."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor


def oas_share(covariance: Float64[Tensor, "width width"], count: int) -> float:
    """Share of the sphere in the oracle approximating shrinkage (OAS; Chen, Wiesel, Eldar & Hero 2010, in scikit-learn's form)::

    min(1, (a + m^2) / ((n + 1) (a - m^2 / d))),    a the mean squared entry, m the mean variance, d the width, n the count
    """
    width = len(covariance)
    entry, variance = float(covariance.square().mean()), float(covariance.diagonal().mean())
    bottom = (count + 1) * (entry - variance**2 / width)
    return 1.0 if bottom <= 0 else min(1.0, (entry + variance**2) / bottom)


def shrunk(covariance: Float64[Tensor, "width width"], share: float) -> Float64[Tensor, "width width"]:
    """(1 - share) S + share tr(S)/d I. A rotation of the space turns it along."""
    sphere = torch.eye(len(covariance), dtype=torch.float64) * covariance.diagonal().mean()
    return (1 - share) * covariance + share * sphere


def whitening(covariance: Float64[Tensor, "width width"]) -> tuple[Float64[Tensor, "width width"], Float64[Tensor, "width width"]]:
    """S^(-1/2) and S^(1/2), symmetric. Eigenvalues under width x float64's epsilon x the largest count as zero (pseudo-inverse)."""
    values, vectors = torch.linalg.eigh(covariance)
    kept = values > values[-1] * len(values) * torch.finfo(torch.float64).eps
    root = torch.where(kept, values, 0.0).sqrt()
    inverse = torch.where(kept, 1 / torch.where(kept, root, 1.0), 0.0)
    return (vectors * inverse) @ vectors.T, (vectors * root) @ vectors.T
