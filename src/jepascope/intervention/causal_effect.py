"""CE and its ratio to every control, from the rows of the effects table: the table that claims are made from."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

import numpy as np
import pandas as pd

from jepascope.errors import BadData
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.effects import units
from jepascope.intervention.refits import Refits
from jepascope.schema import TABLES
from jepascope.stats import (
    LEVEL,
    NOTHING,
    RESAMPLES,
    EffectRatio,
    Interval,
    Variate,
    causal_effect_ratio,
    expanded_level,
    holm,
    mean_interval,
    ratio_of_means,
    scene_sums,
    scene_weights,
    widened,
)

CONDITION = ["layer", "tokens", "finder", "rank", "edit", "dose", "judge", "read_layer", "read"]
FAMILY = ["tokens", "edit", "control", "dose", "judge", "read_layer", "read"]  # one family of tests: all layers x finders that carry a p
BOUNDS = {"kl": (0.0, inf), "angle_error": (0.0, 180.0)}
SAME_TEST = 1e-6  # numerators closer than this share of the largest are one subspace found twice
COLUMNS = TABLES["ce"].written


def ce_table(
    effects: pd.DataFrame,
    seed: int = 0,
    resamples: int = RESAMPLES,
    first_order: pd.DataFrame | None = None,
    fits: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row per condition: CE = sum of numerators / sum of denominators, with intervals (docs/science.md, "Effects").

    Rows of control "subspace" carry the finder's own CE. A control's row carries that control's CE (mean over draws), and
    the finder's difference, excess, ratio, percentile and p against it (stats.EffectRatio). With fewer than
    stats.MIN_DRAWS draws ``low`` and ``high`` are the least and the largest draw, and all comparisons are NaN.
    ``first_order`` (table first_order): what means of controls are adjusted by, where their draws follow it (stats.adjusted). ``fits``
    (table fits): what re-fits change. Where it has rows, intervals of the effect and of comparisons are said of the encoder, and those of
    the one subspace stand in columns ``one_*``.
    Every row's bootstrap starts from the same seed, so that one finder's interval is the same beside every control.

    ``p_holm``: p corrected over the layers x finders with as many draws as any (a survey of layers makes no claim); finders whose edits
    coincide are one test. ``p_floor``: the smallest p_holm that the family's draws allow. ``direct``: the part of CE that reaches the
    judge through the residual stream alone, with no block run; NaN without the column ``numerator_direct``.

    ``accuracy``: share of scenes read as the edit should leave them (ablate: their own class; else the target), ``accuracy_before``
    the same unedited; ``kl`` and ``angle_error``: means over scenes with intervals (see effects.parquet). Of a control they are
    means over its draws.
    """
    rows: list[dict[str, object]] = []
    owns: dict[int, np.ndarray] = {}
    surrogates, refits = FirstOrder(first_order), Refits(fits)
    for key, group in effects.groupby(CONDITION, sort=False):
        condition = dict(zip(CONDITION, key, strict=True))
        of = {str(name): rows for name, rows in group.groupby("control", sort=False)}
        subspace = of.pop("subspace", group[:0])
        own = by_draw(subspace)
        if len(own) != 1:
            raise BadData(f"The effects of {condition} hold {len(own)} rows per scene of the finder's own subspace; exactly one is needed.")
        numerator = own.to_numpy()[0]
        below = by_draw(subspace, "denominator")[own.columns].to_numpy()[0]
        ce = ratio_of_means(numerator, below, np.random.default_rng(seed), resamples)
        direct = _direct(subspace, below, ce, np.random.default_rng(seed), resamples, own=True)
        beside, again = _Beside(group, np.random.default_rng(seed), resamples), refits.of(condition)
        rows.append(
            {**condition, "control": "subspace", "draws": 1, **ce.columns(), "n": ce.n, "ratio_is_bound": False, **direct}
            | again.effect(ce)
            | beside.of("subspace")
        )
        for control, drawn in of.items():
            draws = by_draw(drawn)[own.columns].to_numpy()
            fixed = CONTROLS.look_up(control).made == "fixed"
            variate = surrogates.of(condition, control, own.columns, len(draws))
            against = causal_effect_ratio(numerator, below, draws, np.random.default_rng(seed), resamples, fixed=fixed, variate=variate)
            owns[len(rows)] = numerator
            direct = _direct(drawn, below, against.control, np.random.default_rng(seed), resamples)
            said = {**_against(against), **again.against(against, control), **direct, **beside.of(control)}
            rows.append({**condition, "control": control, **said})
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"ratio_is_bound": bool})
    table["p_holm"] = table["p_floor"] = np.nan
    for _, family in table[table["p"].notna()].groupby(FAMILY, sort=False):
        family = family[family["draws"] == family["draws"].max()]
        table.loc[family.index, ["p_holm", "p_floor"]] = _corrected(family, owns)
    return table


class FirstOrder:
    """The table first_order, by the condition and control whose draws it is of."""

    SAME = ("layer", "tokens", "finder", "edit", "dose", "judge")

    def __init__(self, table: pd.DataFrame | None) -> None:
        parts = () if table is None else table[table["control"] != "subspace"].groupby([*self.SAME, "control"], sort=False)
        self._parts = {key: part for key, part in parts}

    def of(self, condition: Mapping[str, object], control: str, scenes: pd.Index, draws: int) -> Variate | None:
        """Of one control, in the order of the scenes; None where there is no surrogate: of other judges, and of controls that are found
        one by one at some cost."""
        part = self._parts.get((*(condition[name] for name in self.SAME), control))
        if part is None or condition["read"]:
            return None
        by = part.groupby(["draw", "scene"])[["value", "expected"]].sum()
        values, expected = (by[name].unstack("scene")[list(scenes)] for name in ("value", "expected"))
        return Variate(values.to_numpy()[:draws], expected.to_numpy()[0], float(part["many"].iloc[0]))


class _Beside:
    """What rides along with a CE: accuracy, KL, circular error, clip by clip (means over draws); intervals resample scenes."""

    def __init__(self, group: pd.DataFrame, rng: np.random.Generator, resamples: int) -> None:
        columns = [name for name in ("correct", "correct_before", "kl", "angle_error", "angle_error_before") if name in group]
        self.means = group.groupby(["control", *units(group)], sort=False)[columns].mean()
        scenes = self.means.loc[["subspace"]].index.get_level_values("scene").to_numpy()
        self.scenes = len(np.unique(scenes))
        self.weights = scene_weights(len(scenes), rng, scenes if self.scenes < len(scenes) else None, resamples)

    def of(self, control: str) -> dict[str, float]:
        clips = self.means.loc[control]
        columns = {"accuracy": "correct", "accuracy_before": "correct_before", "angle_error_before": "angle_error_before"}
        means = {name: float(clips[column].mean()) for name, column in columns.items() if column in clips}
        for name in ("kl", "angle_error"):
            if name in clips and np.isfinite(clips[name]).all():
                mean = mean_interval(clips[name].to_numpy(), self.weights, expanded_level(LEVEL, self.scenes))
                apart = (clips[name] - mean.value).to_numpy() / len(clips)
                ids = clips.index.get_level_values("scene").to_numpy()
                means |= widened(mean, scene_sums(apart, ids), bounds=BOUNDS[name]).columns(name)
        return means


def by_draw(rows: pd.DataFrame, column: str = "numerator") -> pd.DataFrame:
    """Numerators of one control's rows, draws x scenes; of scenes with several clips their sums. NaN where a draw has no row of a scene."""
    unit = units(rows)[-1]
    draws, draw = np.unique(rows["draw"].to_numpy(), return_inverse=True)
    names, place = np.unique(rows[unit].to_numpy(), return_inverse=True)
    values = np.full((len(draws), len(names)), np.nan)
    values[draw, place] = rows[column].to_numpy(np.float64)
    if len(rows) > values.size or len(np.unique(draw * len(names) + place)) < len(rows):
        raise BadData(f"The effects hold a draw of a {unit} twice; exactly one row is needed.")
    if unit == "scene":
        return pd.DataFrame(values, index=draws, columns=names, copy=False)
    of_clip = rows.drop_duplicates(unit).set_index(unit)["scene"].loc[names].to_numpy()
    return pd.DataFrame(scene_sums(values, of_clip), index=draws, columns=np.unique(of_clip))


def _corrected(family: pd.DataFrame, owns: dict[int, np.ndarray]) -> np.ndarray:
    """p_holm and p_floor of a family's rows; coinciding tests count once, with the largest of their p."""
    tests: list[list[int]] = []
    places = family[["layer", "rank"]].apply(tuple, axis=1)
    for row in family.index:
        same = (test for test in tests if places[row] == places[test[0]] and _coincide(owns[row], owns[test[0]]))
        if (test := next(same, None)) is None:
            tests.append([row])
        else:
            test.append(row)
    adjusted = holm([float(family.loc[test, "p"].max()) for test in tests])
    by_row = {row: p for test, p in zip(tests, adjusted, strict=True) for row in test}
    floor = min(1.0, len(tests) / (1 + float(family["draws"].max())))
    return np.array([(by_row[row], floor) for row in family.index])


def _coincide(a: np.ndarray, b: np.ndarray) -> bool:
    return len(a) == len(b) and bool(np.abs(a - b).max() <= SAME_TEST * max(np.abs(a).max(), np.abs(b).max()))


def _direct(
    rows: pd.DataFrame, below: np.ndarray, ce: Interval, rng: np.random.Generator, resamples: int, own: bool = False
) -> dict[str, float]:
    """The direct part of a CE, with an interval for the subspace's own (scenes are resampled), the mean over draws for a control's."""
    missing = NOTHING.columns("direct")
    if "numerator_direct" not in rows or np.isnan(ce.value):
        return missing
    through = by_draw(rows, "numerator_direct").to_numpy()
    if not np.isfinite(through).all():
        return missing
    if own:
        return ratio_of_means(through[0], below, rng, resamples).columns("direct")
    return {**missing, "direct": float(through.mean(axis=0).sum() / below.sum())}


def _against(compared: EffectRatio) -> dict[str, object]:
    """What the control does, and the subspace beside it."""
    columns = {**compared.control.columns(), **compared.difference.columns("difference"), **compared.excess.columns("excess")}
    surrogate: dict[str, object] = {"correlation": compared.correlation, "worth": compared.worth}
    said = {"n": compared.control.n, "draws": compared.draws, "ratio_is_bound": compared.is_bound}
    return {**columns, **compared.ratio.columns("ratio"), **said, "percentile": compared.percentile, "p": compared.p} | surrogate
