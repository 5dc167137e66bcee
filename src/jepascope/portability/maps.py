"""Linear maps from one encoder's activations to another's, fitted on the same clips, and what they carry over.

Both kinds are regularised, so they can be fitted to fewer clips than a side is wide: ridge by its strength, Procrustes by PCA. Fits
are made in principal coordinates of both sides, in which a shuffled pairing changes one small product only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.discovery.probes.ridge import checked_strengths
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.portability.pca import Pca, common_components, pca
from jepascope.portability.similarity import SHUFFLES, Similarity, check_pairs, pair_shuffles
from jepascope.stats import LEVEL, RESAMPLES, Interval, expanded_level, r_squared, scene_weights

MapKind = Literal["ridge", "procrustes"]
MAP_STRENGTHS = tuple(10 ** (2 - 0.5 * step) for step in range(17))  # 100 to 1e-6 of the mean variance of a source coordinate
AT_ONCE = 10  # shuffled pairings fitted together: few enough for memory, at a thousand clips as well
COLLAPSED = 1e-6  # of the largest gain: a direction carried with less is lost


@dataclass(frozen=True)
class LinearMap:
    """``y = M (x - source_mean) + target_mean``, fitted to ``n`` clips.

    ``components`` is the number of principal axes of each side that it is confined to (0: all), ``strength`` a ridge's (NaN: none).
    """

    matrix: Float64[Tensor, "target_width source_width"]
    source_mean: Float64[Tensor, " source_width"]
    target_mean: Float64[Tensor, " target_width"]
    kind: MapKind
    n: int
    components: int = 0
    strength: float = nan

    def __repr__(self) -> str:
        target, source = self.matrix.shape
        how = f"strength {self.strength:.3g}" if self.kind == "ridge" else f"{self.components} components"
        return f"LinearMap({self.kind}, {source} -> {target}, {how}, {self.n} clips)"

    def apply(self, x: Float[Tensor, "... source_width"]) -> Float64[Tensor, "... target_width"]:
        """Activations of the source as the target would have them, in float64."""
        return (x.double() - self.source_mean) @ self.matrix.T + self.target_mean

    def gains(self, subspace: Subspace) -> Float64[Tensor, " rank"]:
        """Singular values of M U, largest first: how much of a unit step in the subspace arrives, along each of its directions."""
        gains: Tensor = torch.linalg.svdvals(self._pushed(subspace))
        return gains

    def carry(self, subspace: Subspace, mean: Float[Tensor, " target_width"] | None = None, **provenance: Any) -> Subspace:
        """span(M U), the directions in which the target moves when the source moves within the subspace.

        ``mean`` is the reference mean in the target, by default the carried one. ``provenance`` says where the carried subspace lives
        (layer, model); what was carried, and by which map, is kept under ``carried`` and ``map``. Refused (BadArgument) where the map
        loses a direction.
        """
        pushed, gains = self._pushed(subspace), self.gains(subspace)
        present = int((gains > COLLAPSED * gains[0]).sum()) if gains[0] > 0 else 0
        if present < subspace.rank or len(pushed) <= subspace.rank:
            raise BadArgument(
                f"The {self.kind} map carries a subspace of rank {subspace.rank} onto rank {min(present, len(pushed) - 1)}: the target has "
                "no counterpart of some of its directions; carry a subspace of lower rank, or fit the map to more clips or components."
            )
        said = {"finder": subspace.provenance.get("finder", "unknown"), "carried": dict(subspace.provenance), "map": self.kind}
        there = self.apply(subspace.mean) if mean is None else mean
        return Subspace.spanned_by(pushed, there, subspace.rank, **{**said, **provenance})

    def _pushed(self, subspace: Subspace) -> Float64[Tensor, "target_width rank"]:
        if subspace.width != self.matrix.shape[1]:
            raise BadArgument(
                f"The map takes activations of width {self.matrix.shape[1]}, and the subspace lies in width {subspace.width}."
            )
        return self.matrix @ subspace.basis.double()


def ridge_map(
    x: Float[Tensor, "clips source_width"], y: Float[Tensor, "clips_y target_width"], strengths: Sequence[float] = MAP_STRENGTHS
) -> LinearMap:
    """Ridge regression of all target coordinates, sum |M z - y|^2 + clips x strength x v |M|^2, by generalised cross-validation.

    z are centred source activations, v the mean variance of their coordinates, so that neither scale nor rotation of the source
    matters. The strength minimises Golub, Heath & Wahba's (1979) criterion ``GCV`` over all target coordinates together; it takes
    clips for independent (one a scene).
    """
    source, target = _both(x, y)
    core = _RidgeFit(source.scores, x.shape[1], strengths).core(target.scores[None])
    return _expanded(source, target, core.core[0], "ridge", 0, float(core.strength[0]))


def procrustes_map(
    x: Float[Tensor, "clips source_width"], y: Float[Tensor, "clips_y target_width"], components: int | None = None
) -> LinearMap:
    """The rotation R and one scale s that minimise |s R p - q|^2 (Schoenemann 1966; Schoenemann & Carroll 1970).

    p and q are the leading ``components`` principal coordinates of the two sides (``common_components``); M = s Q_y R Q_x'.
    """
    source, target = _both(x, y)
    kept = common_components(source, target, components)
    source, target = source.first(kept), target.first(kept)
    return _expanded(source, target, _procrustes_core(source.scores, target.scores[None])[0], "procrustes", kept, nan)


def fit_map(
    kind: MapKind,
    x: Float[Tensor, "clips source_width"],
    y: Float[Tensor, "clips_y target_width"],
    components: int | None = None,
) -> LinearMap:
    """A map by the name of its kind; ``components`` are for Procrustes."""
    return ridge_map(x, y) if kind == "ridge" else procrustes_map(x, y, components)


def held_out_r2(
    kind: MapKind,
    x_fit: Float[Tensor, "clips source_width"],
    y_fit: Float[Tensor, "clips_y target_width"],
    x_test: Float[Tensor, "scored source_width"],
    y_test: Float[Tensor, "scored_y target_width"],
    components: int | None = None,
    classes_fit: Int[Tensor, " clips"] | None = None,
    classes_test: Int[Tensor, " scored"] | None = None,
    draws: int = SHUFFLES,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Similarity:
    """Share of the target's variance that a map fitted on fit clips explains on test clips, over all coordinates together.

    R^2 about the fit clips' mean (Campbell & Thompson 2008): 0 for a map that knows nothing, below 0 for one that misleads. Chance
    levels shuffle the pairs of fit and of test clips and fit anew, a ridge with its strength; with classes of both, also within classes.
    """
    check_pairs(x_test, y_test, "Linear map, test clips", fewest=2)
    if (classes_fit is None) != (classes_test is None):
        raise BadArgument("Pairs are shuffled within classes in fit and in test clips; give the classes of both, or of neither.")
    source, target = _both(x_fit, y_fit)
    kept = 0 if kind == "ridge" else common_components(source, target, components)
    if kept:
        source, target = source.first(kept), target.first(kept)
    ridge = _RidgeFit(source.scores, x_fit.shape[1], MAP_STRENGTHS) if kind == "ridge" else None
    x, y = source.project(x_test), target.project(y_test)
    for_clips, for_pairs, for_classes = np.random.default_rng(seed).spawn(3)
    total = (y_test.double().cpu() - target.mean).square().sum()  # what lies off the target's axes is missed by every map

    def core(scores: Float64[Tensor, "draws clips q"]) -> Float64[Tensor, "draws p q"]:
        return _procrustes_core(source.scores, scores) if ridge is None else ridge.core(scores).core

    def shuffled(rng: np.random.Generator, in_fit: Tensor | None, in_test: Tensor | None) -> np.ndarray:
        fit, test = pair_shuffles(len(x_fit), draws, rng, in_fit), pair_shuffles(len(x_test), draws, rng, in_test)
        explained = []
        for orders, scored in zip(fit.split(AT_ONCE), test.split(AT_ONCE), strict=True):
            predicted = x @ core(target.scores[orders])
            explained.append(2 * (predicted * y[scored]).sum(dim=(1, 2)) - predicted.square().sum(dim=(1, 2)))
        return (torch.cat(explained) / total).numpy()

    predicted = x @ core(target.scores[None])[0] @ target.axes.T + target.mean
    weights = scene_weights(len(x_test), for_clips, resamples=resamples)
    level = expanded_level(LEVEL, len(x_test))
    found = r_squared(y_test.double().cpu().numpy(), predicted.numpy(), weights, level, target.mean.numpy())
    value = Interval(found.value, found.low, found.high, len(x_test))
    in_class = None if classes_fit is None else shuffled(for_classes, classes_fit, classes_test)
    return Similarity.beside(value, kept, shuffled(for_pairs, None, None), in_class)


@dataclass(frozen=True)
class _Core:
    core: Float64[Tensor, "draws p q"]
    strength: Float64[Tensor, " draws"]


class _RidgeFit:
    """Ridge of many pairings of the same source clips, each with its own strength. In principal scores Z = U diag(s) the solution is
    diag(s / (s^2 + l)) U'Y, and U'Y is all that a pairing changes."""

    def __init__(self, scores: Float64[Tensor, "clips p"], width: int, strengths: Sequence[float]) -> None:
        self.clips = len(scores)
        self.spread = scores.norm(dim=0)
        self.left = scores / self.spread
        self.strengths = torch.tensor(checked_strengths(strengths), dtype=torch.float64)
        self.penalties = self.strengths * self.spread.square().sum() / width  # clips x strength x mean variance
        self.kept = self.spread.square() / (self.spread.square() + self.penalties[:, None])  # strengths, p

    def core(self, targets: Float64[Tensor, "draws clips q"]) -> _Core:
        projected = self.left.T @ targets  # draws, p, q
        chosen = self._gcv(projected, targets[0].square().sum()).argmin(dim=1)  # of equals the first, the strongest
        factor = self.kept[chosen] / self.spread  # draws, p
        return _Core(factor[..., None] * projected, self.strengths[chosen])

    def _gcv(self, projected: Float64[Tensor, "draws p q"], total: Float64[Tensor, ""]) -> Float64[Tensor, "draws strengths"]:
        """Residual sum of squares / (1 - degrees of freedom / clips)^2; the mean is one degree of freedom."""
        energy = projected.square().sum(dim=2)
        residual = (total - energy.sum(dim=1, keepdim=True)).clamp_min(0) + energy @ (1 - self.kept).square().T
        criterion: Tensor = residual / (1 - (1 + self.kept.sum(dim=1)) / self.clips).square()
        return criterion


def _procrustes_core(x: Float64[Tensor, "clips p"], y: Float64[Tensor, "draws clips p"]) -> Float64[Tensor, "draws p p"]:
    """s R', for row vectors: x times it is nearest to y."""
    left, values, right = torch.linalg.svd(x.T @ y, full_matrices=False)
    scale = values.sum(dim=-1) / x.square().sum()
    turned: Tensor = scale[:, None, None] * (left @ right)
    return turned


def _both(x: Float[Tensor, "clips source_width"], y: Float[Tensor, "clips_y target_width"]) -> tuple[Pca, Pca]:
    check_pairs(x, y, "Linear map, fit clips")
    return pca(x), pca(y)


def _expanded(source: Pca, target: Pca, core: Float64[Tensor, "p q"], kind: MapKind, components: int, strength: float) -> LinearMap:
    """From principal coordinates of both sides back to activations."""
    matrix = target.axes @ core.T @ source.axes.T
    return LinearMap(matrix, source.mean, target.mean, kind, len(source.scores), components, strength)
