"""In how many directions class means differ more than those of permuted labels do: the rank that a study asks its finders for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
import torch
from jaxtyping import Float64, Int
from torch import Tensor

from jepascope.discovery.labelled import Labelled
from jepascope.errors import BadArgument
from jepascope.stats import p_value

PERMUTATIONS, ALPHA = 199, 0.05


@dataclass(frozen=True)
class Dimension:
    """``spread``: a singular value of the class means, in the units of activations; ``null``: of permuted labels the 95th percentile of
    the largest that is left when the directions before it are taken out; ``p``: of ``spread`` among them."""

    spread: float
    null: float
    p: float


def dimensions(data: Labelled, permutations: int = PERMUTATIONS, seed: int = 0) -> tuple[Dimension, ...]:
    """Of every direction in which class means can differ, the widest first: classes - 1 of them.

    Class means are weighted by the root of their clips, and centred on the mean of all clips; their singular values are how far they
    spread. The k-th is held against the *first* of permuted labels in what the k - 1 before it leave of the clips: parallel analysis with
    deflation (Horn 1965; Buja & Eyuboglu 1992). In the units of the activations, in which diff_means and class_pca order their directions:
    a direction that little lies in may tell classes apart and still not be counted.
    """
    if permutations < 1:
        raise BadArgument(f"The spread of class means is held against permuted labels, and {permutations} is no number of them.")
    x = data.x.double() - data.x.double().mean(dim=0)
    values, directions = _spread(x, data.y, data.classes)
    generator = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(data.y), generator=generator) for _ in range(permutations)]
    found = []
    for spread, direction in zip(values[: data.classes - 1].tolist(), directions, strict=False):
        null = np.array([float(_spread(x, data.y[order], data.classes)[0][0]) for order in orders])
        found.append(Dimension(spread, float(np.quantile(null, 1 - ALPHA)), p_value(spread, null)))
        x = x - torch.outer(x @ direction, direction)
    return tuple(found)


def dimension_count(p: Iterable[float]) -> int:
    """How many directions in a row are wider than those of permuted labels (p <= 0.05): none where not even the first is."""
    return sum(1 for _ in takewhile(lambda one: one <= ALPHA, p))


def rank_chosen(p: Iterable[float]) -> int:
    """The rank that a study asks its finders for: as many, and one at least."""
    return max(1, dimension_count(p))


def _spread(
    x: Float64[Tensor, "clips width"], y: Int[Tensor, " clips"], classes: int
) -> tuple[Float64[Tensor, " spreads"], Float64[Tensor, "spreads width"]]:
    """Singular values and right singular vectors of the class means, each times the root of its clips."""
    indicator = torch.nn.functional.one_hot(y, classes).double()
    weighted = (indicator.T @ x) / indicator.sum(dim=0).clamp(min=1).sqrt()[:, None]
    _, values, directions = torch.linalg.svd(weighted, full_matrices=False)
    return values, directions
