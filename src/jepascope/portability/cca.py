"""Canonical correlations, held out: of the activations of two encoders, and of what two subspaces read.

In sample, unrelated activations of widths p and q have canonical correlations of exactly 1 as soon as p + q reaches the number of
clips, and high ones long before. So sides are reduced by PCA, axes are fitted on fit clips and scored on test clips, and beside each
value stands what shuffled pairs give, refitted each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.discovery.finders.regularised import oas_share
from jepascope.errors import BadArgument
from jepascope.portability.pca import Pca, common_components, pca
from jepascope.portability.similarity import SHUFFLES, Similarity, check_pairs, pair_shuffles
from jepascope.stats import FEW, LEVEL, RESAMPLES, Interval, clustered, expanded_level, scene_weights

FEWEST_SCORED = 4  # test clips: a correlation of three points has hardly an interval


@dataclass(frozen=True)
class HeldOutCca:
    """Mean held-out correlation of the canonical pairs, with each pair's own, beside the same axes scored on the clips that they were
    fitted to.

    ``in_sample`` has no interval (NaN) but its own chance levels: they say how much of it any two encoders would get.
    """

    similarity: Similarity
    in_sample: Similarity
    correlations: Float64[np.ndarray, " pairs"]


def held_out_cca(
    x_fit: Float[Tensor, "clips width_x"],
    y_fit: Float[Tensor, "clips_y width_y"],
    x_test: Float[Tensor, "scored width_x"],
    y_test: Float[Tensor, "scored_y width_y"],
    components: int | None = None,
    shrinkage: float | None = None,
    classes_fit: Int[Tensor, " clips"] | None = None,
    classes_test: Int[Tensor, " scored"] | None = None,
    draws: int = SHUFFLES,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> HeldOutCca:
    """Regularised CCA of PCA-reduced activations, axes fitted on fit clips, correlations measured on test clips.

    Each side is centred by its fit clips and reduced to its ``components`` leading principal axes (``common_components``). Each
    covariance is shrunk to a sphere by ``shrinkage`` (a share from 0 to 1; by default the OAS share of its side), which is ridge CCA
    (Vinod 1976) with a ridge in proportion to the mean variance, and does not depend on the basis. The value is the mean correlation on
    test clips over the pairs: about 0 for unrelated encoders, negative by chance. Chance levels shuffle the pairs of fit and of test
    clips and fit anew. With classes of both, pairs are shuffled within classes besides.
    """
    check_pairs(x_fit, y_fit, "CCA, fit clips")
    check_pairs(x_test, y_test, "CCA, test clips", FEWEST_SCORED)
    whole_x, whole_y = pca(x_fit), pca(y_fit)
    kept = common_components(whole_x, whole_y, components)
    x, y = whole_x.first(kept), whole_y.first(kept)
    _refuse_forced(len(x_fit), kept, kept, f"ask for {(len(x_fit) - 1) // 2} components or fewer")
    sides = [_whitened(side, test, shrinkage) for side, test in ((x, x_test), (y, y_test))]
    return _held_out(sides[0], sides[1], kept, 1, classes_fit, classes_test, draws, seed, resamples)


def canonical_readings(
    x_fit: Float[Tensor, "clips rank_x"],
    y_fit: Float[Tensor, "clips_y rank_y"],
    x_test: Float[Tensor, "scored rank_x"],
    y_test: Float[Tensor, "scored_y rank_y"],
    classes_fit: Int[Tensor, " clips"] | None = None,
    classes_test: Int[Tensor, " scored"] | None = None,
    draws: int = SHUFFLES,
    seed: int = 0,
    resamples: int = RESAMPLES,
    scenes_test: Int[np.ndarray, " scored"] | None = None,
) -> HeldOutCca:
    """Mean squared canonical correlation between what two subspaces read, ``h U`` and ``h V``, fitted on fit and scored on test clips.

    1: the two read the same numbers, however far apart they lie as geometry (SAS of the whitened space, over as many pairs as the
    smaller rank). Nothing is shrunk, so that neither basis nor scale inside a subspace matters; directions without variance are left
    out. A squared correlation is never negative: unrelated readings get about 1 / (test clips), which is what ``chance`` shows. The
    interval is of the mean of so many test clips, which has that bias as well, so that the two compare. It resamples scenes where
    ``scenes_test`` says that some have several clips.
    """
    check_pairs(x_fit, y_fit, "Readings, fit clips")
    check_pairs(x_test, y_test, "Readings, test clips", FEWEST_SCORED)
    _refuse_forced(len(x_fit), x_fit.shape[1], y_fit.shape[1], "compare subspaces of lower rank, or add fit clips")
    x, y = _whitened(pca(x_fit), x_test, 0.0), _whitened(pca(y_fit), y_test, 0.0)
    return _held_out(x, y, 0, 2, classes_fit, classes_test, draws, seed, resamples, scenes_test)


@dataclass(frozen=True)
class _Whitened:
    """One side's fit and test clips in coordinates whose (shrunk) fit covariance is the identity."""

    fit: Float64[Tensor, "clips components"]
    test: Float64[Tensor, "scored components"]


def _whitened(side: Pca, test: Float[Tensor, "scored width"], shrinkage: float | None) -> _Whitened:
    variances = side.variances
    share = oas_share(torch.diag(variances), len(side.scores)) if shrinkage is None else shrinkage
    if not 0 <= share <= 1:
        raise BadArgument(f"Shrinkage is a share from 0 (none) to 1 (a sphere), not {share}.")
    scale = ((1 - share) * variances + share * variances.mean()).sqrt()
    return _Whitened(side.scores / scale, side.project(test) / scale)


def _held_out(
    x: _Whitened,
    y: _Whitened,
    components: int,
    power: int,
    classes_fit: Int[Tensor, " clips"] | None,
    classes_test: Int[Tensor, " scored"] | None,
    draws: int,
    seed: int,
    resamples: int,
    scenes_test: Int[np.ndarray, " scored"] | None = None,
) -> HeldOutCca:
    """Mean of the correlations to a power, true pairs beside shuffled ones. Whitening is of a side alone, so no shuffle undoes it."""
    if (classes_fit is None) != (classes_test is None):
        raise BadArgument("Pairs are shuffled within classes in fit and in test clips; give the classes of both, or of neither.")
    fitted, scored = len(x.fit), len(x.test)
    for_clips, for_pairs, for_classes = np.random.default_rng(seed).spawn(3)
    a, b = _axes(x.fit, y.fit)
    own, held = _correlations(x.fit @ a, y.fit @ b), _correlations(x.test @ a, y.test @ b)
    several = scenes_test is not None and clustered(scenes_test)
    weights = scene_weights(scored, for_clips, scenes_test if several else None, resamples)
    resampled = _resampled_correlations(x.test @ a, y.test @ b, weights)
    value, spread = float((held**power).mean()), (resampled**power).mean(axis=1)
    units = len(np.unique(scenes_test)) if several else scored  # type: ignore[arg-type]
    level = expanded_level(LEVEL, units)
    # a square has a bias of about 1 / clips, which the chance level shares but a resample has twice: resamples are centred on the value
    ends = np.quantile(spread - spread.mean() + value, [(1 - level) / 2, (1 + level) / 2])
    low, high = ends.clip(-1 if power % 2 else 0, 1)
    if several and units < FEW:
        low = high = nan  # resamples of so few scenes do not reach far enough

    def shuffled(rng: np.random.Generator, in_fit: Tensor | None, in_test: Tensor | None) -> tuple[np.ndarray, np.ndarray]:
        fit = pair_shuffles(fitted, draws, rng, in_fit)
        test = pair_shuffles(scored, draws, rng, in_test)
        a, b = _axes(x.fit, y.fit[fit])
        on_fit, on_test = _correlations(x.fit @ a, y.fit[fit] @ b), _correlations(x.test @ a, y.test[test] @ b)
        return (on_fit**power).mean(dim=1).numpy(), (on_test**power).mean(dim=1).numpy()

    on_fit, on_test = shuffled(for_pairs, None, None)
    class_fit, class_test = (None, None) if classes_fit is None else shuffled(for_classes, classes_fit, classes_test)
    return HeldOutCca(
        Similarity.beside(Interval(value, float(low), float(high), scored), components, on_test, class_test),
        Similarity.beside(Interval(float((own**power).mean()), nan, nan, fitted), components, on_fit, class_fit),
        held.numpy(),
    )


def _axes(
    x: Float64[Tensor, "clips p"], y: Float64[Tensor, "*draws clips q"]
) -> tuple[Float64[Tensor, "*draws p pairs"], Float64[Tensor, "*draws q pairs"]]:
    """Canonical axes in whitened coordinates: singular vectors of the cross-covariance."""
    left, _, right = torch.linalg.svd(x.T @ y, full_matrices=False)
    return left, right.mT


def _correlations(a: Float64[Tensor, "*draws clips pairs"], b: Float64[Tensor, "*draws clips pairs"]) -> Float64[Tensor, "*draws pairs"]:
    """Of each pair of columns; 0 where one does not vary."""
    a, b = a - a.mean(dim=-2, keepdim=True), b - b.mean(dim=-2, keepdim=True)
    below = (a.square().sum(dim=-2) * b.square().sum(dim=-2)).sqrt()
    return torch.where(below > 0, (a * b).sum(dim=-2) / below.clamp_min(torch.finfo(torch.float64).tiny), 0.0)


def _resampled_correlations(
    a: Float64[Tensor, "clips pairs"], b: Float64[Tensor, "clips pairs"], weights: Float[np.ndarray, "resamples clips"]
) -> Float64[np.ndarray, "resamples pairs"]:
    """Of each pair of columns in each resample of clips."""
    x, y = ((side - side.mean(dim=0)).numpy() for side in (a, b))
    mean_x, mean_y, xx, yy, xy = (weights @ product / weights.sum(axis=1)[:, None] for product in (x, y, x * x, y * y, x * y))
    below = np.sqrt(np.clip(xx - mean_x**2, 0, None) * np.clip(yy - mean_y**2, 0, None))
    correlations: np.ndarray = np.divide(xy - mean_x * mean_y, below, out=np.zeros_like(below), where=below > 0).clip(-1, 1)
    return correlations


def _refuse_forced(clips: int, p: int, q: int, remedy: str) -> None:
    if clips <= p + q:
        raise BadArgument(
            f"CCA of {clips} clips in {p} and {q} dimensions: some canonical correlations are 1 whatever the data, because the clips do "
            f"not exceed the two together; {remedy}."
        )
