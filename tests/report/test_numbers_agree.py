"""Every number named in two places is the same number: tables, summary.json, headline, page, comparison and terminal of one run."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sections_said import edit, tell, words

from jepascope.findings.numbers import finite
from jepascope.findings.summary import by_probe, pairs
from jepascope.report import carried_measures
from jepascope.report.folder import read_run
from jepascope.report.sections.alignment import pairs_of
from jepascope.report.sections.reads import reads_section
from numbers_named import Key, Named, disagreements, everything

PLACES = {
    "ce": {
        "ce.parquet",
        "summary ce",
        "page effects",
        "compare JSON",
        "compare table",
        "terminal",
        "card",
        "verdict",
        "claims",
        "first screen",
    },
    "ratio": {"ce.parquet", "page effects", "compare JSON", "compare table", "terminal", "card", "claims"},
    "beyond": {"ce.parquet", "verdict", "first screen"},
    "control": {"ce.parquet", "summary controls", "page effects", "compare JSON", "terminal", "claims", "first screen"},
    "standing": {"page effects", "compare JSON", "terminal"},
    "rce": {"portability.parquet", "summary rce", "page retained", "compare JSON", "compare table", "claims"},
    "sas": {"portability.parquet", "summary sas", "page degeneracy", "compare JSON"},
    "accuracy": {"probes.parquet", "summary probe", "card", "page emergence", "compare JSON", "compare table", "claims"},
    "leak": {"leaks.parquet", "summary leaks", "page leaks", "claims"},
    "value": {"values.parquet", "compare JSON", "compare table", "claims"},
}
"""Where each kind of number has to be found: a reader that finds nothing would agree with everything."""

ABLATED = ("probe", "class_pca", "ablate")  # of the finder that comes first in these tables


def summarised(run: Path) -> Path:
    """summary.json written anew from the tables, as a study writes it."""
    ce, matching, portability = (pd.read_parquet(run / f"{name}.parquet") for name in ("ce", "matching", "portability"))
    whole = ce.assign(**{name: np.nan for name in ("direct", "direct_low", "direct_high", "excess_low", "excess_high") if name not in ce})
    matching = matching.assign(overlap=matching.get("overlap", np.nan))
    summary = json.loads((run / "summary.json").read_text())
    best = summary["best_layer"]
    for row in portability.query("metric == 'sas'").to_dict("records"):
        edit(
            run,
            "verdicts",
            lambda table, row=row: table.assign(sas=table["sas"].mask((table["a"] == row["a"]) & (table["b"] == row["b"]), row["value"])),
        )
    found = {
        "sas": pairs(portability, "sas", best),
        "rce": pairs(portability, "rce", best),
        **by_probe(whole[whole["layer"] == best], matching[matching["layer"] == best]),
    }
    tell(run, **found)
    return run


@pytest.fixture
def run(ported_copy: Path) -> Path:
    return ported_copy


def of_ablation(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A change of the own row of the first finder's ablation."""

    def changed(ce: pd.DataFrame) -> pd.DataFrame:
        mine = (ce["finder"] == "class_pca") & (ce["edit"] == "ablate") & (ce["judge"] == "probe") & (ce["control"] == "subspace")
        return pd.concat([ce[~mine], change(ce[mine])]).sort_index()

    return changed


def few_draws(ce: pd.DataFrame) -> pd.DataFrame:
    """The random control of fewer than ten draws: nothing compares."""
    few = ce["control"] == "random"
    compared = ["difference", "difference_low", "difference_high", "ratio", "ratio_low", "ratio_high", "percentile", "p", "p_holm"]
    return ce.assign(draws=ce["draws"].mask(few, 4), **{name: ce[name].mask(few) for name in compared})


def everywhere(run: Path, *columns: str, metric: str = "rce", **values: Any) -> None:
    """Columns of the portability table's rows of a metric: set, or (``columns``) emptied."""
    made = {**values, **dict.fromkeys(columns, np.nan)}
    edit(run, "portability", lambda table: table.assign(**{name: table[name].mask(table["metric"] == metric, made[name]) for name in made}))


def saturated(run: Path) -> None:
    everywhere(run, saturated=True)


def nothing_native(run: Path) -> None:
    everywhere(run, "value", "low", "high")


def not_shown(run: Path) -> None:
    edit(run, "ce", of_ablation(lambda own: own.assign(low=-0.81, high=2.0)))


def reversed_effect(run: Path) -> None:
    edit(run, "ce", of_ablation(lambda own: own.assign(value=-0.4, low=-0.5, high=-0.3)))


def of_few_draws(run: Path) -> None:
    edit(run, "ce", few_draws)


def blind(run: Path) -> None:
    """A judge that is right for 47 % of the scenes where a coin is for half."""
    edit(run, "ce", lambda ce: ce.assign(accuracy_before=0.47))
    tell(run, judge_reading={"probe": {"accuracy": 0.47, "low": 0.36, "high": 0.58, "n": 80, "chance": 0.5, "reads": False}})


def unchanged(run: Path) -> None:
    pass


Found = dict[Key, list[Named]]


def stated(found: Found, *key: str) -> set[str]:
    """Places that print a number for the key."""
    return {one.place for one in found[key] if isinstance(one.stands, str)}


def standings(found: Found, *key: str) -> set[Any]:
    return {one.stands for where, named in found.items() if where[: len(key) + 1] == ("standing", *key) for one in named}


def ratios_are_stated(found: Found) -> bool:
    seen = stated(found, "ratio", *ABLATED, "variance", "value")
    return seen >= {"page effects", "compare table", "terminal"} and "card" in stated(found, "ratio", *ABLATED, "random", "value")


def no_ratio_of_ablation(found: Found) -> bool:
    return not any(stated(found, "ratio", *ABLATED, control, "value") for control in ("random", "variance", "shuffled", "norm"))


def the_smallest_dose(found: Found) -> bool:
    doses = [one for key, named in found.items() if key[0] == "rce" and key[-1] == "dose" for one in named]
    return {float(one.stands or 0) for one in doses} == {0.25} and len({one.place for one in doses}) == 3


def worst(run: Path) -> None:
    saturated(run)
    not_shown(run)


CASES: dict[Callable[[Path], None], tuple[Callable[[Found], bool], set[str]]] = {
    unchanged: (ratios_are_stated, set()),
    worst: (lambda found: the_smallest_dose(found) and no_ratio_of_ablation(found), {"card", "verdict", "claims"}),
    saturated: (the_smallest_dose, set()),
    not_shown: (
        lambda found: no_ratio_of_ablation(found) and standings(found, *ABLATED) == {"effect not shown"},
        {"card", "verdict", "claims"},
    ),
    blind: (
        lambda found: no_ratio_of_ablation(found) and standings(found, "probe") == {"judge not shown to read"},
        {"card", "verdict", "claims", "first screen", "compare table", "page degeneracy"},
    ),
    reversed_effect: (no_ratio_of_ablation, {"card", "verdict", "claims"}),
    of_few_draws: (lambda found: standings(found, *ABLATED, "random") == {"too few draws"}, set()),
    nothing_native: (lambda found: True, {"compare table"}),
}
"""What is done to the run's tables; what then holds besides; places that then name no number of some kind."""
EVERY_DAY = (unchanged,)


def may_fail(found: Found) -> None:
    """The comparison sees a number, a rule or a word of its own in one place: another dose of RCE, another ratio, another standing."""
    for key, place, wrong in (
        (("rce", "finder", "diff_means", "class_pca", "value"), "summary rce", 0.1),
        (("rce", "finder", "diff_means", "class_pca", "dose"), "page retained", "0.3"),
        (("ratio", *ABLATED, "random", "value"), "terminal", "9.9"),
        (("beyond", *ABLATED, "variance", "low"), "verdict", None),
        (("standing", *ABLATED, "random"), "compare JSON", "above the mean draw"),
        (("leak", "pixels_first_frame"), "page leaks", "99.9"),
    ):
        named = found[key]
        assert place in {one.place for one in named}, (key, place)
        (said,) = disagreements({key: [replace(one, stands=wrong) if one.place == place else one for one in named]})
        assert place in said


@pytest.mark.parametrize("case", [pytest.param(case, marks=() if case in EVERY_DAY else pytest.mark.slow) for case in CASES])
def test_every_number_named_in_two_places_is_the_same_number(run: Path, case: Callable[[Path], None]) -> None:
    holds, silent = CASES[case]
    case(run)
    found = everything(summarised(run))
    assert disagreements(found) == []
    assert holds(found)
    if case is unchanged:
        may_fail(found)
    for kind, places in PLACES.items():
        seen = {one.place for key, named in found.items() if key[0] == kind for one in named}
        assert seen >= places - silent, (kind, places - seen)


def test_a_judge_that_does_not_read_gives_no_share_that_is_kept(copied: Path) -> None:
    """On the page of a run and beside other runs: RCE is a ratio of effects by that judge."""
    before = read_run(copied)
    assert any(finite(one.value) for one in carried_measures.rce(before, "finder"))
    tell(copied, judge_reading={"probe": {"accuracy": 0.2, "low": 0.1, "high": 0.4, "n": 40, "chance": 0.125, "reads": False}})
    run = read_run(copied)
    assert not any(finite(one.value) or finite(one.floor_variance) for one in carried_measures.rce(run, "finder"))
    said = words(reads_section(run))
    assert "nothing is said of where effects fade or grow" in said and "fades along" not in said
    pairs_read = pairs_of(run)
    assert pairs_read is not None
    rows = pairs_read.portability
    ratios = rows[(rows["metric"] == "rce") & (rows["across"] != "clip set")]
    assert len(ratios) and ratios["value"].isna().all()
