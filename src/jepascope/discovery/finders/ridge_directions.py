"""Ridge regression from moments: the filters that predict targets, in the order of what they predict."""

from __future__ import annotations

import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.finders.directions import INDEPENDENT

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
