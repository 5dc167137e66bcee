"""Section: the result in one place, and how far it reaches."""

from __future__ import annotations

from typing import Any

from jepascope.discovery.probes.readings import Measure
from jepascope.findings.judges import judges_run, skipped, skipped_controls
from jepascope.findings.names import MOST_OF_A_HEADLINE, control_name, edit_name, judge_words, short
from jepascope.findings.numbers import count, finite, percent, percent_span, shown, span
from jepascope.findings.read import SHORTCUTS
from jepascope.findings.selection import claimed_rows, coinciding, edited, edited_of, finders_of, reading_at, tokens_of
from jepascope.findings.verdict import not_shown_words, ratio_words, verdict
from jepascope.report.blocks import Block, Card, Cards, Finding, Paragraph, findings, section
from jepascope.report.folder import RunFolder
from jepascope.report.sections.isolation import isolation_findings

REACH = (
    "Intervals resample test scenes, and a control's draws with them: they hold for this subspace, this judge and this encoder, and say "
    "nothing about another training run of any of the three."
)
OWN_JUDGES = ("head", "predictor")  # parts of the model itself; the others are trained for the study
EDITS_JUDGED = ("ablate", "swap")
PARTS = {"refits": "a read-out refitted after the edit", "isolation": "isolation of other factors"}
OF_VIDEOS = (
    "Intervals resample whole videos, and a control's draws with them, for windows of one video look alike, and n of effects counts "
    "videos. They hold for this subspace, this judge and this encoder."
)
MEASURES = {"accuracy": "Accuracy", "r2": "R²", "error": "Error"}


@section("headline", "Result", absent="no stage of this study has left a result yet")
def headline(run: RunFolder) -> list[Block]:
    """The headline sentence, key figures, and one verdict a finder."""
    blocks: list[Block] = []
    if run.summary.get("headline"):
        blocks.append(Finding(short(run.summary["headline"], MOST_OF_A_HEADLINE)))
    if cards := [*_read(run), *_effect(run)]:
        blocks.append(Cards(tuple(cards)))
    ce, same = claimed_rows(run), _twins(run)
    for finder in [] if ce is None else finders_of(run, ce):
        own = None if ce is None else edited_of(run, ce, finder, "ablate")
        if finder in same:
            blocks.append(Finding(f"{finder}: the same subspace as {same[finder]} here, with the same figures."))
        elif own is not None:
            blocks.append(Finding(verdict(finder, own.effect, own.beside)))
    leaks = SHORTCUTS.claim(run).sentence
    blocks += findings(*judge_verdicts(run), *isolation_findings(run, brief=True), leaks)
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
    beside = {against.control: against for against in edit.beside}
    wanted = dict.fromkeys([*list(beside)[:1], *(name for name in ("random", "variance") if name in beside)])
    for control in wanted if effect.shown else ():
        against = beside[control]
        many = f"; {count(against.draws)} draws"
        title = f"CE ratio, {control_name(control)}"
        if not against.has_ratio:
            detail = f"no ratio is stated: {against.standing}{many}"
        elif against.is_bound:
            detail = f"lower bound: the control's effect cannot be told from zero{many}"
        else:
            detail = f"{run.confidence} {span(against.ratio_low, against.ratio_high)}{many}; {against.standing}; "
            detail += "1 = as much as the control on average"
        times = f"{shown(against.ratio)}×" if against.has_ratio and not against.is_bound else ratio_words(against)
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


def scope(run: RunFolder) -> str:
    """What the intervals say, which judges were used, and what this folder does not hold."""
    used, reasons = judges_run(run), skipped(run)
    parts = [OF_VIDEOS if "footage" in run.summary else REACH]
    if used:
        names = ", ".join(judge_words(judge) for judge in used)
        parts.append(f"Judges: {names}; figures are by the linear probe where no other judge is named.")
    missing = [f"{judge_words(judge)} as judge ({reason})" for judge, reason in reasons.items() if judge not in used]
    if "predictor" not in used and "predictor" not in reasons:
        missing.append(f"{judge_words('predictor')} as judge")
    missing += [f"{control_name(control)} as control ({reason})" for control, reason in skipped_controls(run).items()]
    missing += [words for table, words in PARTS.items() if run.table(table) is None]
    if missing:
        parts.append(f"Not run: {'; '.join(missing)}.")
    return " ".join(parts)


def judge_verdicts(run: RunFolder) -> list[str]:
    """The first finder's edits by the model's own judges, worded as the probe's are."""
    sentences = []
    for judge in OWN_JUDGES:
        rows = claimed_rows(run, judge)
        for finder in [] if rows is None else finders_of(run, rows)[:1]:
            for edit in EDITS_JUDGED:
                own = None if rows is None else edited_of(run, rows, finder, edit)
                if own is not None:
                    sentences.append(f"By {judge_words(judge)}: {verdict(finder, own.effect, own.beside, edit_name(edit))}")
    return sentences
