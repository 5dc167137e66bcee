"""The screen: CE of subspaces and of all their controls at every layer, from first-order effects and a few exact draws. Never a claim."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.intervention.causal_effect import FirstOrder, by_draw
from jepascope.schema import TABLES
from jepascope.stats import MIN_CORRELATION, MIN_DRAWS, RESAMPLES, Variate, ratio_of_means

COLUMNS = TABLES["screen"].written
SITE = ["layer", "tokens", "edit", "dose", "judge", "read_layer", "read"]
LEAST = 3  # pairs of draws about their means that a slope rests on


def screen_table(effects: pd.DataFrame, first_order: pd.DataFrame, seed: int = 0, resamples: int = RESAMPLES) -> pd.DataFrame:
    """One row for every subspace and control with first-order effects, at every layer.

    A subspace's CE is exact. A control's is the mean of its exact draws, moved by what the surrogate says of many more of the same kind:
    y - b (s - mu), with one slope b for all controls and finders of a layer and edit, fitted to the draws about their own means. Where the
    correlation there is below stats.MIN_CORRELATION it is the plain mean. Intervals resample scenes alone: few draws say nothing of draws.
    """
    surrogates, rows = FirstOrder(first_order), []
    for key, site in effects.groupby(SITE, sort=False):
        where = dict(zip(SITE, key, strict=True))
        exact, variates = {}, {}
        for (finder, control), part in site.groupby(["finder", "control"], sort=False):
            draws = by_draw(part)
            variate = surrogates.of({**where, "finder": finder}, str(control), draws.columns, len(draws))
            if control == "subspace" or variate is not None:
                exact[finder, control] = part, np.asarray(draws, np.float64)
            if variate is not None:
                variates[finder, control] = variate
        if not variates:
            continue
        slope, correlation = pooled_slope([(exact[at][1], variate) for at, variate in variates.items()])
        for (finder, control), (part, draws_run) in exact.items():
            below = by_draw(part, "denominator").to_numpy()[0]
            mean, first, variate = draws_run.mean(axis=0), np.nan, variates.get((finder, control))
            if variate is not None:
                first = float(variate.expected.sum() / below.sum())
                mean = mean - (slope * (variate.values.mean(axis=0) - variate.expected) if correlation >= MIN_CORRELATION else 0.0)
            ce = ratio_of_means(mean, below, np.random.default_rng(seed), resamples)
            few = variate is not None and len(draws_run) < MIN_DRAWS
            rows.append(
                {**where, "finder": finder, "rank": part["rank"].iloc[0], "control": control, **ce.columns(), "n": ce.n}
                | {"draws": len(draws_run), "first_order": first, "slope": slope, "correlation": correlation, "screened": few}
            )
    return pd.DataFrame(rows, columns=COLUMNS).astype({"screened": bool})


def pooled_slope(drawn: list[tuple[np.ndarray, Variate]]) -> tuple[float, float]:
    """Slope and correlation of effects with first-order effects over all draws, summed over scenes, each about the mean of its own control;
    NaN where there are too few, or they do not differ."""
    pairs = [(exact.sum(axis=1), variate.values.sum(axis=1)) for exact, variate in drawn if len(exact) > 1]
    y, s = (np.concatenate([pair[i] - pair[i].mean() for pair in pairs]) if pairs else np.zeros(0) for i in (0, 1))
    if len(y) < LEAST + len(pairs) or not (np.abs(y).max() > 0 and np.abs(s).max() > 0):
        return float("nan"), float("nan")
    return float(y @ s / (s @ s)), float(y @ s / np.sqrt((y @ y) * (s @ s)))
