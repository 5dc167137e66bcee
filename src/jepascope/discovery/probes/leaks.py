"""The leak check: can the label be read from what must not tell it (one frame, shuffled frames, time-averaged frames)?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.paths import dense_probes
from jepascope.errors import BadArgument, BadData
from jepascope.stats import scene_proportion


@dataclass(frozen=True)
class Leak:
    """Test accuracy of a dense probe on one baseline's features, with its Wilson interval (95 %; over scenes of several clips).

    ``chance`` is the share of the largest class among the test clips, what always guessing it would reach (1 / classes when
    classes are balanced). ``leak``: the whole interval lies above chance.
    """

    baseline: str
    accuracy: float
    low: float
    high: float
    n: int
    chance: float
    leak: bool


def leak_check(
    features: Mapping[str, Float[Tensor, "clips ..."]],
    y: Int[Tensor, " clips"],
    fit: Int[Tensor, " fit"],
    test: Int[Tensor, " test"],
    groups: Int[Tensor, " clips"],
    folds: int = 5,
    seed: int = 0,
) -> list[Leak]:
    """One row a baseline: a dense probe trained on the ``fit`` clips (indices), strength by cross-validation, scored on ``test``.

    No dimension is thrown away, however wide the features: an L2 probe lives in the span of its clips, and the solver works
    there. Raises BadData when a scene lies in both splits, and for whatever ``dense_probes`` refuses.
    """
    if len(test) == 0:
        raise BadArgument("The leak check has no test clips to score; pass the indices of the test split.")
    shared = set(groups[fit].tolist()) & set(groups[test].tolist())
    if shared:
        raise BadData(f"Scene {min(shared)} lies in both the fit and the test split; a leak check across one scene proves nothing.")
    paths = dense_probes({name: x[fit].flatten(1) for name, x in features.items()}, y[fit], groups[fit], folds, seed=seed)
    chance = int(torch.bincount(y[test]).max()) / len(test)
    rows, scenes = [], groups[test].numpy()
    for name, path in paths.items():
        scored = scene_proportion(path.probe.right(features[name][test].flatten(1), y[test]).numpy(), scenes)
        rows.append(Leak(name, scored.value, scored.low, scored.high, scored.n, chance, scored.low > chance))
    return rows
