"""The screen: few exact draws moved by many first-order ones, one slope a layer and edit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jepascope.intervention.screen import screen_table

SCENES, MARGIN = 24, 4.0
MEANS = {"random": 0.1, "variance": 0.3, "shuffled": 0.5}


def tables(follows: bool, draws: int = 3, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects of two finders and three controls whose means are MEANS, and first-order effects of 0.4 times the size, plus a constant."""
    rng, effects, first = np.random.default_rng(seed), [], []
    where = {"layer": 5, "tokens": "all", "edit": "swap", "dose": 1.0, "judge": "probe"}
    for finder in ("one", "two"):
        for control, mean in {"subspace": 0.8, **MEANS}.items():
            for draw in range(1 if control == "subspace" else draws):
                size = 0.0 if control == "subspace" else 0.2 * rng.standard_normal()
                exact = MARGIN * (mean + size + 0.01 * rng.standard_normal(SCENES))
                surrogate = 1.0 + 0.4 * MARGIN * (size if follows else 0.2 * rng.standard_normal()) * np.ones(SCENES)
                same = {**where, "finder": finder, "control": control, "draw": draw, "scene": np.arange(SCENES)}
                beside = {"rank": 7, "read_layer": 9, "read": "", "numerator": exact, "denominator": MARGIN}
                effects.append(pd.DataFrame({**same, **beside}))
                own = control == "subspace"
                expected = {"expected": np.nan if own else 1.0, "many": 0 if own else 500}
                first.append(pd.DataFrame({**same, "clip": np.arange(SCENES), "value": surrogate, **expected}))
    return pd.concat(effects, ignore_index=True), pd.concat(first, ignore_index=True)


def test_means_of_few_draws_are_moved_to_those_of_many() -> None:
    effects, first = tables(follows=True)
    table = screen_table(effects, first, resamples=200)
    assert len(table) == 2 * 4 and not table.duplicated(["finder", "control"]).any()
    assert table["slope"].to_numpy() == pytest.approx(2.5, rel=0.05) and (table["correlation"] > 0.99).all()
    controls = table[table["control"] != "subspace"]
    assert controls["screened"].all() and (controls["draws"] == 3).all()
    np.testing.assert_allclose(controls["value"], controls["control"].map(MEANS), atol=0.03)
    assert controls["first_order"].to_numpy() == pytest.approx(1.0 / MARGIN)
    plain = effects[effects["control"] != "subspace"].groupby(["finder", "control"])["numerator"].mean() / MARGIN
    assert (plain - plain.index.get_level_values("control").map(MEANS)).abs().max() > 0.06  # what three draws say by themselves


def test_a_subspace_is_exact_and_never_called_screened() -> None:
    own = screen_table(*tables(follows=True), resamples=200).query("control == 'subspace'")
    assert own["value"].to_numpy() == pytest.approx(0.8, abs=0.01) and not own["screened"].any() and own["first_order"].isna().all()


def test_where_first_order_effects_do_not_follow_means_are_left_as_they_are() -> None:
    effects, first = tables(follows=False, draws=6, seed=1)
    table = screen_table(effects, first, resamples=200).query("control != 'subspace'").set_index(["finder", "control"])
    assert len(table) == 6
    assert (table["correlation"] < 0.5).all()
    plain = effects[effects["control"] != "subspace"].groupby(["finder", "control"])["numerator"].mean() / MARGIN
    pd.testing.assert_series_equal(table["value"].sort_index(), plain, check_names=False)


def test_draws_of_a_claim_are_not_called_screened() -> None:
    assert not screen_table(*tables(follows=True, draws=12), resamples=200)["screened"].any()


def test_without_first_order_effects_there_is_no_screen() -> None:
    effects, first = tables(follows=True)
    assert screen_table(effects, first[:0], resamples=200).empty
    other = screen_table(effects.assign(judge="mlp"), first, resamples=200)
    assert other.empty and list(other.columns) == list(screen_table(effects, first, resamples=200).columns)
