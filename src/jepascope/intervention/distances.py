"""Distances of edited clips from natural ones (``manifold``), summed up: from rows of the effects table, nothing runs again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.intervention.effects import DISTANCES, units
from jepascope.schema import TABLES
from jepascope.stats import LEVEL, RESAMPLES, expanded_level, mean_interval, scene_weights

COLUMNS = TABLES["distances"].written
CONDITION = ["layer", "tokens", "finder", "rank", "edit", "dose", "control"]


def distances_table(effects: pd.DataFrame, seed: int = 0, resamples: int = RESAMPLES) -> pd.DataFrame:
    """One row per edit and control; ``effects``: rows of the judge that claims are made in.

    Values are means over clips, and over a control's draws, beside those of the same clips unedited (``_natural``) and with the difference
    (``_more``); intervals resample scenes.
    """
    rows: list[dict[str, object]] = []
    for key, group in effects.groupby(CONDITION, sort=False):
        known = group.dropna(subset=["mahalanobis", "mahalanobis_before"])
        if known.empty:  # of an encoder of its own, say
            continue
        means = known.groupby(units(group))[[*DISTANCES]].mean()
        scenes = means.index.get_level_values("scene").to_numpy()
        many = len(np.unique(scenes))
        weights, level = scene_weights(len(scenes), np.random.default_rng(seed), scenes, resamples), expanded_level(LEVEL, many)
        row = {**dict(zip(CONDITION, key, strict=True)), "draws": known["draw"].nunique(), "n": many}
        for name in ("nearest", "mahalanobis"):
            edited, before = means[name].to_numpy(), means[f"{name}_before"].to_numpy()
            for named, values in ((name, edited), (f"{name}_natural", before), (f"{name}_more", edited - before)):
                row |= mean_interval(values, weights, level).columns(named)
        rows.append(row)
    return pd.DataFrame(rows, columns=COLUMNS)
