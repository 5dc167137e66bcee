"""Section: the result in one place."""

from __future__ import annotations

from typing import Any

from jepascope.discovery.probes.readings import Measure
from jepascope.findings.names import MOST_OF_A_HEADLINE, short
from jepascope.findings.numbers import count, finite, percent, percent_span, shown, span
from jepascope.findings.selection import claimed_rows, coinciding, edited, edited_of, finders_of, reading_at, tokens_of
from jepascope.findings.shortcuts import SHORTCUTS
from jepascope.findings.verdict import not_shown_words, ratio_words, verdict
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.blocks import Block, Card, Cards, Finding, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.sections.declared import section
from jepascope.report.sections.isolation import isolation_findings
from jepascope.report.sections.scope import judge_verdicts, scope

MEASURES = {"accuracy": "Accuracy", "r2": "R²", "error": "Error"}


@section("headline", "Result", absent="no stage of this study has left a result yet")
def headline(run: RunFolder) -> list[Block]:
    """The headline sentence, key figures, and one verdict a finder."""
    blocks: list[Block] = []
    if run.summary.get("headline"):
        blocks.append(Finding(short(run.summary["headline"], MOST_OF_A_HEADLINE)))
    cards = [*_read(run), *_effect(run)]
    if cards:
        blocks.append(Cards(tuple(cards)))
    ce, same = claimed_rows(run), _twins(run)
    for finder in [] if ce is None else finders_of(run, ce):
        own = None if ce is None else edited_of(run, ce, finder, "ablate")
        if finder in same:
            blocks.append(Finding(f"{finder}: the same subspace as {same[finder]} here, with the same figures."))
        elif own is not None:
            blocks.append(Finding(verdict(finder, own.effect, own.beside)))
    leaks = SHORTCUTS.claim(run).sentence
    blocks += [Finding(sentence) for sentence in (*judge_verdicts(run), *isolation_findings(run, brief=True), *([leaks] if leaks else []))]
    if ce is not None:
        blocks.append(Paragraph(scope(run)))
    return blocks


def _twins(run: RunFolder) -> dict[str, str]:
    """Finders that found the subspace of an earlier one."""
    table = run.table("portability")
    if table is None:
        return {}
    pairs = coinciding(table[table["metric"] == "sas"])
    return {str(row["b"]): str(row["a"]) for row in pairs}


def _read(run: RunFolder) -> list[Card]:
    """How the variable is read, by the measure of its kind first; the best twin and the mean of them beside it."""
    probes, layer = run.table("probes"), run.best_layer
    read = reading_at(run, layer)
    if probes is None or read is None:
        return []
    measures = dict.fromkeys((*read.deciding, read.classes))
    return [card for measure in measures for card in _measure(run, measure, read.layer, tokens_of(run, probes))]


def _measure(run: RunFolder, measure: Measure, layer: int, tokens: str) -> list[Card]:
    title = f"{MEASURES[measure.name]}{f' of {measure.output}' if measure.output else ''} at layer {layer}"
    say, span_of = (percent, percent_span) if measure.name == "accuracy" else (shown, span)
    unit = {"accuracy": "", "r2": ""}.get(measure.name, "°" if measure.unit == "degrees" else f" {measure.unit}".rstrip())
    cards = [
        Card(
            title,
            f"{say(measure.value)}{unit}",
            f"{run.confidence} {span_of(measure.low, measure.high)}; {count(measure.n)} test clips; {tokens} tokens; "
            f"{'a constant' if measure.name == 'r2' else 'chance'} {say(measure.chance)}{unit}" + ("" if measure.read else "; not read"),
        )
    ]
    twins = measure.rival("untrained twins")
    if twins is not None:
        best = f"; the best of them {say(twins.best)}{unit}" if say(twins.best) != say(twins.value) else ""
        cards.append(Card("Untrained twins", f"{say(twins.value)}{unit}", f"the same, mean over seeds{best}"))
    return cards


def _effect(run: RunFolder) -> list[Card]:
    ce = claimed_rows(run)
    finder = None if ce is None else next((name for name in finders_of(run, ce) if edited_of(run, ce, name, "ablate")), None)
    edit = None if finder is None else edited(run, finder, "ablate")
    if edit is None:
        return []
    own, effect = edit.row, edit.effect
    claim = not_shown_words(effect)
    cards = [
        Card(
            f"Causal effect, {finder}",
            shown(own["value"]),
            f"share of the clean margin lost by ablation; {run.confidence} {span(own['low'], own['high'])}; "
            f"{count(own['n'])} {run.tested}" + (f"; {claim}" if claim else ""),
        ),
        *_direct(own, run.confidence),
    ]
    beside = {one.control: one for one in edit.beside}
    wanted = dict.fromkeys([*list(beside)[:1], *(name for name in ("random", "variance") if name in beside)])
    for control in wanted if effect.shown else ():
        one = beside[control]
        many = f"; {count(one.draws)} draws"
        title = f"CE ratio, {CONTROL_WORDS.get(control, control)}"
        if not one.has_ratio:
            detail = f"no ratio is stated: {one.standing}{many}"
        elif one.is_bound:
            detail = f"lower bound: the control's effect cannot be told from zero{many}"
        else:
            detail = f"{run.confidence} {span(one.ratio_low, one.ratio_high)}{many}; {one.standing}; 1 = as much as the control on average"
        times = f"{shown(one.ratio)}×" if one.has_ratio and not one.is_bound else ratio_words(one)
        cards.append(Card(title, times, detail))
    return cards


def _direct(own: dict[str, Any], confidence: str) -> list[Card]:
    """What of the effect needs no block: absent from older folders."""
    part, low, high = (own[name] for name in ("direct", "direct_low", "direct_high"))
    if not finite(part) or not finite(own["value"]):
        return []
    interval = f"; {confidence} {span(low, high)}" if finite(low) and finite(high) else ""
    rest = shown(own["value"] - part, 2)
    detail = f"reaches the read-out by the residual stream alone, with no block seeing the edit{interval}; through the blocks {rest}"
    return [Card("Direct part of it", shown(part), detail)]
