"""CE and its ratio to every control, from the rows of the effects table: the table that claims are made from."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pandas as pd

from jepascope.errors import BadData
from jepascope.stats import RESAMPLES, EffectRatio, Interval, causal_effect_ratio, holm, ratio_of_means

CONDITION = ["layer", "tokens", "finder", "rank", "edit", "dose", "judge"]
FAMILY = ["tokens", "edit", "control", "dose", "judge"]  # one family of tests: all layers x finders
COLUMNS = [
    *("layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge"),
    *("value", "low", "high", "n", "draws"),
    *("difference", "difference_low", "difference_high"),
    *("ratio", "ratio_low", "ratio_high", "ratio_is_bound"),
    *("percentile", "p", "p_holm"),
]


def ce_table(effects: pd.DataFrame, seed: int = 0, resamples: int = RESAMPLES) -> pd.DataFrame:
    """One row per condition: CE = sum of numerators / sum of denominators, with intervals (docs/science.md, "Effects").

    Rows of control "subspace" carry the finder's own CE. A control's row carries that control's CE (mean over draws), and
    the finder's difference, ratio, percentile and p against it; p is corrected (Holm) across layers x finders.
    Every row's bootstrap starts from the same seed, so that one finder's interval is the same beside every control.
    """
    rows = []
    for key, group in effects.groupby(CONDITION, sort=False):
        condition = dict(zip(CONDITION, key, strict=True))
        own = by_draw(group, "subspace")
        if len(own) != 1:
            raise BadData(f"The effects of {condition} hold {len(own)} rows per scene of the finder's own subspace; exactly one is needed.")
        numerator = own.to_numpy()[0]
        below = group[group["control"] == "subspace"].set_index("scene")["denominator"].loc[own.columns].to_numpy()
        ce = ratio_of_means(numerator, below, np.random.default_rng(seed), resamples)
        rows.append({**condition, "control": "subspace", "draws": 1, **_interval("value", ce), "n": ce.n, "ratio_is_bound": False})
        for control in group["control"].unique():
            if control == "subspace":
                continue
            draws = by_draw(group, control)[own.columns].to_numpy()
            against = causal_effect_ratio(numerator, below, draws, np.random.default_rng(seed), resamples)
            rows.append({**condition, "control": control, **_against(against)})
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"ratio_is_bound": bool})
    tested = table["control"] != "subspace"
    table["p_holm"] = np.nan
    for _, family in table[tested].groupby(FAMILY, sort=False):
        table.loc[family.index, "p_holm"] = holm(family["p"].to_numpy())
    return table


def by_draw(group: pd.DataFrame, control: str) -> pd.DataFrame:
    """Numerators of one control, draws x scenes."""
    return group[group["control"] == control].pivot(index="draw", columns="scene", values="numerator")


def _interval(name: str, interval: Interval) -> dict[str, float]:
    value, low, high, _ = astuple(interval)
    return {name: value, (f"{name}_low" if name != "value" else "low"): low, (f"{name}_high" if name != "value" else "high"): high}


def _against(found: EffectRatio) -> dict[str, object]:
    return {
        **_interval("value", found.control),
        "n": found.control.n,
        "draws": found.draws,
        **_interval("difference", found.difference),
        **_interval("ratio", found.ratio),
        "ratio_is_bound": found.is_bound,
        "percentile": found.percentile,
        "p": found.p,
    }
