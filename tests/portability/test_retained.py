"""Theorems of the retained causal effect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jepascope.errors import BadData
from jepascope.portability.retained import EQUAL_NORM, SATURATED, kept_p, one_dose, rce, rce_rows
from jepascope.portability.tables import PORTABILITY_COLUMNS, portability_table
from jepascope.stats import ratio_of_means

SCENES = 40


def effects(shares: dict[str, float], controls: dict[str, float] | None = None, noise: float = 0.05) -> pd.DataFrame:
    """An effects table: each finder moves its share of what the twin moves, at every dose in proportion."""
    rng = np.random.default_rng(0)
    below = rng.uniform(1, 2, SCENES)
    rows = []
    for finder, share in shares.items():
        groups = [("subspace", 0, share), *((name, draw, value) for name, value in (controls or {}).items() for draw in range(3))]
        for control, draw, value in groups:
            for dose in (0.5, 1.0):
                moved = value * dose * below + noise * rng.standard_normal(SCENES)
                rows += [
                    (2, finder, 3, "swap", control, draw, dose, scene, n, d) for scene, (n, d) in enumerate(zip(moved, below, strict=True))
                ]
    return pd.DataFrame(rows, columns=["layer", "finder", "rank", "edit", "control", "draw", "dose", "scene", "numerator", "denominator"])


def test_a_subspace_retains_all_of_its_own_effect() -> None:
    numerator = np.random.default_rng(0).normal(1, 0.3, SCENES)
    own = rce(numerator, numerator, np.ones(SCENES))
    assert own.value == own.low == own.high == 1 and own.n == SCENES


@pytest.mark.parametrize("share", [0.2, 0.7, 1.3])
def test_a_share_of_the_effect_is_found_inside_its_interval(share: float) -> None:
    rows = portability_table(rce_rows(effects({"native": 0.8, "other": 0.8 * share}), [("native", "other")], "finder"))
    assert list(rows.columns) == PORTABILITY_COLUMNS
    assert ((rows["low"] < share) & (share < rows["high"])).all()
    assert rows["value"].to_numpy() == pytest.approx([share, share], abs=0.05)
    assert sorted(rows["dose"]) == [0.5, 1.0]


def test_scaling_both_effects_leaves_the_ratio() -> None:
    a, b = np.random.default_rng(0).normal(1, 0.3, (2, SCENES))
    below = np.ones(SCENES)
    assert rce(5 * a, 5 * b, below).value == pytest.approx(rce(a, b, below).value)


def test_floors_are_what_the_controls_retain() -> None:
    table = effects({"native": 0.8, "other": 0.6}, {"random": 0.08, "variance": 0.4})
    rows = portability_table(rce_rows(table, [("native", "other")], "data seed"))
    assert rows["floor_random"].to_numpy() == pytest.approx([0.1, 0.1], abs=0.03)
    assert rows["floor_variance"].to_numpy() == pytest.approx([0.5, 0.5], abs=0.03)
    without = portability_table(rce_rows(effects({"native": 0.8, "other": 0.6}), [("native", "other")], "data seed"))
    assert without[["floor_random", "floor_variance"]].isna().all(axis=None)


def test_a_dose_is_saturated_where_either_effect_is() -> None:
    full = SATURATED + 0.03
    both = portability_table(rce_rows(effects({"native": full, "other": full}, noise=0), [("native", "other")], "finder"))
    assert both.set_index("dose")["saturated"].to_dict() == {0.5: False, 1.0: True}
    neither = portability_table(rce_rows(effects({"native": 0.8, "other": 0.5}, noise=0), [("native", "other")], "finder"))
    assert not neither["saturated"].any()
    one = portability_table(rce_rows(effects({"native": full, "other": 0.5}, noise=0), [("native", "other")], "finder"))
    assert one.set_index("dose")["saturated"].to_dict() == {0.5: False, 1.0: True}


def test_an_effect_is_kept_only_above_every_floor_and_near_one() -> None:
    rng, near = np.random.default_rng(0), {"variance": 0.3, "shuffled": 0.4, "pca": 0.5}
    own, low = rng.normal(1, 0.2, SCENES), {name: share * rng.normal(1, 0.2, SCENES) for name, share in near.items()}
    assert kept_p(own + rng.normal(0, 0.1, SCENES), own, low) < 1e-4
    assert kept_p(0.7 * own, own, low) > 0.99  # less than KEEPS
    for name in near:
        assert kept_p(own, own, low | {name: 1.2 * own}) > 0.99
    assert kept_p(own, own, dict.fromkeys(near)) == pytest.approx(kept_p(own, own, {}))


def test_p_that_no_effect_is_kept_is_small_in_one_case_of_twenty_at_most_where_a_floor_does_as_much() -> None:
    small = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        scene = rng.normal(1, 0.3, 20)
        carried, floor = (scene + rng.normal(0, 0.3, 20) for _ in range(2))
        small += kept_p(carried, 0.5 * scene, {"pca": floor}) < 0.05
    assert small <= 32  # of 20 expected; more in less than one of 100 cases


def test_a_dissociation_is_corrected_for_every_transfer_that_was_looked_at() -> None:
    def row(metric: str, a: str, p: float, dose: float) -> dict[str, object]:
        return {"metric": metric, "across": "finder", "a": a, "b": "native", "layer": 1, "edit": "", "rank": 2, "dose": dose, "p": p}

    kept = {"a": 0.01, "b": 0.02, "c": np.nan, "d": 0.001}
    rows = [row(EQUAL_NORM, name, p, 1.0) for name, p in kept.items()] + [row("sas", "d", 0.3, np.nan)]
    table = portability_table(rows)
    found = table[table["metric"] == EQUAL_NORM].set_index("a")
    assert found["p_holm"].to_dict() == pytest.approx({"a": 0.04, "b": 0.06, "c": 1.0, "d": 0.6})  # d: SAS is not shown to be far below
    assert (found["looked_at"] == 4).all() and table.loc[table["metric"] == "sas", "p_holm"].isna().all()


def test_no_native_effect_gives_no_ratio() -> None:
    rows = portability_table(rce_rows(effects({"native": 0.0, "other": 0.5}), [("native", "other")], "finder"))
    assert rows[["value", "low", "high"]].isna().all(axis=None)


def test_effects_of_other_scenes_are_refused() -> None:
    table = effects({"native": 0.8, "other": 0.6})
    with pytest.raises(BadData, match="not judged on the same scenes"):
        rce_rows(table[(table["finder"] == "native") | (table["scene"] > 3)], [("native", "other")], "finder")
    with pytest.raises(BadData, match="no finder 'third'"):
        rce_rows(table, [("native", "third")], "finder")


def test_the_native_subspace_in_place_of_itself_keeps_exactly_all_of_it() -> None:
    table = effects({"native": 0.8}, {"random": 0.08, "variance": 0.4})
    rows = portability_table(rce_rows(table, [("native", "native")], "finder"))
    assert (rows[["value", "low", "high"]] == 1).all(axis=None)
    assert (rows["excess_low"] > 0.4).all() and (rows["excess_high"] < 0.6).all()


def test_a_floor_has_its_interval_and_the_excess_is_paired_by_scene() -> None:
    rows = portability_table(
        rce_rows(effects({"native": 0.8, "other": 0.6}, {"random": 0.08, "variance": 0.4}), [("native", "other")], "finder")
    )
    for name, floor in (("random", 0.1), ("variance", 0.5)):
        low, high = rows[f"floor_{name}_low"], rows[f"floor_{name}_high"]
        assert ((low < floor) & (floor < high) & (low < rows[f"floor_{name}"]) & (rows[f"floor_{name}"] < high)).all()
    assert ((rows["excess_low"] < 0.25) & (rows["excess_high"] > 0.25) & (rows["excess_low"] > 0)).all()
    # scenes that move both alike say nothing about the difference: without noise of its own nothing is uncertain
    exact = portability_table(rce_rows(effects({"native": 0.8, "other": 0.6}, {"variance": 0.4}, noise=0), [("native", "other")], "finder"))
    assert exact[["excess_low", "excess_high"]].to_numpy() == pytest.approx(np.full((2, 2), 0.25))
    assert exact[["floor_random", "floor_random_low", "floor_random_high"]].isna().all(axis=None)


def test_floors_are_those_of_the_one_that_is_carried_or_else_of_the_native_one() -> None:
    table = effects({"native": 0.8, "other": 0.6}, {"variance": 0.4}, noise=0)
    own = table[(table["control"] == "subspace") | (table["finder"] == "native")]
    both = table.assign(numerator=table["numerator"].where(table["finder"] == "native", table["numerator"] / 2))
    for rows, floor in ((own, 0.5), (both, 0.25)):
        found = portability_table(rce_rows(rows, [("native", "other")], "layer"))
        assert found["floor_variance"].to_numpy() == pytest.approx([floor, floor])
    assert set(found["across"]) == {"layer"} and set(found["a"]) == {"other"} and set(found["b"]) == {"native"}


def test_there_is_no_share_of_an_effect_that_is_not_shown() -> None:
    """Where the judge tells nothing (denominators around zero) the native CE does not exist, however steady the numerators are."""
    rng = np.random.default_rng(3)
    moved = rng.normal(1, 0.1, SCENES)
    blind = rng.standard_normal(SCENES) - 0.2
    assert np.isnan(ratio_of_means(moved, blind, np.random.default_rng(0)).value)
    assert np.isnan(rce(moved, moved, blind).value)
    table = effects({"native": 0.8, "other": 0.6}, {"variance": 0.4})
    table["denominator"] = np.tile(blind, len(table) // SCENES)
    rows = portability_table(rce_rows(table, [("native", "other")], "finder"))
    assert rows[["value", "low", "high", "floor_variance", "excess_low"]].isna().all(axis=None)


def swept(saturated: tuple[bool, ...], values: tuple[float, ...] = (0.5, 0.6, 0.7)) -> pd.DataFrame:
    """One transfer at three doses."""
    where = {"across": "finder", "a": "lda", "b": "diff_means", "layer": 2, "rank": 7, "edit": "ablate"}
    doses = (1.0, 0.25, 0.5)
    return pd.DataFrame([{**where, "dose": d, "saturated": f, "value": v} for d, f, v in zip(doses, saturated, values, strict=True)])


@pytest.mark.parametrize(
    ("saturated", "values", "dose"),
    [
        ((False, False, False), (0.5, 0.6, 0.7), 1.0),
        ((True, False, False), (0.5, 0.6, 0.7), 0.5),
        ((True, True, True), (0.5, 0.6, 0.7), 0.25),
        ((False, False, False), (np.nan, 0.6, 0.7), 0.5),
        ((True, True, False), (0.5, 0.6, np.nan), 0.25),
        ((True, True, True), (np.nan, np.nan, np.nan), 0.25),
    ],
)
def test_rce_is_reported_at_one_dose(saturated: tuple[bool, ...], values: tuple[float, ...], dose: float) -> None:
    """The largest where neither effect saturates; where all do the smallest, which is the least saturated; never one without a ratio
    where another has one."""
    assert one_dose(swept(saturated, values))["dose"].tolist() == [dose]


def test_the_dose_is_chosen_for_each_transfer_and_rows_keep_their_order() -> None:
    both = pd.concat([swept((True, True, True)), swept((False, False, False)).assign(a="l1_probe")], ignore_index=True)
    picked = one_dose(both)
    assert (
        list(zip(picked["a"], picked["dose"], strict=True)) == [("lda", 0.25), ("l1_probe", 1.0)] and picked.index.is_monotonic_increasing
    )
