"""Dense and L1 probes of many layers at once: cross-validated along a path of strengths, refitted on all clips given.

All clips passed in are of the ``fit`` (or ``judge``) split; accuracy on ``test`` is the caller's to take from the probes.
Layers x (folds + the refit) are one batch of the solver. Coordinates are standardised over all clips given, without their
labels, so that folds can share one design. Layers are handed over under any key whose text names them in errors.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.arrays import ArrayLike, as_tensor
from jepascope.discovery.probes.folds import check_labels, scene_folds
from jepascope.discovery.probes.readouts import LinearProbe, standardise
from jepascope.discovery.solver.elastic_net import Batch, Penalty, prepare, strongest_l1
from jepascope.discovery.solver.solve import TOLERANCE, Fits, solve_path
from jepascope.errors import BadArgument, BadData

DENSE_STRENGTHS = tuple(10 ** (-0.5 * step) for step in range(8))  # L2 on standardised coordinates, 1 to 3e-4
L1_SHARES = tuple(0.03 ** (step / 19) for step in range(20))  # of the strength at which no coordinate is left

L1_ONWARD = (0.018, 0.01)  # and on to these, as long as the cross-validated accuracy has not turned; weaker ones cost more than all before

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class PathPoint:
    """The probe at one strength, fitted to all clips, and how its strength did in cross-validation."""

    strength: float  # nats per unit of standardised weight (L1) or of its square (L2, with the usual factor 1/2)
    probe: LinearProbe
    cv_accuracy: float  # mean over folds
    cv_se: float  # standard error of that mean over folds
    gap: float  # certified duality gap of the refit / log(classes)

    @property
    def support(self) -> float:
        return self.probe.support


@dataclass(frozen=True)
class ProbePath:
    """Probes of one layer from the strongest strength to the weakest, and which one cross-validation chose.

    Dense: the best mean accuracy (of equals, the strongest). Sparse (l1, row): the strongest within one standard error of the best.
    """

    kind: str
    points: tuple[PathPoint, ...]
    chosen: int
    fold: Int[Tensor, " clips"]
    """Of each clip, in cross-validation."""
    right: Bool[Tensor, " clips"]
    """Whether the probe of the chosen strength that did not see the clip's fold named its class."""

    @property
    def choice(self) -> PathPoint:
        return self.points[self.chosen]

    @property
    def probe(self) -> LinearProbe:
        return self.choice.probe

    @property
    def turned(self) -> bool:
        """Whether the path went on until the accuracy fell clearly (``has_turned``); else its choice, and the support there, may lie
        beyond its end."""
        return has_turned(self.points)

    def __repr__(self) -> str:
        c = self.choice
        return (
            f"ProbePath({self.kind}, {len(self.points)} strengths, chosen {c.strength:.3g}: cross-validated accuracy "
            f"{c.cv_accuracy:.3f} ± {c.cv_se:.3f}, support {c.support:.2f})"
        )


def dense_probes(
    layers: Mapping[Key, ArrayLike],
    y: ArrayLike,
    groups: ArrayLike | None = None,
    folds: int = 5,
    strengths: Sequence[float] = DENSE_STRENGTHS,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> dict[Key, ProbePath]:
    """L2 multinomial probes of every layer: activations (clips, width), class labels ``y`` (clips), as tensors, NumPy arrays or lists.
    ``groups`` (clips) are scene ids; folds never part a scene.

    Raises BadData, naming the layer, for NaN or infinite or all-constant activations, and for labels with one class only
    or with fewer scenes in a class than folds.
    """
    return _paths("dense", layers, y, groups, folds, strengths, seed, tolerance)


def l1_paths(
    layers: Mapping[Key, ArrayLike],
    y: ArrayLike,
    groups: ArrayLike | None = None,
    folds: int = 5,
    shares: Sequence[float] = L1_SHARES,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    penalty: Penalty = "l1",
    onward: Sequence[float] = L1_ONWARD,
) -> dict[Key, ProbePath]:
    """Sparse probes of every layer along a path of strengths; errors as ``dense_probes``.

    ``penalty``: "l1" on every weight, or "row" on the 2-norms of every coordinate's weights over the classes (group L1: a
    coordinate enters for all classes at once); it is the path's ``kind``. ``shares`` are shares of each layer's own strongest
    strength, the one at which no coordinate is left; its folds use the same absolute strengths. A layer whose accuracy has not turned at
    the last of them (``ProbePath.turned``) goes on to those of ``onward``.
    """
    return _paths(penalty, layers, y, groups, folds, shares, seed, tolerance, onward)


def _paths(
    kind: Literal["dense"] | Penalty,
    given: Mapping[Key, ArrayLike],
    labels: ArrayLike,
    scenes: ArrayLike | None,
    folds: int,
    strengths: Sequence[float],
    seed: int,
    tolerance: float,
    onward: Sequence[float] = (),
) -> dict[Key, ProbePath]:
    if not strengths or min(strengths) <= 0:
        raise BadArgument("A probe path needs at least one strength, each above 0.")
    layers = {key: as_tensor(x, f"The activations of {key} (clips, width)", 2, None) for key, x in given.items()}
    y = as_tensor(labels, "The class labels (clips)", 1, torch.int64)
    groups = None if scenes is None else as_tensor(scenes, "The scene ids (clips)", 1, torch.int64)
    order = sorted(strengths, reverse=True)
    order, asked = [*order, *sorted((share for share in onward if share < order[-1]), reverse=True)], len(order)
    try:
        classes, fold_of = check_labels(y), scene_folds(y, groups, folds, seed)
    except BadData as error:  # labels are those of every layer: the sites that were asked for are named
        raise BadData(f"{_sites(layers)}: {error}") from None
    # one variant a fold, trained on the others, and a last one trained on everything
    trained = torch.stack([fold_of != fold for fold in range(folds)] + [torch.ones_like(fold_of, dtype=torch.bool)]).float()
    paths: dict[Key, ProbePath] = {}
    for keys, raw in stacked(layers, len(y)):
        x, mean, scale = standardise(raw)
        batch = prepare(x, y[None, None], trained[None], classes, principal=kind == "dense")
        pairs = _pairs(kind, batch, order)
        solved = solve_path(batch, pairs, tolerance, penalty="l1" if kind == "dense" else kind)
        collected: list[list[PathPoint]] = [[] for _ in keys]
        hits: list[Tensor] = []
        for step, ((l1, l2), fits) in enumerate(zip(pairs, solved, strict=True)):
            going = [step < asked or not has_turned(points) for points in collected]
            if not any(going):
                break
            hits.append(_held_out_hits(x, y, fold_of, fits, folds))
            accuracy = torch.stack([hits[-1][:, fold_of == fold].double().mean(dim=1) for fold in range(folds)], dim=1)
            for i, points in enumerate(collected):
                if not going[i]:
                    continue
                probe = LinearProbe.from_standardised(fits.weights[i, -1], fits.bias[i, -1], mean[i], scale[i])
                strength = float(l2[i, 0] if kind == "dense" else l1[i, 0])
                se = float(accuracy[i].std()) / math.sqrt(folds)
                points.append(PathPoint(strength, probe, float(accuracy[i].mean()), se, float(fits.gap[i, -1])))
        for key, points in zip(keys, collected, strict=True):
            chosen = _choice(kind, points)
            paths[key] = ProbePath(kind, tuple(points), chosen, fold_of.cpu(), hits[chosen][keys.index(key)].cpu())
    return {key: paths[key] for key in layers}


def _pairs(kind: Literal["dense"] | Penalty, batch: Batch, order: list[float]) -> list[tuple[Tensor, Tensor]]:
    """(l1, l2) per strength, each (designs, 1)."""
    zero = batch.x.new_zeros(batch.x.shape[0], 1)
    if kind == "dense":
        return [(zero, zero + strength) for strength in order]
    strongest = strongest_l1(batch, kind)[:, -1:]
    return [(strongest * share, zero) for share in order]


def _held_out_hits(x: Tensor, y: Tensor, fold_of: Tensor, fits: Fits, folds: int) -> Bool[Tensor, "designs clips"]:
    """Which clips the fit that did not see their fold reads right."""
    right = torch.zeros(x.shape[:2], dtype=torch.bool)
    for fold in range(folds):
        held = fold_of == fold
        logits = x[:, held] @ fits.weights[:, fold].mT + fits.bias[:, fold, None]
        right[:, held] = logits.argmax(dim=2) == y[held]
    return right


def _choice(kind: str, points: list[PathPoint]) -> int:
    best = max(points, key=lambda point: point.cv_accuracy)  # the first of equals: the strongest
    wanted = best.cv_accuracy - (0.0 if kind == "dense" else best.cv_se) - 1e-9
    return next(i for i, point in enumerate(points) if point.cv_accuracy >= wanted)


def has_turned(points: Sequence[PathPoint]) -> bool:
    """Whether the cross-validated accuracy fell one standard error below its best after it, or nothing can be better: all were right."""
    best = max(points, key=lambda point: point.cv_accuracy)
    after = points[points.index(best) + 1 :]
    return best.cv_accuracy >= 1 or any(point.cv_accuracy < best.cv_accuracy - best.cv_se for point in after)


def _sites(layers: Mapping[Key, Tensor]) -> str:
    """The layers that were handed over, in words."""
    keys = [str(key) for key in layers]
    words = keys[0] if len(keys) == 1 else f"{keys[0]} to {keys[-1]}"
    return f"Layer{'s' if len(keys) > 1 else ''} {words}" if all(isinstance(key, int) for key in layers) else words


def stacked(
    layers: Mapping[Key, Float[Tensor, "clips _"]], clips: int, dtype: torch.dtype | None = None
) -> Iterator[tuple[list[Key], Float[Tensor, "layers clips width"]]]:
    """Layers of equal width together, checked; in ``dtype`` where one is given."""
    by_width: dict[int, list[Key]] = {}
    for key, x in layers.items():
        check_activations(x, clips, key)
        by_width.setdefault(x.shape[1], []).append(key)
    for keys in by_width.values():
        together = torch.stack([layers[key] for key in keys])
        yield keys, together.to(dtype or together.dtype)


def varies(x: Float[Tensor, "clips width"]) -> bool:
    """Whether clips differ in anything, beyond rounding."""
    spread = x.double().std(dim=0, unbiased=False)
    return not bool((spread <= 1e-6 * x.abs().amax(dim=0)).all())


def check_activations(x: Float[Tensor, "clips width"], clips: int, key: Hashable) -> None:
    """Refuse what no probe can be fitted to, naming the layer."""
    layer = f"Layer {key}" if isinstance(key, int) else f"'{key}'"
    if x.ndim != 2 or x.shape[0] != clips:
        raise BadArgument(f"{layer}: activations must be (clips, width) with one row a label; got {tuple(x.shape)} for {clips} labels.")
    if not clips:
        raise BadData(f"{layer}: there are no clips to learn from; check that the split is not empty.")
    if not bool(torch.isfinite(x).all()):
        raise BadData(f"{layer} holds NaN or infinite activations; capture them again in float32, or leave that layer out.")
    if not varies(x):
        raise BadData(f"{layer} has the same activations for every clip, so no probe can be fitted; leave it out or check its capture.")
