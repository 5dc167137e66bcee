"""Erasure of everything that goes along with a subspace: what a fresh read-out finds afterwards was not read by the subspace."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.moments import Moments

SMALLEST = 1e-8  # of the largest variance inside the subspace: directions below it hold nothing to erase


def erase(x: Float[Tensor, "clips width"], basis: Float[Tensor, "width rank"], moments: Moments) -> Float[Tensor, "clips width"]:
    """x - S U (U' S U)^-1 U' (x - m): x without what is linearly predictable from its coordinates in the subspace.

    The whitened counterpart of mean ablation: in coordinates with unit covariance it is the orthogonal projection. S and m are the
    covariance and mean of fit clips (``moments``), so that on these nothing that is left correlates with U'x.
    """
    u = basis.double()
    inside = u.T @ moments.covariance @ u
    values, vectors = torch.linalg.eigh((inside + inside.T) / 2)
    kept = values > SMALLEST * values[-1]
    inverse = vectors[:, kept] / values[kept] @ vectors[:, kept].T
    gain = moments.covariance @ u @ inverse
    left: Tensor = x.double() - (x.double() - moments.mean) @ u @ gain.T
    return left.float()
