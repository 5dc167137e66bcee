"""What a claim says follows from its rows, whichever way they turn out; the headline is made of claims and of nothing else."""

from __future__ import annotations

import json
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.carried import FLOORS
from jepascope.findings.claim import worst
from jepascope.findings.claims import CLAIMS, claims_json, claims_of, headline
from jepascope.findings.distrust import doubts
from jepascope.findings.facts import Facts
from jepascope.findings.ported import PORTED
from jepascope.findings.title import title_of
from jepascope.findings.used import USED
from jepascope.findings.videos import LEFT_OUT, REAL, reach_words
from jepascope.schema import TABLES

CLEAR = {
    "difference": 0.25,
    "difference_low": 0.1,
    "difference_high": 0.4,
    "excess_low": 0.05,
    "excess_high": 0.5,
    "ratio": 3.0,
    "ratio_low": 2.0,
    "ratio_high": 4.0,
}
READS = {"accuracy": 0.9, "low": 0.8, "high": 0.95, "n": 8, "chance": 0.125}
BLIND = {"accuracy": 0.47, "low": 0.3, "high": 0.65, "n": 30, "chance": 0.5}
EFFECT = {"value": 0.5, "low": 0.25, "high": 0.75, "direct": 0.125}


def ce(
    finder: str = "diff_means", rank: int = 7, effect: dict[str, float] = EFFECT, n: int = 8, **controls: dict[str, Any]
) -> pd.DataFrame:
    """The table ``ce`` of one ablation beside controls, three times what each does unless it says otherwise."""
    where = {"layer": 2, "tokens": "all", "finder": finder, "rank": rank, "edit": "ablate", "dose": 1.0, "judge": "probe", "n": n}
    empty: dict[str, Any] = dict.fromkeys((column.name for column in TABLES["ce"]), nan)
    rows = [{**empty, **where, "control": "subspace", "draws": 1, "ratio_is_bound": False, **effect}]
    for name, changed in controls.items():
        rows.append({**empty, **where, "control": name, "draws": 20, "ratio_is_bound": False, **CLEAR, **changed})
    return pd.DataFrame(rows)


def facts(table: pd.DataFrame, reading: dict[str, float] = READS, **more: Any) -> Facts:
    known = {
        "model": "nano",
        "clips": "directions8",
        "variable": "direction",
        "layers": [0, 1, 2],
        "best_layer": 2,
        "tokens": "all",
        "rank": 3,
    }
    return Facts({**known, "judge_reading": {"probe": reading}, **more}, {"ce": table})


def test_an_effect_is_said_with_interval_n_and_the_controls_the_closest_first() -> None:
    claim = USED.claim(facts(ce(random={}, variance={})))
    assert claim.verdict == "shown"
    assert claim.sentence.startswith(
        "Ablating the rank-7 diff_means subspace removes 50 [25, 75] % of the judge's margin, 12 points of it with no block seeing the "
        "edit (n = 8 test scenes;"
    )
    assert "more than random directions do (by 25 [5, 50] points)" in claim.sentence and "variance-matched" not in claim.sentence
    close = {"ratio": 1.2, "ratio_low": 1.1, "ratio_high": 1.4, "excess_low": -0.1}
    worded = USED.claim(facts(ce(random={}, variance={"ratio": 0.3, "ratio_is_bound": True}, shuffled=close, carried={})))
    assert worded.verdict == "no power"  # single draws of the closest one do as much, and may do far less
    assert ": not shown to be more than subspaces found on shuffled labels do (by 25 [-10, 50] points; no power)" in worded.sentence
    narrow = USED.claim(facts(ce(random={}, shuffled={**close, "excess_high": 0.2})))
    assert narrow.verdict == "not shown" and "no power" not in narrow.sentence
    assert "more than the same edit in random directions do (by 25 [5, 50] points)" in worded.sentence and "average" not in worded.sentence
    assert {number.control for number in worded.numbers} == {"", "random", "variance", "shuffled", "carried"}
    assert worded.evidence[0].key == {
        **{"layer": 2, "tokens": "all", "finder": "diff_means", "rank": 7, "edit": "ablate", "dose": 1, "judge": "probe"}
    }


def test_no_ratio_is_stated_of_an_effect_that_is_not_shown() -> None:
    """59 [-81, 200] % is no effect, however much random edits do less."""
    claim = USED.claim(facts(ce(effect={"value": 0.59, "low": -0.81, "high": 2.0}, random={})))
    assert "is not shown to do anything: it removes 59 [-81, 200] % of the judge's margin (n = 8 test scenes" in claim.sentence
    assert claim.verdict == "no power" and "ratio" not in claim.sentence and "points of it" not in claim.sentence
    small = USED.claim(facts(ce(effect={"value": 0.02, "low": -0.08, "high": 0.12}, random={})))
    assert small.verdict == "not shown" and "no power" not in small.sentence
    other = USED.claim(facts(ce(effect={"value": -0.4, "low": -0.5, "high": -0.3}, random={})))
    assert other.verdict == "refuted" and "it grows" in other.sentence and "ratio" not in other.sentence


def test_a_judge_that_reads_nothing_states_nothing() -> None:
    claim = USED.claim(facts(ce(random={}), BLIND))
    assert claim.sentence == (
        "No causal effect can be stated: the judge is not shown to read the variable (47.0\u00a0% [30.0, 65.0\u00a0%], chance 50.0\u00a0%)."
    )
    assert claim.verdict == "undecided"
    nothing = USED.claim(facts(ce(effect={"value": nan, "low": nan, "high": nan}, random={})))
    assert nothing.sentence == "No causal effect can be stated: the judge reads no margin there." and nothing.verdict == "undecided"


def test_every_question_has_an_answer_and_the_headline_is_made_of_them() -> None:
    run = facts(ce(random={}))
    claims = claims_of(run)
    assert [claim.name for claim in claims] == [question.name for question in CLAIMS["run"]]
    everyone = {question for questions in CLAIMS.values() for question in questions}
    assert len({question.name for question in everyone}) == len(everyone)
    assert {claim.verdict for claim in claims if not claim.sentence} == {"not run"}
    assert headline(run, claims) == USED.claim(run).sentence
    stored = json.loads(json.dumps(claims_json(claims), allow_nan=False))
    used = next(claim for claim in stored["claims"] if claim["name"] == "used")
    assert used.keys() == {"name", "question", "rule", "verdict", "sentence", "numbers", "evidence"}
    assert used["numbers"][0] == {
        **{"what": "CE of ablate", "value": 0.5, "low": 0.25, "high": 0.75, "n": 8.0, "unit": "share", "control": ""}
    }


def left_out_of(effect: dict[str, float], reading: dict[str, float] = READS) -> str:
    read = {"value": 0.55, "low": 0.36, "high": 0.73, "n": 80, "chance": 0.25}
    left = {"videos": 8, "rank": 3, "layers": {"1": 8}, "accuracy": read, "judge_reading": {"probe": reading}}
    every = ce("lda", 3, effect, 8, random={}).assign(layer=-1)
    run = facts(ce("lda", 3, effect, 8, random={}), footage={}, leave_one_out=left)
    return LEFT_OUT.claim(Facts(run.summary, {**run.tables, "leave_one_out": every})).sentence


def test_leaving_videos_out_states_both_figures_and_no_more_than_they_carry() -> None:
    text = left_out_of({"value": 0.47, "low": 0.29, "high": 0.74})
    assert (
        "By leaving out one of 8 videos at a time: accuracy 0.550 [0.36, 0.73] (chance 0.250), and ablating the rank-3 lda subspace" in text
    )
    assert "removes 47 [29, 74] %" in text and "by 25 [5, 50] points" in text and "n = 8" in text
    blind = left_out_of({"value": 0.47, "low": 0.29, "high": 0.74}, BLIND)
    assert "not shown to read the variable" in blind and "no effect of ablation can be stated" in blind and "removes" not in blind
    none = left_out_of({"value": nan, "low": nan, "high": nan})
    assert "read no margin" in none and "removes" not in none
    assert LEFT_OUT.claim(facts(ce())).sentence == ""


def in_turn(reading: dict[str, float] = READS, **more: Any) -> Facts:
    """A run of few videos: the split's judge reads nothing and its table says so; every video in turn says otherwise."""
    read = {"value": 0.9, "low": 0.7, "high": 0.97, "n": 44, "chance": 0.5}
    left = {"videos": 11, "rank": 1, "layers": {"1": 11}, "accuracy": read, "judge_reading": {"probe": reading}, **more}
    swapped = ce("lda", 1, {"value": 0.8, "low": 0.6, "high": 0.95}, 11, top_pca={}, carried={}).assign(edit="swap")
    every = pd.concat([swapped, ce("lda", 1, n=11, random={})], ignore_index=True).assign(layer=-1)
    run = facts(ce("lda", 1, n=2, random={}), BLIND, footage={}, leave_one_out=left, swap_donor="class")
    return Facts(run.summary, {**run.tables, "leave_one_out": every})


def test_claims_of_few_videos_are_made_of_every_video_in_turn() -> None:
    run = in_turn(leads=True)
    claim = USED.claim(run)
    assert claim.verdict == "shown" and {number.n for number in claim.numbers if number.n == number.n} == {11}
    assert "A swap of the rank-1 lda subspace moves the margin by 80 [60, 95] % of the way to a clip of another class" in claim.sentence
    assert "n = 11 videos, each left out in turn" in claim.sentence and "may be too narrow" in claim.sentence
    assert [(evidence.table, evidence.key["edit"]) for evidence in claim.evidence] == [
        ("leave_one_out", "swap"),
        ("leave_one_out", "ablate"),
    ]
    claims = claims_of(run)
    assert title_of(run, claims).startswith("nano uses direction: a swap moves it 80")
    assert any(doubt.text == "Only 11 videos, each left out in turn" for doubt in doubts(run, claims))
    assert LEFT_OUT.claim(run).verdict == claim.verdict and "effects as above" in LEFT_OUT.claim(run).sentence


def test_a_judge_of_every_video_in_turn_that_reads_nothing_states_nothing() -> None:
    claim = USED.claim(in_turn(BLIND, leads=True))
    assert claim.verdict == "undecided" and "not shown to read the variable" in claim.sentence


def test_folders_that_swapped_nothing_in_turn_keep_the_claims_of_their_split() -> None:
    assert USED.claim(in_turn()).verdict == "undecided"  # whose judge reads nothing


def taken(effect: dict[str, float], rce: dict[str, Any] | None, **controls: dict[str, Any]) -> str:
    name = "lda (directions8)"
    carried = {"run": "demo", "clips": "directions8", "layer": 2, "finders": {name: "lda"}, "ranks": {name: 7}}
    carried["rce"] = {} if rce is None else {name: rce}
    return REAL.claim(facts(ce(name, 7, effect, 5, **controls), footage={}, carried=carried, swap_donor="class")).sentence


def test_no_more_is_said_of_a_carried_subspace_than_its_intervals_carry() -> None:
    effect = {"value": 0.4, "low": 0.2, "high": 0.6}
    rce = {"edit": "ablate", "value": 0.7, "low": 0.4, "high": 1.1, "excess_low": 0.1, "excess_high": 0.9}
    text = taken(effect, rce, random={})
    assert "removes 40 [20, 60] % of the judge's margin (n = 5 test videos): more than random directions do (by 25 [5" in text
    assert "the rank-7 lda subspace at layer 2" in text and "found here (rank 3)" in text
    assert "above what variance-matched directions keep" in text and "5.3" in text
    same = {"difference_low": -0.1, "ratio": 1.1, "ratio_low": 0.9, "ratio_high": 1.4, "excess_low": -0.2}
    text = taken(effect, rce, random={}, shuffled=same)
    assert "not told apart from what subspaces found on shuffled labels do" in text and "random directions" not in text  # the closest
    text = taken({"value": 0.4, "low": -0.2, "high": 0.9}, {**rce, "excess_low": -0.3}, random={})
    assert "is not shown to do anything: it removes 40 [-20, 90] %" in text and "points" not in text
    assert "not shown to be more than variance-matched directions keep" in text
    assert "no effect of the lda subspace can be stated" in taken({"value": nan, "low": nan, "high": nan}, None)
    assert REAL.claim(facts(ce())).sentence == ""


def test_an_encoder_trained_on_procedural_clips_is_said_to_be_one() -> None:
    assert "procedural clips alone" in reach_words({"footage": {}, "model": "nano"})
    assert reach_words({"model": "nano"}) == reach_words({"footage": {}, "model": "facebook/vjepa2-vitl-fpc64-256"}) == ""


def transport(low: float, high: float, **changes: Any) -> str:
    """A subspace of the first finder, and one of another that does better, held against floors of which one is close."""
    where = {"source": "a", "target": "b", "source_layer": 1, "target_layer": 2, "choice": "both", "map": "ridge", "edit": "ablate"}
    own = {"rank": 2, "dose": 1.0, "n": 9, "rce": 0.5, "rce_low": 0.4, "rce_high": 0.6, "sas": 0.3, "sas_chance": 0.1, "saturated": False}
    rows = []
    for finder in ("lda", "das"):
        at = {**where, **own, "finder": finder, "value": 0.5, "low": 0.4, "high": 0.6}
        rows += [{**at, "used": used} for used in ("native", "class-free")] + [{**at, "used": "carried", **changes}]
        for floor in (*FLOORS, "class-free random source"):
            near = floor == "shuffled pairs"
            ends = (low, high) if near else (0.2, 0.4)
            rows.append({**at, "used": floor, "value": 0.45 if near else 0.1, "difference_low": ends[0], "difference_high": ends[1]})
    return PORTED[0].claim(Facts({"kind": "models"}, {"transport": pd.DataFrame(rows)})).sentence


def test_a_port_tells_the_floor_that_flatters_least() -> None:
    assert transport(0.1, 0.2).startswith("a → b, lda at layer 1 carried to layer 2 (both) by ridge: RCE 0.500 [0.400, 0.600]")
    assert "more than that of every floor (the highest, of the map of shuffled pairs: 0.450)" in transport(0.1, 0.2)
    assert "not told apart from the map of shuffled pairs" in transport(-0.1, 0.2)
    assert "less than the map of shuffled pairs" in transport(-0.2, -0.1)
    full = transport(0.1, 0.2, saturated=True)
    assert "saturated at every dose, so the ratio says nothing" in full and "more than" not in full
    assert "no effect that could be kept" in transport(nan, nan, rce=nan, rce_low=nan, rce_high=nan)


def test_a_claim_on_several_things_is_no_better_than_the_least_of_them() -> None:
    assert worst(["shown", "undecided", "shown"]) == "undecided"
    assert worst(["undecided", "not shown"]) == "not shown" and worst(["shown", "refuted"]) == "refuted"
