"""Every empty cell of a table of effects has its reason, and the reasons are the rules that empty it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest

from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.empty_cells import LEFT_OUT, explain, why_empty
from jepascope.stats import MIN_DRAWS, OUTSIDE_DRAWS


def effects(
    draws: int = 20, scenes: int = 24, effect: float = 0.5, other: float = 0.1, margin: float = 1.0, **said: object
) -> pd.DataFrame:
    """Rows of one condition: a subspace, a control of some draws, and one in which nothing is random."""
    rng = np.random.default_rng(0)
    below = margin + 0.1 * rng.standard_normal(scenes)
    rows = []
    for name, count, mean in (("subspace", 1, effect), ("random", draws, other), ("top_pca", 1, other)):
        for draw in range(count):
            numerator = mean + 0.05 * rng.standard_normal(scenes) + 0.02 * rng.standard_normal()
            rows.append(pd.DataFrame({"scene": range(scenes), "control": name, "draw": draw, "numerator": numerator, "denominator": below}))
    table = pd.concat(rows, ignore_index=True)
    table["numerator_direct"], table["correct"], table["correct_before"] = 0.1 * table["numerator"], True, True
    table["kl"], table["angle_error"], table["angle_error_before"] = 0.1, np.nan, np.nan
    fixed = {
        "layer": 2,
        "tokens": "all",
        "finder": "lda",
        "rank": 3,
        "edit": "ablate",
        "dose": 1.0,
        "judge": "probe",
        "read_layer": 4,
        "read": "",
    }
    return table.assign(**{**fixed, **said})


CASES = [
    *({"draws": draws} for draws in (2, MIN_DRAWS - 1, MIN_DRAWS, OUTSIDE_DRAWS - 1, OUTSIDE_DRAWS)),
    *({"effect": effect, "other": other} for effect, other in product((0.5, 0.0, -0.5), (0.1, 0.0, -0.3))),
    *({"margin": margin, "edit": edit} for margin, edit in product((0.0, -1.0), ("ablate", "swap"))),
    {"scenes": 2},
    {"scenes": 3},
    {"numerator_direct": np.nan, "kl": np.nan},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_cell_has_a_reason_exactly_where_it_is_empty(case: dict) -> None:
    ce = ce_table(effects(**case), resamples=200)
    why = why_empty(ce)
    assert (why.columns == ce.columns).all() and (why.ne("") == ce.isna()).all(axis=None)
    assert not why.eq("there is none").any(axis=None)
    said = explain(ce)
    assert all(line.startswith("Empty in ") and ". Why: " in line and line.endswith(".") for line in said)


def reason(column: str, control: str = "random", **case: object) -> str:
    ce = ce_table(effects(**case), resamples=200)
    return why_empty(ce).set_index(ce["control"]).loc[control, column]


def test_reasons_are_the_rules() -> None:
    assert reason("ratio", draws=MIN_DRAWS - 1).startswith(f"{MIN_DRAWS - 1} draws: with fewer than {MIN_DRAWS}")
    assert reason("ratio", draws=MIN_DRAWS) == "" and reason("p", draws=MIN_DRAWS) == ""
    assert reason("excess_low", draws=OUTSIDE_DRAWS - 1).startswith(f"{OUTSIDE_DRAWS - 1} draws: fewer than {OUTSIDE_DRAWS}")
    assert reason("excess_low", draws=OUTSIDE_DRAWS) == ""
    assert reason("ratio") == "" and "lies below zero; read the difference" in reason("ratio", other=-0.3)
    assert "judge's margin" in reason("value", margin=0.0) and "judge's margin" in reason("ratio", margin=0.0)
    assert "nothing in this control is random" in reason("p", control="top_pca")
    assert "compared in the rows of its controls" in reason("p", control="subspace")
    assert reason("angle_error") == "the variable is no angle, or this judge reads none"


def test_without_a_ratio_the_subspace_s_effect_is_no_multiple() -> None:
    ce = ce_table(effects(effect=0.0), resamples=200)
    ce.loc[ce["control"] == "random", ["ratio", "ratio_low", "ratio_high"]] = np.nan
    assert "cannot be told from zero, so that it is no multiple" in why_empty(ce).set_index(ce["control"]).loc["random", "ratio"]


def test_p_of_fewer_draws_is_not_corrected_and_says_so() -> None:
    """A survey of other layers, with fewer draws, makes no claim."""
    both = pd.concat([effects(draws=20), effects(draws=10, layer=1)], ignore_index=True)
    ce = ce_table(both, resamples=200)
    why = why_empty(ce)
    row = ce.index[(ce["layer"] == 1) & (ce["control"] == "random")][0]
    assert why.loc[row, "p"] == "" and why.loc[row, "p_holm"].startswith("p is corrected over the layers and finders with as many draws")
    assert (why.ne("") == ce.isna()).all(axis=None)
    assert any(line.startswith("Empty in random 1: p_holm, p_floor. Why: ") for line in explain(ce))  # the layer tells the rows apart


def test_a_control_without_a_row_is_named_first() -> None:
    ce = ce_table(effects(), resamples=200)
    ce.attrs[LEFT_OUT] = {"shuffled": "nothing shows what found it"}
    assert explain(ce)[0] == "There is no row 'shuffled': nothing shows what found it."
