"""How two subspaces of one width lie: SAS with its chance level and ceiling, and principal angles beside those of unrelated subspaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import scipy.linalg
import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import Fits, one_by_one
from jepascope.errors import BadArgument, BadData
from jepascope.portability.angle_law import angle_law
from jepascope.stats import LEVEL, Interval, clustered

Find = Callable[[Tensor], Subspace]
"""A finder with everything given but which clips to use: mask (clips,) -> Subspace."""


def sas(u: Float[Tensor, "width rank_u"], v: Float[Tensor, "width_v rank_v"]) -> float:
    """Subspace alignment score |U^T V|_F^2 / min(k_U, k_V) (docs/science.md, "Portability"): 1 where the smaller lies in the larger.

    The mean squared cosine of the principal angles; it depends on the spans alone. Bases must be orthonormal.
    """
    check_width(u, v)
    overlap = u.double().T @ v.double()
    return float(overlap.square().sum()) / min(u.shape[1], v.shape[1])


def sas_chance(width: int, rank_u: int, rank_v: int) -> float:
    """Mean SAS of independent random subspaces: max(k_U, k_V) / d.

    For V uniform of rank k_V, E[V V^T] = (k_V / d) I, so E|U^T V|_F^2 = tr(U^T E[V V^T] U) = k_U k_V / d; divided by
    min(k_U, k_V) that is max(k_U, k_V) / d, and k / d for equal ranks.
    """
    return max(rank_u, rank_v) / width


def sas_chance_sd(width: int, rank_u: int, rank_v: int) -> float:
    """Standard deviation of the SAS of independent random subspaces: how far from its chance level a value may lie for nothing.

    For projections P and Q less their traces, P0 = P - (k_U / d) I and likewise Q0, and a random rotation O, Schur orthogonality in
    the irreducible space of symmetric traceless matrices (dimension (d - 1)(d + 2) / 2; Collins & Sniady 2006) gives
    E[tr(P0 O Q0 O')^2] = 2 |P0|^2 |Q0|^2 / ((d - 1)(d + 2)), and |P0|^2 = k_U (d - k_U) / d. So::

        Var |U'V|_F^2 = 2 k_U k_V (d - k_U) (d - k_V) / (d^2 (d - 1) (d + 2))
    """
    if max(rank_u, rank_v) > width or width < 2:
        raise BadArgument(f"Ranks {rank_u} and {rank_v} do not fit in width {width}.")
    variance = 2 * rank_u * rank_v * (width - rank_u) * (width - rank_v) / (width**2 * (width - 1) * (width + 2))
    return sqrt(variance) / min(rank_u, rank_v)


def calibrated(value: float, chance: float) -> float:
    """(value - chance) / (1 - chance): 0 at chance, 1 for perfect alignment."""
    if not chance < 1:
        raise BadArgument(f"Two subspaces that fill the space (chance {chance:.3g}) are always aligned; compare smaller ranks.")
    return (value - chance) / (1 - chance)


def calibrated_sas(u: Float[Tensor, "width rank_u"], v: Float[Tensor, "width_v rank_v"]) -> float:
    """SAS of two bases, 0 at chance and 1 for perfect alignment."""
    return calibrated(sas(u, v), sas_chance(len(u), u.shape[1], v.shape[1]))


def split_half_ceiling(
    find: Find,
    y: Int[Tensor, " clips"],
    splits: int,
    seed: int,
    scenes: Int[Tensor, " clips"] | None = None,
    fits: Fits = one_by_one,
) -> Interval:
    """SAS of a finder with itself on two halves of its clips: what sampling noise alone leaves of a perfect 1.

    Halves are drawn class by class; where ``scenes`` have several clips, scene by scene, with classes as even as that allows. The value is
    the mean over ``splits`` random halvings, the ends their 95 % range (it shrinks not with more splits: it is the spread of one
    halving). Each half has half of the clips, so that the ceiling is a lower bound for subspaces found on all of them. ``fits`` runs the
    halves.
    """
    if splits < 1:
        raise BadArgument(f"A split-half ceiling needs at least one split, not {splits}.")
    counts = torch.bincount(y)
    if int(counts[counts > 0].min()) < 2:
        raise BadData("A class with a single clip cannot be halved; the split-half ceiling needs at least two clips of every class.")
    rng = np.random.default_rng(seed)
    whole = scenes is not None and clustered(scenes.numpy())
    halves = [_half_of_scenes(y, scenes, rng) if whole and scenes is not None else _half(y, rng) for _ in range(splits)]
    found = fits(_found, ((find, (clips,)) for half in halves for clips in (half, ~half)))
    values = [sas(one.basis, other.basis) for one, other in zip(found, found, strict=True)]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(np.mean(values)), float(low), float(high), splits)


def _found(_: object, find: Find, clips: Bool[Tensor, " clips"]) -> Subspace:
    return find(clips)


def _half(y: Int[Tensor, " clips"], rng: np.random.Generator) -> Bool[Tensor, " clips"]:
    first = np.zeros(len(y), dtype=bool)
    for label in torch.unique(y).tolist():
        rows = rng.permutation(torch.nonzero(y == label).flatten().numpy())
        first[rows[: len(rows) // 2]] = True
    return torch.from_numpy(first)


def _half_of_scenes(y: Int[Tensor, " clips"], scenes: Int[Tensor, " clips"], rng: np.random.Generator) -> Bool[Tensor, " clips"]:
    """Every other scene, in random order; scenes that show the same classes in a row, so that both halves have as many of each kind."""
    shown = [(tuple(y[scenes == scene].unique().tolist()), scene) for scene in rng.permutation(scenes.unique().numpy()).tolist()]
    order = [scene for _, scene in sorted(shown, key=lambda pair: pair[0])]
    return torch.isin(scenes, torch.tensor(order[::2]))


def check_width(u: Tensor, v: Tensor) -> None:
    """Refuse subspaces of different widths (BadArgument)."""
    if u.shape[0] != v.shape[0]:
        raise BadArgument(
            f"Subspaces of widths {u.shape[0]} and {v.shape[0]} have no angles between them; carry one over with a linear map first."
        )


MOST_EXACT = 64
DRAWS = 1000


def principal_angles(u: Float[Tensor, "width rank_u"], v: Float[Tensor, "width_v rank_v"]) -> Float64[np.ndarray, " angles"]:
    """Principal angles in degrees, smallest first; as many as the smaller rank (Bjoerck & Golub 1973)."""
    check_width(u, v)
    falling = scipy.linalg.subspace_angles(u.double().numpy(), v.double().numpy())
    angles: np.ndarray = np.degrees(falling[::-1])
    return angles


@dataclass(frozen=True)
class AngleReference:
    """Principal angles of random subspaces in degrees, smallest first: mean and the quantiles of a 95 % range of each.

    ``draws`` is the number of simulated pairs that they rest on; 0: none, they are exact.
    """

    mean: Float64[np.ndarray, " angles"]
    low: Float64[np.ndarray, " angles"]
    high: Float64[np.ndarray, " angles"]
    draws: int = 0


DECIMALS = 6  # of degrees that are kept: the last bits change from process to process, and equal studies make equal tables


@lru_cache(maxsize=256)
def random_angles(width: int, rank_u: int, rank_v: int) -> AngleReference:
    """Mean and 95 % range of each principal angle between independent, uniformly distributed subspaces.

    Exact (``angle_law``) up to 64 angles other than 0; for more, which would take minutes, 1000 pairs are simulated. Subspaces whose
    ranks exceed the width together must meet: k_U + k_V - d angles are then 0, and the others have the law of the angles between the
    two complements.
    """
    if not 1 <= min(rank_u, rank_v) <= max(rank_u, rank_v) <= width:
        raise BadArgument(f"Ranks {rank_u} and {rank_v} do not fit in width {width}.")
    meeting = max(0, rank_u + rank_v - width)
    if meeting:
        rank_u, rank_v = width - rank_u, width - rank_v
    levels, draws = ((1 - LEVEL) / 2, (1 + LEVEL) / 2), 0
    if min(rank_u, rank_v) == 0:  # one of the two is all there is
        columns = [np.zeros(0)] * 3
    elif min(rank_u, rank_v) <= MOST_EXACT:
        law = angle_law(width, rank_u, rank_v)
        columns = [law.mean(), *(law.quantiles(level) for level in levels)]
    else:
        angles, draws = simulated_angles(width, rank_u, rank_v, DRAWS, seed=0), DRAWS
        columns = [angles.mean(axis=0), *np.quantile(angles, levels, axis=0)]
    whole = (np.degrees(np.concatenate([np.zeros(meeting), column])) for column in columns)
    mean, low, high = (np.round(column, DECIMALS) for column in whole)
    for column in (mean, low, high):
        column.flags.writeable = False  # every caller gets the same arrays
    return AngleReference(mean, low, high, draws)


def simulated_angles(width: int, rank_u: int, rank_v: int, draws: int, seed: int) -> Float64[np.ndarray, "draws angles"]:
    """Principal angles (radians, smallest first) of pairs of random subspaces whose ranks fit beside each other.

    For Gaussian X (k_U x k_V) and an independent Wishart matrix W of d - k_U degrees of freedom, X (X'X + W)^(-1/2) has the cosines for
    its singular values (Muirhead 1982, 3.3.3): the first k_U rows of a random basis, without the others.
    """
    rng = np.random.default_rng(seed)
    few, many = sorted((rank_u, rank_v))
    angles = np.empty((draws, few))
    for draw in range(draws):
        x = rng.standard_normal((many, few))
        # Bartlett's triangle of the other width - many rows
        root = np.tril(rng.standard_normal((few, few)), -1)
        np.fill_diagonal(root, np.sqrt(rng.chisquare(width - many - np.arange(few))))
        squares = scipy.linalg.eigh(x.T @ x, x.T @ x + root @ root.T, eigvals_only=True)
        angles[draw] = np.arccos(np.sqrt(np.clip(squares[::-1], 0, 1)))
    return angles
