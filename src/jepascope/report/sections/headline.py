"""Section: the result in one place, and how far it reaches."""

from __future__ import annotations

from typing import Any

from jepascope.discovery.probes.readings import Measure
from jepascope.findings.effect import SILENT, Against
from jepascope.findings.facts import Facts
from jepascope.findings.judges import judges_run, skipped, skipped_controls
from jepascope.findings.names import MOST_OF_A_HEADLINE, control_name, edit_name, judge_words, short
from jepascope.findings.numbers import count, decimals, finite, percent, percent_span, shown, span
from jepascope.findings.read import SHORTCUTS
from jepascope.findings.selection import (
    Edited,
    claimed_rows,
    coinciding,
    edited_of,
    finders_of,
    in_force,
    leading,
    reading_at,
    tokens_of,
)
from jepascope.findings.used import WITH_FITS
from jepascope.findings.verdict import not_shown_words, ratio_words, verdict
from jepascope.intervention.edit_entry import LEADING
from jepascope.report.blocks import Block, Card, Cards, Finding, Paragraph, findings, section
from jepascope.report.folder import RunFolder
from jepascope.report.sections.isolation import isolation_findings

REACH = (
    "Intervals resample test scenes, and a control's draws with them: they hold for this subspace, this judge and this encoder, and say "
    "nothing about another training run of any of the three."
)
OF_ENCODER = (
    "Intervals of effects, and of what they are beside controls, are said of the procedure in this encoder: subspaces and read-outs were "
    "found anew on other clips, and test scenes and a control's draws are resampled. Those of this one subspace stand in ce.parquet "
    "(one_low, one_high); a control's own, and those of other layers and judges, resample scenes and draws alone. Nothing is said of "
    "another training run of the encoder."
)
OWN_JUDGES = ("head", "predictor")  # parts of the model itself; the others are trained for the study
PARTS = {"refits": "a read-out refitted after the edit", "isolation": "isolation of other factors"}
OF_VIDEOS = (
    "Intervals resample whole videos, and a control's draws with them, for windows of one video look alike, and n of effects counts "
    "videos. They hold for this subspace, this judge and this encoder."
)
OF_VIDEOS_IN_TURN = (
    "Few videos are tested, so that each of all is left out in turn, with the one that its clips are swapped with; layer, subspace, "
    "controls and read-out are made anew of the others. Intervals resample videos, and a control's draws with them, and n of effects "
    "counts videos. They hold for this procedure in this encoder; folds share most of their videos, and intervals may be too narrow."
)
MEASURES = {"accuracy": "Accuracy", "r2": "R²", "error": "Error"}


@section("headline", "Every verdict in full", absent="no stage of this study has left a result yet")
def headline(run: RunFolder) -> list[Block]:
    """The headline sentence, key figures, and one verdict a finder."""
    blocks: list[Block] = []
    if run.summary.get("headline"):
        blocks.append(Finding(short(run.summary["headline"], MOST_OF_A_HEADLINE)))
    if cards := [*_read(run), *_effect(run)]:
        blocks.append(Cards(tuple(cards)))
    force, same = in_force(run), _twins(run)
    ce = claimed_rows(force)
    for finder in [] if ce is None else finders_of(run, ce):
        if finder in same:
            blocks.append(Finding(f"{finder}: the same subspace as {same[finder]} here, with the same figures."))
            continue
        for edit in LEADING:
            if ce is not None and (own := edited_of(force, ce, finder, edit)) is not None:
                blocks.append(Finding(verdict(finder, own.effect, own.beside, edit_name(edit))))
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
    """What the edits do, the swap first, each beside the control that comes closest; and the ratio that is published of such edits."""
    force = in_force(run)
    edits = [(str(own.row["edit"]), own) for own in leading(run)]
    cards = [card for edit, own in edits for card in _edited(force, edit, own)]
    ablated = dict(edits).get("ablate")
    random = None if ablated is None else next((one for one in ablated.beside if one.control == "random"), None)
    return [*cards, *([_ratio(run, random)] if random is not None and random.effect.shown else [])]


def _edited(run: Facts, edit: str, own: Edited) -> list[Card]:
    effect, row = own.effect, own.row
    claim, of = not_shown_words(effect), WITH_FITS if effect.of_encoder else ""
    share = "share of the clean margin lost" if edit == "ablate" else "share of what the real change moves"
    detail = f"{share}; {run.confidence} {span(effect.low, effect.high)}{of}; {count(row['n'])} {run.tested}"
    cards = [Card(f"CE of {edit_name(edit)}, {row['finder']}", shown(effect.value), detail + (f"; {claim}" if claim else ""))]
    closest = next(iter(own.beside), None)
    if closest is not None and closest.standing not in SILENT and all(map(finite, closest.beyond)):
        value, low, high = (decimals(100 * number, 0) for number in closest.beyond)
        title = f"Beyond {control_name(closest.control)}"
        cards.append(
            Card(title, f"{value} points", f"the control that comes closest; {run.confidence} [{low}, {high}]; {closest.standing}")
        )
    return [*cards, *_direct(row, run.confidence)]


def _ratio(run: RunFolder, against: Against) -> Card:
    """Of ablation to random directions, as published figures have it."""
    many = f"; {count(against.draws)} draws"
    title = f"CE ratio, {control_name(against.control)}"
    if not against.has_ratio:
        detail = f"of ablation; no ratio is stated: {against.standing}{many}"
    elif against.is_bound:
        detail = f"of ablation; lower bound: the control's effect cannot be told from zero{many}"
    else:
        detail = f"of ablation; {run.confidence} {span(against.ratio_low, against.ratio_high)}{many}; 1 = as much as it does on average"
    return Card(title, f"{shown(against.ratio)}×" if against.has_ratio and not against.is_bound else ratio_words(against), detail)


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
    rows, force = claimed_rows(run), in_force(run)
    anew = rows is not None and "one_low" in rows and bool(rows["one_low"].notna().any())
    of_videos = [OF_VIDEOS_IN_TURN if force.in_turn else OF_VIDEOS] if "footage" in run.summary else []
    parts = [*of_videos, *([OF_ENCODER] if anew else [])] or [REACH]
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
            for edit in LEADING:
                own = None if rows is None else edited_of(run, rows, finder, edit)
                if own is not None:
                    sentences.append(f"By {judge_words(judge)}: {verdict(finder, own.effect, own.beside, edit_name(edit))}")
    return sentences
