"""Principal angles between two subspaces, and where those of unrelated ones lie: what a spectrum of angles is read against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.linalg
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.errors import BadArgument
from jepascope.portability.alignment import check_width
from jepascope.portability.angle_law import angle_law
from jepascope.stats import LEVEL

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
    found = np.empty((draws, few))
    for draw in range(draws):
        x = rng.standard_normal((many, few))
        # Bartlett's triangle of the other width - many rows
        root = np.tril(rng.standard_normal((few, few)), -1)
        np.fill_diagonal(root, np.sqrt(rng.chisquare(width - many - np.arange(few))))
        squares = scipy.linalg.eigh(x.T @ x, x.T @ x + root @ root.T, eigvals_only=True)
        found[draw] = np.arccos(np.sqrt(np.clip(squares[::-1], 0, 1)))
    return found
