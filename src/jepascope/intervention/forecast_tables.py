"""What the predictor says, as rows of the effects table and as a table in its own units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.intervention.conditions import Condition, owned
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.effects import angle_errors, effect_frame
from jepascope.intervention.forecast import Forecasts, Foreseen, forecast_outcome, forecast_right
from jepascope.intervention.scenes import Scenes
from jepascope.schema import TABLES
from jepascope.stats import LEVEL, RESAMPLES, expanded_level, mean_interval, proportion, ratio_of_means, scene_weights

COLUMNS = TABLES["forecasts"].written


def forecast_rows(
    site: Site, scenes: Scenes, conditions: Sequence[Condition], name: str, foreseen: Foreseen, finders: list[str], depth: int
) -> pd.DataFrame:
    """Rows of the effects table, judge ``predictor``."""
    numerator, denominator = forecast_outcome(name, foreseen)
    expected = scenes.label if EDITS.entry(name).outcome == "lost" else scenes.target
    angle = scenes.angle if EDITS.entry(name).outcome == "lost" else scenes.target_angle
    right, before = (forecast_right(name, margin) for margin in (foreseen.edited.margin, foreseen.source.margin))
    error, error_before = (angle_errors(angle, forecasts.angle) for forecasts in (foreseen.edited, foreseen.source))
    nothing = torch.full_like(numerator, torch.nan)
    return effect_frame(
        scenes,
        conditions,
        owned(conditions, finders),
        {"layer": site.layer, "tokens": site.tokens, "edit": name, "judge": "predictor", "read_layer": depth, "read": ""},
        {"numerator": numerator, "numerator_direct": nothing, "correct": right, "kl": nothing, "angle_error": error},
        {"target": expected, "denominator": denominator, "correct_before": before, "angle_error_before": error_before},
    )


def forecast_table(
    site: Site,
    context: int,
    scenes: Scenes,
    conditions: Sequence[Condition],
    name: str,
    foreseen: Foreseen,
    finders: list[str],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Recovery, identification and circular error of every finder's edit beside its controls', and of unedited forecasts beside both.

    A control's row is the mean over its draws, with the least and the largest draw. Rows of finder "" are references: "natural" (the
    twin's own beginning), "none" (the source's), "persistence" (the last latents of the twin's beginning repeated).
    """
    rng = np.random.default_rng(seed)
    weights = scene_weights(len(scenes), rng, resamples=resamples)
    apart = foreseen.apart.numpy()
    angle = scenes.angle if EDITS.entry(name).outcome == "lost" else scenes.target_angle

    def figures(forecasts: Forecasts, expected: Tensor | None, edit: str) -> dict[str, Any]:
        right = forecast_right(edit, forecasts.margin)
        r = ratio_of_means(forecasts.moved.numpy(), apart, np.random.default_rng(seed), resamples)
        share, error = proportion(int(right.sum()), len(scenes)), angle_errors(expected, forecasts.angle).numpy()
        columns: dict[str, Any] = {"n": len(scenes), "draws": 1}
        for key, interval in (("recovery", r), ("identified", share)):
            columns |= interval.columns(key)
        if np.isfinite(error).all():
            columns |= mean_interval(error, weights, expanded_level(LEVEL, len(scenes))).columns("angle_error")
        return columns

    rows: list[dict[str, Any]] = []
    where = {"layer": site.layer, "tokens": site.tokens, "context": context}
    drawn: dict[tuple[str, str, int, float], list[int]] = {}
    for i, owner in owned(conditions, finders):
        drawn.setdefault((owner.finder, owner.control, conditions[i].basis.shape[1], conditions[i].dose), []).append(i)
    for (finder, control, rank, dose), index in drawn.items():
        single = [figures(Forecasts(*(part[i] for part in foreseen.edited)), angle, name) for i in index]
        row = single[0] if control == "subspace" else _over_draws(single)
        rows.append({**where, "finder": finder, "rank": rank, "edit": name, "control": control, "dose": dose, **row})
    references = (
        ("natural", foreseen.twin, scenes.target_angle),
        ("none", foreseen.source, scenes.angle),
        ("persistence", foreseen.persistence, scenes.target_angle),
    )
    for control, forecasts, expected in references:
        rows.append({**where, "finder": "", "rank": 0, "edit": "", "control": control, "dose": 0.0, **figures(forecasts, expected, "swap")})
    return pd.DataFrame(rows, columns=COLUMNS)


def _over_draws(single: list[dict[str, Any]]) -> dict[str, Any]:
    columns: dict[str, Any] = {"n": single[0]["n"], "draws": len(single)}
    for key in ("recovery", "identified", "angle_error"):
        values = [draw[key] for draw in single if key in draw]
        if values:
            columns.update({key: float(np.mean(values)), f"{key}_low": min(values), f"{key}_high": max(values)})
    return columns
