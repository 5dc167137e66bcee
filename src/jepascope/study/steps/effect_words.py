"""An effect and its controls in the words of the headline; what may be said is ``intervention.claims``'s to decide."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, isnan
from typing import Any

from jepascope.findings.effect import (
    ABOVE_MEAN,
    BELOW,
    BELOW_IT,
    BELOW_MEAN,
    SAME,
    Against,
    Effect,
    JudgeReading,
    stored_readings,
    worst_first,
)
from jepascope.intervention.control_words import doer

ALWAYS = ("random", "variance")  # named in every headline, and besides them whichever control comes closest


def plain(value: float | None, digits: int = 2) -> str:
    """A number with so many decimals, without a sign before zero; 'n/a' for none."""
    if value is None or isnan(value):
        return "n/a"
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def percent_with_interval(effect: Effect) -> str:
    """'62 [57, 67] %'."""
    return f"{plain(100 * effect.value, 0)} [{plain(100 * effect.low, 0)}, {plain(100 * effect.high, 0)}] %"


def judge_of(summary: Mapping[str, Any], judge: str = "probe") -> JudgeReading | None:
    """How a judge reads the variable; None where the summary does not say."""
    return stored_readings(summary).get(judge)


def effect_in(summary: Mapping[str, Any], finder: str, edit: str, judge: str = "probe") -> Effect | None:
    """An effect of summary.json; None where it was not run."""
    effects = summary["ce"] if judge == "probe" else summary.get("by_judge", {}).get(judge, {})
    found = effects.get(finder, {}).get(edit)
    return None if found is None else Effect.of(found, judge_of(summary, judge))


def beside_in(summary: Mapping[str, Any], finder: str, edit: str, effect: Effect, judge: str = "probe") -> list[Against]:
    """The effect beside every control of summary.json, the closest first."""
    ratios = summary.get("ratio_by_judge", {}).get(judge, {}).get(finder, {}).get(edit)
    if ratios is None:
        ratios = summary.get("ce_ratio", {}).get(finder, {}) if (judge, edit) == ("probe", "ablate") else {}
    return worst_first(Against.of(ratio, effect, control) for control, ratio in ratios.items())


def named(beside: list[Against], always: tuple[str, ...] = ALWAYS) -> list[Against]:
    """Those that a sentence names: the closest, and ``always``."""
    return [one for place, one in enumerate(beside) if place == 0 or one.control in always]


def times(one: Against) -> str:
    """'2.6 times [1.1, 6.3]' or 'more than 3.0 times'; empty where no ratio is stated."""
    if not one.has_ratio:
        return ""
    if one.is_bound:
        return f"more than {plain(one.ratio, 1)} times" if isfinite(one.ratio) else "more than any number of times"
    high = plain(one.ratio_high, 1) if isfinite(one.ratio_high) else "unbounded"
    return f"{plain(one.ratio, 1)} times [{plain(one.ratio_low, 1)}, {high}]"


def against_words(one: Against) -> str:
    """The ratio with what it is to, and what single draws do; empty where no ratio is stated."""
    if not one.has_ratio:
        return ""
    if one.is_bound:
        return f"{times(one)} what {doer(one.control)} do on average (a lower bound: theirs is not distinguishable from zero)"
    return f"{times(one)} what {doer(one.control)} do{caveat(one)}"


def caveat(one: Against) -> str:
    """' on average', and what that leaves open."""
    if one.standing == ABOVE_MEAN:
        few = isnan(one.excess_low)
        return " on average (too few draws to say that none does as much)" if few else " on average (single draws of which do as much)"
    if one.standing in (SAME, BELOW, BELOW_MEAN, BELOW_IT):
        return " on average (not shown to be more)" if one.standing == SAME else " on average (less than they do)"
    return " on average"


def no_ratio_words(beside: list[Against]) -> str:
    """' No ratio to random directions can be stated.'; nothing where all have one."""
    silent = [doer(one.control) for one in beside if not one.has_ratio]
    return f" No ratio to {' or '.join(silent)} can be stated." if silent else ""


def unread_words(effect: Effect, variable: str, scenes: str) -> str:
    """Why a judge that does not read the variable cannot say what an edit does to it."""
    judge = effect.judge
    assert judge is not None
    span = f"{plain(100 * judge.accuracy, 0)} [{plain(100 * judge.low, 0)}, {plain(100 * judge.high, 0)}] %"
    return f"the judge is not shown to read the {variable} of unedited {scenes} (right for {span}, chance {plain(100 * judge.chance, 0)} %)"
