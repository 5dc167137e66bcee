"""Heavy tails: a few scenes that carry most of a ratio of sums, found by the margins alone, and the interval that they allow.

An effect is a sum over a sum, so that a scene of ten times the margin counts as ten. Where some do, a resample of scenes says too little:
what it rests on is a few, however many there are. Student's interval with the degrees of freedom of those few says enough.
"""

from __future__ import annotations

from math import ceil, nan

import numpy as np
from jaxtyping import Float

from jepascope.stats.bootstrap import Array

EVEN = 0.6
"""Share of scenes that must count: 10 % of scenes at ten times the margin of the others leave 0.3, log-normal margins of deviation 0.5
leave 0.8, a normal deviation of half the mean 0.8."""
TOP = 0.1  # whose share of all margins is told


def effective_scenes(margins: Float[Array, " scenes"]) -> float:
    """(sum |m|)^2 / sum m^2: as many scenes of equal margin would weigh as these do (Kish 1965); NaN where no scene has one."""
    size = np.abs(margins)
    return float(size.sum() ** 2 / np.square(size).sum()) if size.any() else nan


def top_share(margins: Float[Array, " scenes"]) -> float:
    """What the tenth of scenes with the largest margins (one at least) carries of the sum of all; NaN where no scene has one."""
    size = np.sort(np.abs(margins))[::-1]
    return float(size[: ceil(TOP * len(size))].sum() / size.sum()) if size.any() else nan


def heavy_tailed(margins: Float[Array, " scenes"]) -> bool:
    """Whether fewer than EVEN of the scenes count. Of margins alone: effects of the scenes have no say."""
    return effective_scenes(margins) < EVEN * len(margins)


def led_by_few(of_scene: Float[Array, " scenes"], margins: Float[Array, " scenes"]) -> tuple[float, float]:
    """Variance of a ratio of sums, and its degrees of freedom, where scenes' errors grow with their margins m.

    Errors of variance m^2 leave residuals of covariance V = M diag(m^2) M', M = I - m 1' / sum m. So the sum of the squared influences
    times sum m^2 / tr V is unbiased, and its freedom is (tr V)^2 / tr V^2 (Bell & McCaffrey 2002). In moments of m: V is diagonal but for
    a part of rank two. NaN where the margins sum to zero.
    """
    m, square = margins, np.square(margins)
    total, power = m.sum(), square.sum()
    if total == 0:
        return nan, nan
    basis = np.stack([m, square], axis=1)
    inner = np.array([[power / total**2, -1 / total], [-1 / total, 0.0]])
    gram = inner @ (basis.T @ basis)
    trace = power + np.trace(gram)
    squared = np.square(square).sum() + 2 * np.trace(inner @ (basis.T * square) @ basis) + np.trace(gram @ gram)
    return float(np.square(of_scene).sum() * power / trace), float(trace**2 / squared)
