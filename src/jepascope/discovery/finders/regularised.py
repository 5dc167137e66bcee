"""A covariance made regular, from moments alone, so that streamed moments give what clips give: shrunk to a sphere, or by a ridge."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.finders.directions import INDEPENDENT


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


STRENGTHS = tuple(10 ** (2 - 0.5 * step) for step in range(13))  # 100 to 1e-4, of the mean variance of a direction


def ridge_filters(
    covariance: Float64[Tensor, "width width"], cross: Float64[Tensor, "width outputs"], strength: float
) -> tuple[Float64[Tensor, "width found"], Float64[Tensor, " found"]]:
    """W = (S + strength I)^-1 cross, turned to the principal axes of its predictions; with the variance of each prediction.

    The first filter predicts what varies most of the targets, and so on.
    """
    weights = torch.linalg.solve(covariance + strength * torch.eye(len(covariance), dtype=torch.float64), cross)
    variance, axes = torch.linalg.eigh(weights.T @ covariance @ weights)
    variance, axes = variance.flip(0), axes.flip(1)
    kept = variance > INDEPENDENT**2 * variance[0]
    return (weights @ axes)[:, kept], variance[kept]


def gcv_strength(
    covariance: Float64[Tensor, "width width"],
    cross: Float64[Tensor, "width outputs"],
    total: float,
    count: int,
    shares: tuple[float, ...] = STRENGTHS,
) -> float:
    """The strength that generalised cross-validation prefers (Golub, Heath & Wahba 1979), of equals the strongest::

        (residual variance) / (1 - (1 + df) / n)^2,    df = sum_k e_k / (e_k + strength), e the eigenvalues of S

    ``total`` is the targets' variance. It stands for leaving out one clip at a time, and needs no clips.
    """
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp_min(0)
    seen = (vectors.T @ cross).square().sum(dim=1)
    best, chosen = float("inf"), 0.0
    for share in shares:
        strength = share * float(values.mean())
        residual = total - float((seen * (2 / (values + strength) - values / (values + strength).square())).sum())
        freedom = 1 - (1 + float((values / (values + strength)).sum())) / count
        score = residual / freedom**2 if freedom > 0 else float("inf")
        if score < best:
            best, chosen = score, strength
    return chosen or shares[0] * float(values.mean())
