"""The leak check: can the label be read from what must not tell it (one frame, shuffled frames, time-averaged frames)?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.paths import dense_probes
from jepascope.errors import BadArgument, BadData
from jepascope.stats import scene_proportion, side

BEYOND = "above what position/axis explains"
LARGE = 0.25
"""Share of the way from chance to all right from which on a leak is a large one."""
LEAKS, EXPLAINED, NONE = "leaks", "explained", "not above chance"


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


def leak_verdict(row: Mapping[Any, Any]) -> str:
    """The verdict on one baseline: from its interval, chance, and what position or axis alone can explain (``explained``; missing or NaN
    where that is not known). ``row``: of the table ``leaks``, or an entry of summary.json."""
    if not row["leak"]:
        return NONE
    limit = row.get("explained")
    if limit is None or not isfinite(limit):
        return LEAKS
    return BEYOND if row["low"] > limit else EXPLAINED


def leak_words(rows: Sequence[Mapping[Any, Any]], noun: str) -> str:
    """How many motionless baselines read the variable (``noun``), and how many of them more than position or axis explains."""
    verdicts = [leak_verdict(row) for row in rows]
    readable = [verdict for verdict in verdicts if verdict != NONE]
    if not readable:
        return f"None of {len(rows)} motionless baselines is shown to read the {noun} above chance{_missed(rows)}."
    text = f"{len(readable)} of {len(rows)} motionless baselines read the {noun} above chance"
    if LEAKS not in readable:
        text += f", {readable.count(BEYOND) or 'none'} of them above what position or axis explains"
    return text + "."


def unseen(row: Mapping[Any, Any]) -> bool:
    """Whether a baseline without a leak might have a large one all the same: the upper end of its interval lies more than LARGE of the way
    from chance to all right."""
    return bool(leak_verdict(row) == NONE and row["high"] > row["chance"] + LARGE * (1 - row["chance"]))


def _missed(rows: Sequence[Mapping[Any, Any]]) -> str:
    """What accuracy is not ruled out, where no baseline reads anything; and that there is no power where that is a large one."""
    most = max(rows, key=lambda row: float(row["high"]) if isfinite(row["high"]) else 0.0)
    if not isfinite(most["high"]):
        return ""
    end, chance = (f"{100 * most[name]:.1f}\u00a0%" for name in ("high", "chance"))
    text = f"; {end} is not ruled out ({most['baseline']}, n = {most['n']:.0f}, chance {chance})"
    return f"{text}: no power to exclude a large leak" if any(unseen(row) for row in rows) else text


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
        rows.append(Leak(name, scored.value, scored.low, scored.high, scored.n, chance, side(scored.low, scored.high, chance) == "above"))
    return rows
