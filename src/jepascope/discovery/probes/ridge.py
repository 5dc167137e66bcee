"""Ridge regression of values on many layers at once: every strength of a fit from one eigendecomposition.

For one layer and one set of training clips, coordinates are standardised over those clips and the objective is::

    F(W, b) = mean over clips of |z W + b - y|^2  +  strength |W|^2,     z = (x - mean) / scale

(scikit-learn's Ridge with alpha = clips x strength, behind a StandardScaler). With Z'Z / clips = V diag(l) V' the solutions are
W = V diag(1 / (l + strength)) V' Z'y / clips; where there are more coordinates than clips the same comes from ZZ' (Hoerl &
Kennard 1970; Hastie et al. 2009, 3.4.1). All of it in float64.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.folds import whole_scene_folds
from jepascope.discovery.probes.paths import stacked
from jepascope.discovery.probes.readouts import standardise
from jepascope.errors import BadArgument, BadData

RIDGE_STRENGTHS = tuple(10 ** (3 - 0.5 * step) for step in range(15))  # 1000 to 1e-4; a correlation matrix has eigenvalues of mean 1

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class RidgeProbe:
    """``values = x W' + b`` on raw activations of one site."""

    weights: Float[Tensor, "outputs width"]
    bias: Float[Tensor, " outputs"]

    def predict(self, x: Float[Tensor, "... width"]) -> Float[Tensor, "... outputs"]:
        return x.to(self.weights) @ self.weights.T + self.bias


@dataclass(frozen=True)
class RidgePath:
    """How every strength did in cross-validation, and the probe that the best one gives on all clips (of equals, the strongest)."""

    strengths: tuple[float, ...]  # strongest first
    cv_error: tuple[float, ...]  # mean squared error on held-out folds / variance of the targets: 1 - cross-validated R^2
    chosen: int
    probe: RidgeProbe

    @property
    def strength(self) -> float:
        return self.strengths[self.chosen]

    def __repr__(self) -> str:
        r2 = 1 - self.cv_error[self.chosen]
        return f"RidgePath({len(self.strengths)} strengths, chosen {self.strength:.3g}: cross-validated R^2 {r2:.3f})"


class RidgeFits(NamedTuple):
    """Solutions on raw activations."""

    weights: Float[Tensor, "layers strengths outputs width"]
    bias: Float[Tensor, "layers strengths outputs"]

    def predict(self, x: Float[Tensor, "layers clips width"]) -> Float[Tensor, "layers strengths clips outputs"]:
        layers, strengths, outputs, _ = self.weights.shape
        product = x.double() @ self.weights.flatten(1, 2).mT
        return product.view(layers, -1, strengths, outputs).transpose(1, 2) + self.bias[:, :, None]


def ridge_probes(
    layers: Mapping[Key, Float[Tensor, "clips _"]],
    targets: Float[Tensor, "clips outputs"],
    groups: Int[Tensor, " clips"] | None = None,
    folds: int = 5,
    strengths: Sequence[float] = RIDGE_STRENGTHS,
    seed: int = 0,
) -> dict[Key, RidgePath]:
    """Ridge probes of every layer. ``groups`` are scene ids; folds never part a scene. All outputs share one strength.

    Raises BadData, naming the layer, for NaN or infinite or all-constant activations, and for targets that do not vary or
    fewer scenes than folds.
    """
    order = checked_strengths(strengths)
    y = checked_targets(targets)
    fold_of = whole_scene_folds(len(y), groups, folds, seed)
    variance = float((y - y.mean(dim=0)).square().sum())
    paths: dict[Key, RidgePath] = {}
    for keys, x in stacked(layers, len(y), torch.float64):
        error = x.new_zeros(len(keys), len(order))
        for fold in range(folds):
            held = fold_of == fold
            error += squared_error(ridge_fits(x[:, ~held], y[~held], order), x[:, held], y[held])
        fits, best = ridge_fits(x, y, order), strongest_best(error)
        for i, (key, chosen) in enumerate(zip(keys, best.tolist(), strict=True)):
            probe = RidgeProbe(fits.weights[i, chosen], fits.bias[i, chosen])
            paths[key] = RidgePath(tuple(order), tuple((error[i] / variance).tolist()), chosen, probe)
    return {key: paths[key] for key in layers}


def ridge_fits(x: Float[Tensor, "layers clips width"], y: Float[Tensor, "clips outputs"], strengths: Sequence[float]) -> RidgeFits:
    """The minimisers of F for every layer and strength; raw coordinates that do not vary get no weight."""
    z, mean, scale = standardise(x, torch.float64)
    clips, middle = len(y), y.double().mean(dim=0)
    target = (y.double() - middle).expand(len(z), -1, -1)
    shrink = z.new_tensor(strengths)[:, None]
    wide = z.shape[2] > clips
    spectrum, axes = torch.linalg.eigh((z @ z.mT if wide else z.mT @ z) / clips)
    projected = axes.mT @ (target if wide else z.mT @ target) / clips
    factor = 1 / (spectrum.clamp_min(0)[:, None] + shrink)  # layers strengths axes
    # one product for all strengths: (layers, axes, strengths x outputs)
    scaled = (factor.mT[..., None] * projected[:, :, None]).flatten(2)
    solved = z.mT @ (axes @ scaled) if wide else axes @ scaled
    weights = solved.unflatten(2, (len(strengths), -1)).permute(0, 2, 3, 1) / scale[:, None, None]
    return RidgeFits(weights, middle - (weights @ mean[:, None, :, None])[..., 0])


def squared_error(fits: RidgeFits, x: Float[Tensor, "layers clips width"], y: Float[Tensor, "clips outputs"]) -> Tensor:
    """(layers, strengths): summed over clips and outputs."""
    return (fits.predict(x) - y.double()).square().sum(dim=(2, 3))


def strongest_best(error: Float[Tensor, "layers strengths"]) -> Int[Tensor, " layers"]:
    """Index of the least error; of those equal up to rounding, the strongest (the first)."""
    near = error <= error.amin(dim=1, keepdim=True) * (1 + 1e-9)
    return near.int().argmax(dim=1)


def checked_strengths(strengths: Sequence[float]) -> list[float]:
    """From the strongest to the weakest."""
    if not strengths or min(strengths) <= 0:
        raise BadArgument("A ridge needs at least one strength, each above 0.")
    return sorted(strengths, reverse=True)


def checked_targets(targets: Float[Tensor, "clips outputs"]) -> Float[Tensor, "clips outputs"]:
    """In float64; refuses values that are not numbers, or of which there is only one."""
    y = targets.double()
    if len(y) == 0:
        raise BadData("There are no clips to learn from; check that the split is not empty.")
    if not bool(torch.isfinite(y).all()):
        raise BadData("Some clips have NaN or infinite values of the variable; leave those clips out, or correct their values.")
    if bool((y.amax(dim=0) - y.amin(dim=0) <= 1e-9 * y.abs().amax(dim=0)).any()):
        raise BadData("The variable has the same value in every clip, so there is nothing to read; take clips in which it varies.")
    return y
