"""What a mean over scenes may hide: scenes moved the wrong way, few scenes that carry most of it, and classes of scenes that differ.

All of it is read off rows of the effects table; nothing runs again.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import nan
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from jepascope.intervention.effects import units
from jepascope.schema import TABLES
from jepascope.stats import (
    RESAMPLES,
    effective_scenes,
    heavy_tailed,
    holm,
    p_value,
    ratio_of_means,
    scene_proportion,
    scene_sums,
    top_share,
)

FEWEST = 4  # scenes of a class that a comparison of classes needs: a variance of fewer says nothing
PERMUTATIONS = 999
CONDITION = ["layer", "tokens", "finder", "rank", "edit", "dose", "judge"]
SPREAD, STRATA = TABLES["spread"].written, TABLES["strata"].written


def wrong_way(numerator: Float[np.ndarray, "*rows scenes"], denominator: Float[np.ndarray, " scenes"]) -> Bool[np.ndarray, "*rows scenes"]:
    """Which scenes an edit moves against what the whole of it does: the ablation the margin up (where it is positive), the swap and the
    steering away from where the real change leads."""
    against: np.ndarray = numerator * denominator < 0
    return against


def spread_table(effects: pd.DataFrame) -> pd.DataFrame:
    """One row per condition and control: scenes moved the wrong way, and how many scenes the effect rests on.

    ``wrong`` of the subspace with Wilson's interval; of a control the mean over draws with the least and the largest draw. ``effective``,
    ``top`` and ``heavy`` are of the margins (``stats.heavy``), and the same beside every control.
    """
    rows = []
    for key, group in effects.groupby([*CONDITION, "control"], sort=False):
        many = [group.pivot(index="draw", columns=units(group)[-1], values=name).to_numpy(float) for name in ("numerator", "denominator")]
        numerator, below = many[0], many[1][0]
        scenes = group.drop_duplicates(units(group)[-1]).sort_values(units(group)[-1])["scene"].to_numpy()
        wrong, own = wrong_way(numerator, below), scene_sums(below, scenes)
        shares = wrong.mean(axis=1)
        share = {"wrong": float(shares.mean()), "wrong_low": float(shares.min()), "wrong_high": float(shares.max())}
        if key[-1] == "subspace":
            share = scene_proportion(wrong[0], scenes).columns("wrong")
        tails = {"effective": effective_scenes(own), "top": top_share(own), "heavy": heavy_tailed(own)}
        rows.append({**dict(zip([*CONDITION, "control"], key, strict=True)), "draws": len(wrong), "n": len(own), **share, **tails})
    return pd.DataFrame(rows, columns=SPREAD)


def strata_table(effects: pd.DataFrame, factors: Mapping[str, pd.Series[Any]], seed: int = 0, resamples: int = RESAMPLES) -> pd.DataFrame:
    """CE of every subspace by the classes of every factor. ``factors``: by name, the class of each scene, categorical in natural order,
    indexed by scene; empty where a scene shows several.

    ``p``: of no difference between classes with at least FEWEST scenes each (``difference_p``); ``p_holm``: corrected over the factors of
    one condition. What cannot be compared has no p, and says why in ``reason``.
    """
    rows: list[dict[str, object]] = []
    for key, group in effects[effects["control"] == "subspace"].groupby(CONDITION, sort=False):
        scenes = group["scene"].to_numpy()
        numerator, below = (scene_sums(group[name].to_numpy(float), scenes) for name in ("numerator", "denominator"))
        ids = scenes if len(numerator) == len(scenes) else np.unique(scenes)
        made, p = [], []
        for factor, classes in factors.items():
            of_scene = classes.reindex(ids)
            strata = [_stratum(numerator, below, (of_scene == name).to_numpy(), seed, resamples) for name in classes.cat.categories]
            compared = [name for name, stratum in zip(classes.cat.categories, strata, strict=True) if not stratum["reason"]]
            kept = of_scene.isin(compared).to_numpy()
            rng = np.random.default_rng(seed)
            p.append(difference_p(numerator[kept], below[kept], of_scene[kept].to_numpy(), rng) if len(compared) > 1 else nan)
            if len(compared) == 1:
                strata[list(classes.cat.categories).index(compared[0])]["reason"] = f"no other class has {FEWEST} scenes"
            named = [(name, stratum) for name, stratum in zip(classes.cat.categories, strata, strict=True) if stratum["n"]]
            if not named:
                named = [("", {"n": 0, "reason": "every scene shows several classes"})]
            elif len(named) == 1:
                named[0][1]["reason"] = "the only class, nothing to compare"
            made.append([{"factor": factor, "class": name, **stratum} for name, stratum in named])
        for of_factor, raw, corrected in zip(made, p, holm(p), strict=True):
            rows += [{**dict(zip(CONDITION, key, strict=True)), **row, "p": raw, "p_holm": float(corrected)} for row in of_factor]
    return pd.DataFrame(rows, columns=STRATA)


def _stratum(
    numerator: Float[np.ndarray, " scenes"], below: Float[np.ndarray, " scenes"], at: Bool[np.ndarray, " scenes"], seed: int, resamples: int
) -> dict[str, Any]:
    """CE of some of the scenes; why it cannot be compared, empty where it can."""
    n = int(at.sum())
    if n == 0:
        return {"n": 0, "reason": "no scene"}
    ce = ratio_of_means(numerator[at], below[at], np.random.default_rng(seed), resamples)
    reason = "no margin is read" if n >= FEWEST and not np.isfinite(ce.value) else ""
    return {**ce.columns(), "n": n, "reason": f"fewer than {FEWEST} scenes, too few to compare" if n < FEWEST else reason}


def difference_p(
    numerator: Float[np.ndarray, " scenes"],
    denominator: Float[np.ndarray, " scenes"],
    classes: Shaped[np.ndarray, " scenes"],
    rng: np.random.Generator,
    permutations: int = PERMUTATIONS,
) -> float:
    """p of no difference in CE between classes: a studentised permutation test (Chung & Romano 2013), which holds where classes differ in
    variance or number. NaN where nothing varies."""
    _, index = np.unique(classes.astype(str), return_inverse=True)
    apart = numerator - numerator.sum() / denominator.sum() * denominator
    if not np.square(apart).sum() > 0:
        return nan
    observed = _between(apart, denominator, index[None])[0]
    drawn = _between(apart, denominator, np.stack([rng.permutation(index) for _ in range(permutations)]))
    return p_value(observed, drawn[np.isfinite(drawn)]) if np.isfinite(observed) else nan


def _between(
    apart: Float[np.ndarray, " scenes"], denominator: Float[np.ndarray, " scenes"], index: Int[np.ndarray, "draws scenes"]
) -> Float[np.ndarray, " draws"]:
    """sum over classes of (CE_k - CE)^2 / s_k^2, CE their precision-weighted mean: Welch's (1951) statistic for ratios of sums."""
    member = (index[:, None] == np.arange(index.max() + 1)[:, None]).astype(float)
    below, n = member @ denominator, member.sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = member @ apart / below
        squares = member @ np.square(apart) - 2 * effect * (member @ (apart * denominator)) + effect**2 * (member @ np.square(denominator))
        weight = np.where(n > 1, below**2 / (squares * n / (n - 1)), np.nan)
        mean = (weight * effect).sum(axis=1) / weight.sum(axis=1)
        return np.asarray((weight * np.square(effect - mean[:, None])).sum(axis=1))
