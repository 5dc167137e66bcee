"""The four matched controls: what an edit of the same kind does when it is not on the subspace. Always run, never optional.

Definitions: docs/science.md, "Controls". ``random``, ``variance`` and ``norm`` are drawn in the orthogonal complement of the
subspace, so that none borrows its effect. Every draw says what it matched and how well.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.arrays import ArrayLike, as_tensor
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument

CONTROLS = ("random", "variance", "shuffled", "norm")
COMPLEMENT = ("random", "variance", "norm")  # drawn orthogonal to the subspace
CONTAINED = 1e-5  # a basis whose residual is below this lies inside the space to avoid
TRACE_TOLERANCE = 1e-9  # relative, where the bisection for the variance stops


@dataclass(frozen=True)
class Matched:
    """What a control shares with the subspace: its rank, the token variance it holds at the site, and, for the reader's eyes
    (no control matches it), the variance of pooled activations, which is what a pooled read-out sees. ``overlap`` is the SAS
    of the two: 0 for what is drawn in the complement.
    """

    rank: int
    variance_target: float
    variance: float
    pooled_variance_target: float
    pooled_variance: float
    overlap: float


@dataclass(frozen=True)
class ControlDraw:
    """One draw of a control. ``rescale``: each token's edit gets the norm of the true edit.

    ``frame`` spans what ``basis`` does; coordinates in the true subspace's own basis are carried over on it (see ``carrier``).
    """

    name: str
    draw: int
    basis: Float[Tensor, "width rank"]
    frame: Float[Tensor, "width rank"]
    rescale: bool
    matched: Matched


def removed_variance(basis: Float[Tensor, "width rank"], covariance: Float[Tensor, "width width"]) -> float:
    """tr(U^T S U): the variance of the tokens that lies in the subspace, which ablation removes."""
    exact = basis.double()
    return float((exact * (covariance.double() @ exact)).sum())


def complement(avoid: Float[Tensor, "width vectors"]) -> Float64[Tensor, "width free"]:
    """Orthonormal basis of what is orthogonal to all columns."""
    left, values, _ = torch.linalg.svd(avoid.double(), full_matrices=True)
    spanned = int((values > values[0] * 1e-6).sum())
    free: Tensor = left[:, spanned:].contiguous()
    return free


def haar(free: Float64[Tensor, "width free"], rank: int, draws: int, rng: np.random.Generator) -> Float64[Tensor, "draws width rank"]:
    """Uniformly distributed (Haar) rank-dimensional subspaces of the span of ``free``."""
    inside: Tensor = torch.linalg.qr(ambient(free, rank, draws, rng)).Q
    return free @ inside


def ambient(frame: Float64[Tensor, "width free"], rank: int, draws: int, rng: np.random.Generator) -> Float64[Tensor, "draws free rank"]:
    """Gaussian vectors of the whole space, in the coordinates of ``frame``.

    Drawn in the whole space, so that the same seed gives the same subspaces whichever basis of its span ``frame`` is: an SVD's
    null space is an arbitrary basis, and changes with the last digit of its input.
    """
    return frame.T @ torch.from_numpy(rng.standard_normal((draws, len(frame), rank)))


def variance_matched(
    free: Float64[Tensor, "width free"],
    covariance: Float[Tensor, "width width"],
    target: float,
    rank: int,
    draws: int,
    rng: np.random.Generator,
) -> Float64[Tensor, "draws width rank"]:
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
        found = basis(middle)
        error = trace(found) - target
        if float(error.abs().max()) <= TRACE_TOLERANCE * target or bool(((middle == low) | (middle == high)).all()):
            break
        past = error * sign >= 0
        low, high = torch.where(past, low, middle), torch.where(past, middle, high)
    return found


def matched_controls(
    subspace: Subspace,
    covariance: ArrayLike,
    draws: int,
    seed: int,
    shuffled: Sequence[Subspace] | None = None,
    avoid: ArrayLike | None = None,
    names: Sequence[str] = CONTROLS,
    pooled_covariance: ArrayLike | None = None,
) -> list[ControlDraw]:
    """``draws`` draws of each control. The same seed gives the same draws, and fewer draws are the first of more.

    ``covariance`` (width, width) is that of the tokens edited at the site. ``avoid`` (width, vectors) names further directions to stay
    orthogonal to: with the directions of all finders at a site, finders of equal rank share their ``random`` draws, and each is run once.
    ``shuffled`` holds what the same finder finds on permuted labels, at least ``draws`` of them (discovery's ``find_shuffled``);
    it is needed for the control of that name. ``pooled_covariance`` (between clips) is only reported on, NaN without it. Arrays are
    tensors, NumPy arrays or lists.
    """
    covariance = _square(covariance, "The covariance", subspace.width)
    pooled_covariance = None if pooled_covariance is None else _square(pooled_covariance, "The pooled covariance", subspace.width)
    avoid = None if avoid is None else as_tensor(avoid, "The directions to avoid (width, vectors)", 2, None)
    unknown = [name for name in names if name not in CONTROLS]
    if unknown:
        raise BadArgument(f"There is no control '{unknown[0]}'; known are {', '.join(CONTROLS)}.")
    if draws < 1:
        raise BadArgument(f"Controls need at least one draw, not {draws}.")
    free = complement(_to_avoid(subspace.basis, avoid))
    rank = subspace.rank
    if free.shape[1] < rank:
        raise BadArgument(
            f"Only {free.shape[1]} of {subspace.width} dimensions are orthogonal to the subspaces studied, too few for a control of "
            f"rank {rank}; lower the rank, or draw the controls of each finder on their own."
        )
    target = removed_variance(subspace.basis, covariance)

    def pooled(basis: Tensor) -> float:
        return math.nan if pooled_covariance is None else removed_variance(basis, pooled_covariance)

    out: list[ControlDraw] = []
    for name in names:
        rng = np.random.default_rng([seed, CONTROLS.index(name)])
        if name == "variance":
            bases = variance_matched(free, covariance, target, rank, draws, rng)
        elif name == "shuffled":
            bases = _shuffled(shuffled, subspace, draws)
        else:
            bases = haar(free, rank, draws, rng)
        for draw, basis in enumerate(bases.float()):
            overlap = float((subspace.basis.T @ basis).square().sum()) / rank
            reached = removed_variance(basis, covariance)
            matched = Matched(rank, target, reached, pooled(subspace.basis), pooled(basis), overlap)
            frame = carrier(subspace.basis, basis, np.random.default_rng([seed, CONTROLS.index(name), draw, 1]))
            out.append(ControlDraw(name, draw, basis, frame, rescale=name == "norm", matched=matched))
    return out


def _square(given: ArrayLike, what: str, width: int) -> Tensor:
    matrix = as_tensor(given, f"{what} (width, width)", 2, None)
    if matrix.shape != (width, width) or not torch.isfinite(matrix).all():
        raise BadArgument(f"{what} must be finite and of shape ({width}, {width}), as the subspace is, not {tuple(matrix.shape)}.")
    return matrix


def carrier(
    basis: Float[Tensor, "width rank"], other: Float[Tensor, "width rank"], rng: np.random.Generator
) -> Float[Tensor, "width rank"]:
    """A random isometry from one subspace to another, as the image of ``basis`` in the span of ``other``.

    V R with R the orthogonal polar factor of V^T A U, A Gaussian: V R U^T depends on the two spans and the seed alone, not on
    the bases that they happen to be written in.
    """
    gaussian = torch.from_numpy(rng.standard_normal((len(basis), len(basis))))
    left, _, right = torch.linalg.svd(other.double().T @ gaussian @ basis.double())
    frame: Tensor = (other.double() @ left @ right).float()
    return frame


def _to_avoid(basis: Tensor, avoid: Tensor | None) -> Tensor:
    """The span to stay orthogonal to; ``avoid`` alone where it holds the basis, so that finders sharing it share their draws."""
    if avoid is None:
        return basis
    left, values, _ = torch.linalg.svd(avoid.double(), full_matrices=False)
    span = left[:, values > values[0] * 1e-6]
    residual = basis.double() - span @ (span.T @ basis.double())
    return avoid if float(residual.abs().max()) < CONTAINED else torch.cat([avoid, basis.to(avoid)], dim=1)


def _shuffled(shuffled: Sequence[Subspace] | None, subspace: Subspace, draws: int) -> Float64[Tensor, "draws width rank"]:
    given = len(shuffled or ())
    if shuffled is None or given < draws:
        raise BadArgument(
            f"The control 'shuffled' needs {draws} subspaces found on permuted labels, not {given}; pass shuffled=find_shuffled(...)."
        )
    for found in shuffled:
        if found.basis.shape != subspace.basis.shape:
            raise BadArgument(
                f"The finder gave a subspace of rank {found.rank} on permuted labels and of rank {subspace.rank} on the true ones; "
                "give it the rank explicitly, so that the control matches."
            )
    return torch.stack([found.basis.double() for found in shuffled[:draws]])
