"""The layer that claims are made for, and how often other clips would have chosen another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.paths import ProbePath, dense_probes
from jepascope.stats import scene_weights

RESAMPLED = 1000
PARTED = 10  # times that the clips are parted into folds


def earliest_within(accuracy: Float[np.ndarray, "*draws layers"], se: Float[np.ndarray, "*draws layers"]) -> Int[np.ndarray, "*draws"]:
    """Place of the first layer whose accuracy lies within one standard error of the best one's (of equals the first's)."""
    best = accuracy.argmax(axis=-1)[..., None]
    wanted = np.take_along_axis(accuracy, best, -1) - np.take_along_axis(se, best, -1) - 1e-9
    return np.asarray((accuracy >= wanted).argmax(axis=-1))


def layer_shares(
    layers: Mapping[int, Float[Tensor, "clips _"]],
    y: Int[Tensor, " clips"],
    strengths: Sequence[float],
    scenes: Int[Tensor, " clips"] | None = None,
    folds: int = 5,
    seed: int = 0,
    resamples: int = RESAMPLED,
) -> dict[int, float]:
    """Of each candidate layer the share of resamples in which cross-validation would choose it.

    The clips are parted anew PARTED times, and dense probes of each parting cross-validated (of ``strengths``, those that the study's own
    parting chose); then scenes are resampled, and what the probes that did not see a clip said of it is counted anew. Nothing is fitted to
    resampled clips, so that this is the least that the choice varies.
    """
    names, drawn = list(layers), []
    for parting in range(PARTED):
        paths = dense_probes(layers, y, scenes, folds, strengths, seed=seed + 1 + parting)
        drawn.append(_choices([paths[name] for name in names], scenes, np.random.default_rng([seed, parting]), resamples // PARTED))
    chosen = np.concatenate(drawn)
    return {layer: float((chosen == place).mean()) if len(chosen) else float("nan") for place, layer in enumerate(names)}


def _choices(
    paths: Sequence[ProbePath], scenes: Int[Tensor, " clips"] | None, rng: np.random.Generator, resamples: int
) -> Int[np.ndarray, " resamples"]:
    """Places of the layers that resamples of scenes choose; those in which a fold has no clip are left out."""
    fold = paths[0].fold
    right = torch.stack([path.right for path in paths]).numpy().astype(np.float64)
    held = (fold[:, None] == fold.unique()).numpy().astype(np.float64)
    weights = scene_weights(len(fold), rng, None if scenes is None else scenes.numpy(), resamples)
    weights = weights[((weights @ held) > 0).all(axis=1)]
    accuracy = np.einsum("rc,lc,cf->rlf", weights, right, held, optimize=True) / (weights @ held)[:, None, :]
    return earliest_within(accuracy.mean(axis=2), accuracy.std(axis=2, ddof=1) / np.sqrt(held.shape[1]))


def chosen_layer(scores: Mapping[int, tuple[float, float]], candidates: Sequence[int]) -> int:
    """The earliest of the candidates whose score lies within one standard error of the best; ``scores``: (accuracy, se) by layer."""
    accuracy, se = np.array([scores[layer] for layer in candidates]).T
    return candidates[int(earliest_within(accuracy, se))]
