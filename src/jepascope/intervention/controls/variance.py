"""variance: random directions that hold as much of the tokens' variance as the subspace."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.control_entry import ControlEntry
from jepascope.intervention.controls import Covariance, Drawn, Free, ambient, removed_variance

DECLARED = ControlEntry(
    name="variance",
    meaning="random directions that hold as much of the tokens' variance as the subspace",
    order=2,
    asked=False,
    floor=True,
    matches="variance",
    complement=True,
    searched=True,
    stream=1,
    words="variance-matched",
    doer="variance-matched directions",
    look=("orange", "^", "long", "xxx"),
)

TRACE_TOLERANCE = 1e-9  # relative, where the bisection stops


def variance(subspace: Subspace, covariance: Covariance, free: Free, draws: int, rng: np.random.Generator) -> Drawn:
    """The variance of the subspace itself."""
    return variance_matched(free, covariance, removed_variance(subspace.basis, covariance), subspace.rank, draws, rng)


def variance_matched(free: Free, covariance: Covariance, target: float, rank: int, draws: int, rng: np.random.Generator) -> Drawn:
    """Random subspaces V in the span of ``free`` with tr(V^T S V) = target, or as near as that span allows.

    In the eigenbasis of S restricted to the span (eigenvalues L), V = orth(L^a G) with G Gaussian: a = 0 is Haar, a -> inf
    the top eigenvectors, a -> -inf the bottom ones. The trace grows with a, because with P the projector on V

        d tr(P L) / da = sum_ij |P_ij|^2 (L_i - L_j)(log L_i - log L_j) >= 0,

    so bisection finds the one a that matches. A target beyond the ends gets the end itself.
    """
    exact = free.T @ covariance.double() @ free
    values, vectors = torch.linalg.eigh((exact + exact.T) / 2)
    values, vectors = values.flip(0), vectors.flip(1)
    gaussian = ambient(free @ vectors, rank, draws, rng)
    log = values.clamp(min=values[0] * 1e-12).log()
    if target >= float(values[:rank].sum()):
        chosen = torch.eye(len(values), rank, dtype=torch.float64).expand(draws, -1, -1)
    elif target <= float(values[-rank:].sum()):
        chosen = torch.eye(len(values), dtype=torch.float64)[:, -rank:].expand(draws, -1, -1)
    else:
        chosen = _bisect(gaussian, values, log, target, rank)
    inside: Tensor = vectors @ chosen
    return free @ inside


def _bisect(
    gaussian: Float64[Tensor, "draws free rank"], values: Float64[Tensor, " free"], log: Float64[Tensor, " free"], target: float, rank: int
) -> Float64[Tensor, "draws free rank"]:
    """orth(L^a G) for each draw's own a. ``values`` and ``log`` fall."""

    def trace(basis: Tensor) -> Tensor:
        return (basis.square() * values[:, None]).sum(dim=(1, 2))

    # L^a G and L^a G T span the same for any invertible T. T = (L_top^a G_top)^-1 turns the top rows into the identity and
    # every other entry into something that falls with a, so that nothing over- or underflows however large a is. Where
    # the target lies below the Haar draw's own trace, a is negative and the bottom rows take that part.
    upward = trace(torch.linalg.qr(gaussian).Q) < target
    pivot = torch.where(upward[:, None], torch.arange(rank), torch.arange(len(values) - rank, len(values)))
    rows = pivot[:, :, None].expand(-1, -1, rank)
    ratios = torch.linalg.solve(torch.gather(gaussian, 1, rows), gaussian, left=False)
    growth = log[None, :, None] - log[pivot][:, None, :]  # (draws, free, rank)
    sign = torch.where(upward, 1.0, -1.0).double()
    is_pivot = torch.zeros(ratios.shape[:2], dtype=torch.bool).scatter_(1, pivot, True)
    identity = torch.zeros_like(ratios).scatter_(1, pivot[:, None, :], 1.0)

    def basis(strength: Tensor) -> Tensor:
        scale = ((sign * strength)[:, None, None] * growth).clamp(max=0.0).exp()
        orthonormal: Tensor = torch.linalg.qr(torch.where(is_pivot[..., None], identity, ratios * scale)).Q
        return orthonormal

    def beyond(strength: Tensor) -> Tensor:
        return (trace(basis(strength)) - target) * sign >= 0

    low, high = torch.zeros(len(gaussian), dtype=torch.float64), torch.ones(len(gaussian), dtype=torch.float64)
    while not (reached := beyond(high)).all() and float(high.max()) < 1e9:
        low, high = torch.where(reached, low, high), torch.where(reached, high, 2 * high)
    for _ in range(200):  # a double has no more bits than that
        middle = (low + high) / 2
        reached_basis = basis(middle)
        error = trace(reached_basis) - target
        if float(error.abs().max()) <= TRACE_TOLERANCE * target or bool(((middle == low) | (middle == high)).all()):
            break
        past = error * sign >= 0
        low, high = torch.where(past, low, middle), torch.where(past, middle, high)
    return reached_basis
