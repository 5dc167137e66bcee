"""Erasure of everything that goes along with a subspace: what a fresh read-out finds afterwards was not read by the subspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.stats import Interval, proportion

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


@dataclass(frozen=True)
class Refit:
    """Accuracy of a fresh probe at the site, the least of those of the subspaces, and the share of the largest class.

    ``ablated``: after mean ablation (projection). ``erased``: after everything that goes along with a subspace is erased (``erase``), which
    takes a second copy of the same code along with the first: what is left then is another code.
    """

    ablated: Interval
    erased: Interval
    chance: float


def refit_after(subspaces: Sequence[Subspace], judge: Labelled, test: Labelled, folds: int = 5, seed: int = 0) -> Refit:
    """Fresh dense probes, trained on ``judge`` and scored on ``test``, after each subspace is ablated, and after it is erased.

    Erasure goes by the moments of ``judge``, as LEACE (Belrose et al. 2023) fits its eraser to the clips that a probe is then trained on:
    moments of other clips leave a little of the subspace's coordinates in every direction, the same in all clips, which a fresh probe
    learns to read.
    """
    moments = Moments.of(judge.x)

    def left(x: Tensor, how: str, basis: Tensor) -> Tensor:
        if how == "erased":
            return erase(x, basis, moments)
        # in float64: what float32 rounds differently from clip to clip, a probe that standardises would read
        u, exact = basis.double(), x.double()
        return (exact - (exact - moments.mean) @ u @ u.T).float()

    wanted = {(how, i): subspace.basis for how in ("ablated", "erased") for i, subspace in enumerate(subspaces)}
    paths = dense_probes({key: left(judge.x, key[0], basis) for key, basis in wanted.items()}, judge.y, judge.groups, folds, seed=seed)
    right = {key: paths[key].probe.correct(left(test.x, key[0], basis), test.y) for key, basis in wanted.items()}
    least = {how: min(count for key, count in right.items() if key[0] == how) for how in ("ablated", "erased")}
    chance = float(torch.bincount(test.y).max()) / len(test.y)
    return Refit(proportion(least["ablated"], len(test.y)), proportion(least["erased"], len(test.y)), chance)
