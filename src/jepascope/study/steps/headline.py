"""The headline: a run's figures in one or two sentences, the least flattering comparison among them. Made from summary.json alone."""

from __future__ import annotations

from typing import Any

from jepascope.findings.units import units_in
from jepascope.study.steps.beyond import beyond
from jepascope.study.steps.effect_words import (
    against_words,
    beside_in,
    effect_in,
    named,
    no_ratio_words,
    percent_with_interval,
    plain,
    unread_words,
)
from jepascope.study.steps.reading_words import reading
from jepascope.study.videos.words import carried_words, left_out_words, other_edit_words, reach_words


def headline(summary: dict[str, Any]) -> str:
    """The figures that matter: what decodes and from what else, what ablation does and how much of that the residual stream carries by
    itself, and what the controls do, the closest one first.
    """
    finder = next(iter(summary["ce"]))
    text = reading(summary) + ablated(summary, finder)
    return text + left_out_words(summary) + carried_words(summary) + reach_words(summary)


def ablated(summary: dict[str, Any], finder: str) -> str:
    """What ablation does, and beside what; or why nothing can be said of it."""
    effect = effect_in(summary, finder, "ablate")
    tested = f"test {units_in(summary)}"
    if effect is not None and effect.unread:
        return f"; {unread_words(effect, summary['variable'], tested)}, so no causal effect can be stated."
    if effect is None or effect.side == "unknown":
        other = other_edit_words(summary, finder)
        return f"; the judge reads no margin there, so no causal effect {'of ablation ' if other else ''}can be stated.{other}"
    what = f"; ablating the rank-{summary['rank']} {finder} subspace "
    what += "" if effect.shown else "is not shown to do anything: it "
    text = (
        f"{what}removes {percent_with_interval(effect)} of the judge's margin{'' if effect.works or not effect.shown else ', which grows'}"
    )
    direct = summary["ce"][finder]["ablate"]["direct"]
    if effect.works and direct["value"] is not None:
        text += f", {plain(100 * direct['value'], 0)} points of it with no block seeing the edit"
    unit = f"{tested}, which are what intervals resample" if "footage" in summary else tested
    text += f" (n = {effect.n:.0f} {unit}; 95 % intervals, for this subspace and this read-out)."
    if effect.works:
        beside = named(beside_in(summary, finder, "ablate", effect))
        told = [words for one in beside if (words := against_words(one))]
        text += (f" That is {', '.join(told)}." if told else "") + no_ratio_words(beside)
    return text + beyond(summary)
