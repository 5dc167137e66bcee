"""What a mean over scenes may hide is told: scenes moved the wrong way, classes that differ; what cannot be compared says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from jepascope.findings.facts import Facts
from jepascope.findings.heterogeneity import heterogeneity_words, heterogeneous, tails_words
from jepascope.intervention.heterogeneity import difference_p, spread_table, strata_table
from jepascope.schema import TABLES
from jepascope.schema.check import check

SCENES = 24


def effects_of(numerator: np.ndarray, denominator: np.ndarray, draws: int = 3, edit: str = "ablate") -> pd.DataFrame:
    """One subspace beside a control that moves every other scene the wrong way."""
    where = {"layer": 2, "tokens": "all", "finder": "lda", "rank": 3, "edit": edit, "dose": 1.0, "judge": "probe", "read": ""}
    rows: list[dict[str, Any]] = []
    sides = np.where(np.arange(len(numerator)) % 2, -0.1, 0.1)
    for control, draw, moved in [("subspace", 0, numerator), *(("random", draw, sides) for draw in range(draws))]:
        rows += [
            {**where, "control": control, "draw": draw, "scene": 100 + scene, "numerator": up, "denominator": below}
            for scene, (up, below) in enumerate(zip(moved, denominator, strict=True))
        ]
    return pd.DataFrame(rows)


def classes(*names: str | None) -> pd.Series[Any]:
    given = [names[scene % len(names)] for scene in range(SCENES)]
    return pd.Series(pd.Categorical(given, sorted({name for name in names if name} or {"a"})), index=range(100, 100 + SCENES))


def split_in_two() -> pd.DataFrame:
    """Half of the scenes lose 0.9 of their margin, the others gain 0.1."""
    rng = np.random.default_rng(0)
    below = rng.uniform(0.8, 1.2, SCENES)
    return effects_of(below * (np.where(np.arange(SCENES) % 2, -0.1, 0.9) + 0.05 * rng.standard_normal(SCENES)), below)


def test_scenes_moved_the_wrong_way_are_counted_beside_the_controls_own() -> None:
    table = check(TABLES["spread"], spread_table(split_in_two())).set_index("control")
    own, control = table.loc["subspace"], table.loc["random"]
    assert own["wrong"] == pytest.approx(0.5, abs=0.05) and own["wrong_low"] < own["wrong"] < own["wrong_high"]
    assert control["wrong"] == 0.5 and control["draws"] == 3 and not own["heavy"]


def test_a_scene_that_is_misread_is_moved_the_right_way_when_its_negative_margin_shrinks() -> None:
    table = spread_table(effects_of(np.full(SCENES, -0.5), np.full(SCENES, -1.0)))
    assert table.loc[table["control"] == "subspace", "wrong"].item() == 0


def test_a_split_is_found_by_the_factor_that_makes_it_and_by_no_other() -> None:
    factors = {"shape": classes("disc", "square"), "size": classes("a", "a", "b", "b"), "hue": classes("x", "y", "z")}
    table = check(TABLES["strata"], strata_table(split_in_two(), factors, resamples=200))
    p = table.drop_duplicates("factor").set_index("factor")["p_holm"]
    assert p["shape"] < 0.01 and p["size"] > 0.1 and p["hue"] > 0.1
    by_class = table[table["factor"] == "shape"].set_index("class")["value"]
    assert by_class["disc"] == pytest.approx(0.9, abs=0.05) and by_class["square"] == pytest.approx(-0.1, abs=0.05)


def test_what_cannot_be_compared_is_said() -> None:
    few = classes("a").astype(object)
    few.iloc[:3] = "b"
    factors = {
        "one": classes("a"),
        "few": few.astype("category"),
        "several": classes(None),
        "named elsewhere": pd.Series(pd.Categorical(["a"]), index=[7]),
    }
    table = check(TABLES["strata"], strata_table(split_in_two(), factors, resamples=200))
    assert table["p_holm"].isna().all()
    why = table.groupby("factor")["reason"].agg(lambda reasons: "; ".join(filter(None, reasons)))
    assert why["one"] == "the only class, nothing to compare" and "fewer than 4 scenes" in why["few"]
    assert "no other class has 4 scenes" in why["few"] and "several classes" in why["several"]
    assert len(table[table["factor"] == "several"]) == 1


def test_no_margin_and_no_effect_crash_nothing() -> None:
    for effects in (effects_of(np.zeros(SCENES), np.zeros(SCENES)), effects_of(np.zeros(SCENES), np.ones(SCENES))):
        table = strata_table(effects, {"shape": classes("disc", "square")}, resamples=100)
        assert table["p"].isna().all() and len(spread_table(effects)) == 2


def test_classes_that_do_not_differ_are_called_different_as_often_as_the_level_says() -> None:
    found = 0
    for seed in range(300):
        rng = np.random.default_rng(seed)
        below, label = rng.lognormal(0, 0.5, 40), rng.integers(0, 3, 40)
        noise = np.where(label == 0, 0.6, 0.2) * rng.standard_t(5, 40)  # classes differ in variance alone
        found += difference_p(below * (0.5 + noise), below, label, rng, permutations=99) <= 0.05
    assert found <= 0.1 * 300


def test_words_name_the_split_and_warn_of_heavy_tails() -> None:
    rng = np.random.default_rng(0)
    below = np.where(np.arange(SCENES) < 2, 10.0, 1.0)
    effects = effects_of(below * (0.5 + 0.05 * rng.standard_normal(SCENES)), below)
    strata = strata_table(effects, {"shape": classes("disc", "square")}, resamples=200)
    spread = spread_table(effects)
    facts = Facts({"tokens": "all", "best_layer": 2, "ce": {"lda": {}}}, {"spread": spread, "strata": strata, "ce": spread})
    assert tails_words(facts).startswith("Heavy tails: a few test scenes carry most of the margin")
    text = " ".join(heterogeneity_words(facts))
    assert "moved the wrong way (mean over draws: random directions 50.0\u00a0%)" in text and "not shown to differ between classes" in text
    stored = heterogeneous(spread, strata)["lda"]["ablate"]
    assert stored["heavy"] and stored["wrong"]["n"] == SCENES and stored["strata"]["shape"]["classes"].keys() == {"disc", "square"}
