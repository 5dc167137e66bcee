"""Alignment of two subspaces of one width: SAS with its chance level and ceiling."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
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
    find: Find, y: Int[Tensor, " clips"], splits: int, seed: int, scenes: Int[Tensor, " clips"] | None = None
) -> Interval:
    """SAS of a finder with itself on two halves of its clips: what sampling noise alone leaves of a perfect 1.

    Halves are drawn class by class; where ``scenes`` have several clips, scene by scene, with classes as even as that allows. The value is
    the mean over ``splits`` random halvings, the ends their 95 % range (it shrinks not with more splits: it is the spread of one
    halving). Each half has half of the clips, so that the ceiling is a lower bound for subspaces found on all of them.
    """
    if splits < 1:
        raise BadArgument(f"A split-half ceiling needs at least one split, not {splits}.")
    counts = torch.bincount(y)
    if int(counts[counts > 0].min()) < 2:
        raise BadData("A class with a single clip cannot be halved; the split-half ceiling needs at least two clips of every class.")
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(splits):
        half = _half(y, rng) if scenes is None or not clustered(scenes.numpy()) else _half_of_scenes(y, scenes, rng)
        values.append(sas(find(half).basis, find(~half).basis))
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(np.mean(values)), float(low), float(high), splits)


def _half(y: Int[Tensor, " clips"], rng: np.random.Generator) -> Bool[Tensor, " clips"]:
    first = np.zeros(len(y), dtype=bool)
    for label in torch.unique(y).tolist():
        rows = rng.permutation(torch.nonzero(y == label).flatten().numpy())
        first[rows[: len(rows) // 2]] = True
    return torch.from_numpy(first)


def _half_of_scenes(y: Int[Tensor, " clips"], scenes: Int[Tensor, " clips"], rng: np.random.Generator) -> Bool[Tensor, " clips"]:
    """Every other scene, in random order; scenes that show the same classes in a row, so that both halves have as many of each kind."""
    shown = [(tuple(y[scenes == one].unique().tolist()), one) for one in rng.permutation(scenes.unique().numpy()).tolist()]
    order = [one for _, one in sorted(shown, key=lambda pair: pair[0])]
    return torch.isin(scenes, torch.tensor(order[::2]))


def check_width(u: Tensor, v: Tensor) -> None:
    """Refuse subspaces of different widths (BadArgument)."""
    if u.shape[0] != v.shape[0]:
        raise BadArgument(
            f"Subspaces of widths {u.shape[0]} and {v.shape[0]} have no angles between them; carry one over with a linear map first."
        )
