"""Matched controls: what an edit of the same kind does when it is not on the subspace. One file each, which declares it.

Definitions: docs/science.md, "Controls". ``random``, ``variance`` and ``norm`` are drawn in the orthogonal complement of the
subspace, so that none borrows its effect. Every draw says what it matched and how well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.discovery.arrays import ArrayLike, as_tensor
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import AS_GIVEN, CONTROLS, found_ones

Covariance = Float[Tensor, "width width"]
Free = Float64[Tensor, "width free"]
Drawn = Float64[Tensor, "draws width rank"]

CONTAINED = 1e-5  # a basis whose residual is below this lies inside the space to avoid


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


def removed_variance(basis: Float[Tensor, "width rank"], covariance: Covariance) -> float:
    """tr(U^T S U): the variance of the tokens that lies in the subspace, which ablation removes."""
    exact = basis.double()
    return float((exact * (covariance.double() @ exact)).sum())


def complement(avoid: Float[Tensor, "width vectors"]) -> Free:
    """Orthonormal basis of what is orthogonal to all columns."""
    left, values, _ = torch.linalg.svd(avoid.double(), full_matrices=True)
    spanned = int((values > values[0] * 1e-6).sum())
    free: Tensor = left[:, spanned:].contiguous()
    return free


def haar(free: Free, rank: int, draws: int, rng: np.random.Generator) -> Drawn:
    """Uniformly distributed (Haar) rank-dimensional subspaces of the span of ``free``."""
    inside: Tensor = torch.linalg.qr(ambient(free, rank, draws, rng)).Q
    return free @ inside


def ambient(frame: Float64[Tensor, "width free"], rank: int, draws: int, rng: np.random.Generator) -> Float64[Tensor, "draws free rank"]:
    """Gaussian vectors of the whole space, in the coordinates of ``frame``.

    Drawn in the whole space, so that the same seed gives the same subspaces whichever basis of its span ``frame`` is: an SVD's
    null space is an arbitrary basis, and changes with the last digit of its input.
    """
    return frame.T @ torch.from_numpy(rng.standard_normal((draws, len(frame), rank)))


def matched_controls(
    subspace: Subspace,
    covariance: ArrayLike,
    draws: int,
    seed: int,
    shuffled: Sequence[Subspace] | Mapping[str, Sequence[Subspace]] | None = None,
    avoid: ArrayLike | None = None,
    names: Sequence[str] = AS_GIVEN,
    pooled_covariance: ArrayLike | None = None,
) -> list[ControlDraw]:
    """``draws`` draws of each control. The same seed gives the same draws, and fewer draws are the first of more.

    ``covariance`` (width, width) is that of the tokens edited at the site. ``avoid`` (width, vectors) names further directions to stay
    orthogonal to: with the directions of all finders at a site, finders of equal rank share their ``random`` draws, and each is run once.
    ``shuffled`` holds what the same finder finds on permuted labels, at least ``draws`` of them (discovery's ``find_shuffled``);
    it is needed for the control of that name. Where several controls are found, it has them by name. ``pooled_covariance`` (between
    clips) is only reported on, NaN without it. Arrays are tensors, NumPy arrays or lists.
    """
    covariance = square(covariance, "The covariance", subspace.width)
    pooled_covariance = None if pooled_covariance is None else square(pooled_covariance, "The pooled covariance", subspace.width)
    entries = [CONTROLS.entry(name) for name in names]
    if draws < 1:
        raise BadArgument(f"Controls need at least one draw, not {draws}.")
    rank, free = subspace.rank, room_beside(subspace, avoid)
    target = removed_variance(subspace.basis, covariance)

    def pooled(basis: Tensor) -> float:
        return math.nan if pooled_covariance is None else removed_variance(basis, pooled_covariance)

    out: list[ControlDraw] = []
    for name, entry in zip(names, entries, strict=True):
        bases = drawn_bases(name, subspace, covariance, free, draws, [seed, entry.seed], found_ones(shuffled).get(name))
        for draw, basis in enumerate(bases.float()):
            overlap = float((subspace.basis.T @ basis).square().sum()) / rank
            reached = removed_variance(basis, covariance)
            matched = Matched(rank, target, reached, pooled(subspace.basis), pooled(basis), overlap)
            frame = carrier(subspace.basis, basis, np.random.default_rng([seed, entry.seed, draw, 1]))
            out.append(ControlDraw(name, draw, basis, frame, rescale=entry.rescale, matched=matched))
    return out


def room_beside(subspace: Subspace, avoid: ArrayLike | None = None) -> Free:
    """Orthonormal basis of what is orthogonal to the subspace and to the directions to avoid; BadArgument where no control fits in."""
    avoid = None if avoid is None else as_tensor(avoid, "The directions to avoid (width, vectors)", 2, None)
    free = complement(_to_avoid(subspace.basis, avoid))
    if free.shape[1] < subspace.rank:
        raise BadArgument(
            f"Only {free.shape[1]} of {subspace.width} dimensions are orthogonal to the subspaces studied, too few for a control of "
            f"rank {subspace.rank}; lower the rank, or draw the controls of each finder on their own."
        )
    return free


def drawn_bases(
    name: str,
    subspace: Subspace,
    covariance: Covariance,
    free: Free,
    draws: int,
    seed: Sequence[int],
    shuffled: Sequence[Subspace] | None = None,
) -> Drawn:
    """Bases of a control: drawn from the random stream that ``seed`` names, or those that were found on permuted labels."""
    with CONTROLS.blamed(name):
        made = CONTROLS.load(name)
        if CONTROLS.entry(name).made == "found":
            bases = made(shuffled, subspace, draws)
        else:
            bases = made(subspace, covariance, free, draws, np.random.default_rng(seed))
        drawn: Drawn = bases if name in CONTROLS.own else checked_bases(bases, (draws, subspace.width, subspace.rank))
        return drawn


def checked_bases(bases: ArrayLike, shape: tuple[int, int, int]) -> Drawn:
    """Bases of a control of one's own, orthonormalised; BadArgument for another shape, NaN, and columns that span less."""
    drawn = as_tensor(bases, "what it returns (draws, width, rank)", 3, torch.float64)
    if drawn.shape != shape or not torch.isfinite(drawn).all():
        raise BadArgument(f"it returns {tuple(drawn.shape)}, not finite bases of shape {shape} (draws, width, rank)")
    orthonormal: Tensor
    orthonormal, size = torch.linalg.qr(drawn)
    if bool((size.diagonal(dim1=1, dim2=2).abs() < CONTAINED).any()):
        raise BadArgument(f"it returns columns that span less than rank {shape[2]}")
    return orthonormal


def square(given: ArrayLike, what: str, width: int) -> Tensor:
    """A finite matrix of that width; BadArgument for anything else."""
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
