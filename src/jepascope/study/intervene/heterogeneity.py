"""How alike the test scenes are in what edits do to them, at the layer that claims are made for -> spread.parquet, strata.parquet;
and how far the edited ones lie from natural clips -> distances.parquet."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.activations.activations import Activations
from jepascope.intervention.distances import distances_table
from jepascope.intervention.heterogeneity import spread_table, strata_table
from jepascope.intervention.judge_entry import MAIN
from jepascope.study.captures import Captures


def run_heterogeneity(captures: Captures, best: int, effects: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Every edit, control and judge; by classes of the scenes, and of distances, the judge that claims are made in."""
    at = effects[effects["layer"] == best]
    names = (captures.spec.variable, *captures.other_variables)
    factors = {name: scene_classes(captures.test, name) for name in names}
    main, drawn = at[at["judge"] == MAIN], (captures.spec.seed, captures.spec.resamples)
    return spread_table(at), strata_table(main, factors, *drawn), distances_table(main, *drawn)


def scene_classes(part: Activations, variable: str) -> pd.Series[Any]:
    """The class of every scene, by its id; empty where its clips show several."""
    labels, names = part.clips.labels(variable)
    by_scene = pd.Series(labels).groupby(part.clips.factors["scene"].to_numpy()).agg(["min", "max"])
    codes = by_scene["min"].where(by_scene["min"] == by_scene["max"], -1)
    return pd.Series(pd.Categorical([names[code] if code >= 0 else None for code in codes.astype(int)], list(names)), index=by_scene.index)
