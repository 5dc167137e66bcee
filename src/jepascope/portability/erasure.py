"""Erasure of everything that goes along with a subspace: what a fresh read-out finds afterwards was not read by the subspace."""

from __future__ import annotations

from collections.abc import Sequence

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


def refit_after(
    subspaces: Sequence[Subspace], fit: Float[Tensor, "fit width"], judge: Labelled, test: Labelled, folds: int = 5, seed: int = 0
) -> tuple[Interval, float]:
    """Accuracy of a fresh dense probe at the site, trained on ``judge`` and scored on ``test``, after a subspace is erased: the least of
    those of the subspaces; and the share of the largest class.

    ``fit``: pooled activations whose moments erasure goes by. They should be those of ``judge``, as LEACE (Belrose et al. 2023) fits its
    eraser to the clips that a probe is then trained on: moments of other clips leave a little of the subspace's coordinates in every
    direction, the same in all clips, which a fresh probe learns to read.
    """
    moments = Moments.of(fit)
    erased = {i: erase(judge.x, one.basis, moments) for i, one in enumerate(subspaces)}
    paths = dense_probes(erased, judge.y, judge.groups, folds, seed=seed)
    right = [paths[i].probe.correct(erase(test.x, one.basis, moments), test.y) for i, one in enumerate(subspaces)]
    return proportion(min(right), len(test.y)), float(torch.bincount(test.y).max()) / len(test.y)
