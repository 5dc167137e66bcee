"""Section: the result in one place."""

from __future__ import annotations

from typing import Any

from jepascope.report.blocks import Block, Card, Cards, Finding, Paragraph, Section
from jepascope.report.folder import RunFolder
from jepascope.report.names import short
from jepascope.report.numbers import count, finite, percent, percent_span, shown, span
from jepascope.report.sections.isolation import isolation_findings
from jepascope.report.sections.leaks import leak_words
from jepascope.report.sections.scope import judge_verdicts, scope
from jepascope.report.selection import coinciding, tokens_of
from jepascope.report.verdict import is_bound, ratio_words, verdict

MOST = 2000  # characters of the headline


def headline(run: RunFolder) -> Section:
    """The headline sentence, key figures, and one verdict a finder."""
    blocks: list[Block] = []
    if run.summary.get("headline"):
        blocks.append(Finding(short(run.summary["headline"], MOST)))
    cards = [*_accuracy(run), *_effect(run)]
    if cards:
        blocks.append(Cards(tuple(cards)))
    ce, ratios = run.summary.get("ce") or {}, run.summary.get("ce_ratio") or {}
    same = _twins(run)
    for finder, edits in ce.items():
        if finder in same:
            blocks.append(Finding(f"{finder}: the same subspace as {same[finder]} here, with the same figures."))
        elif "ablate" in edits:
            blocks.append(Finding(verdict(str(finder), edits["ablate"], ratios.get(finder, {}))))
    blocks += [Finding(sentence) for sentence in (*judge_verdicts(run), *isolation_findings(run, brief=True), *_leaks(run))]
    if ce:
        blocks.append(Paragraph(scope(run)))
    if not blocks:
        blocks.append(Paragraph("Not run: no stage of this study has left a result yet."))
    return Section("headline", "Result", tuple(blocks))


def _twins(run: RunFolder) -> dict[str, str]:
    """Finders that found the subspace of an earlier one."""
    table = run.table("portability")
    if table is None:
        return {}
    pairs = coinciding(table[table["metric"] == "sas"])
    return {str(row["b"]): str(row["a"]) for row in pairs}


def _accuracy(run: RunFolder) -> list[Card]:
    probes, layer = run.table("probes"), run.best_layer
    if probes is None or layer is None:
        return []
    tokens = tokens_of(run, probes)
    rows = probes[(probes["probe"] == "dense") & probes["chosen"] & (probes["layer"] == layer) & (probes["tokens"] == tokens)]
    model, untrained = rows[rows["encoder"] == "model"], rows[rows["encoder"] == "untrained"]
    if model.empty:
        return []
    row = model.iloc[0]
    cards = [
        Card(
            f"Accuracy at layer {layer}",
            percent(row["accuracy"]),
            f"{run.confidence} {percent_span(row['low'], row['high'])}; {int(row['n'])} test clips; {tokens} tokens; chance "
            f"{percent(row['chance'])}",
        )
    ]
    if not untrained.empty:
        scores = untrained["accuracy"]
        seeds = f"{len(scores)} seed{'' if len(scores) == 1 else 's'}"
        detail = f"same probe and layer; range {percent_span(scores.min(), scores.max())} over {seeds}"
        cards.append(Card("Untrained twin", percent(float(scores.mean())), detail))
    return cards


def _effect(run: RunFolder) -> list[Card]:
    ce: dict[str, Any] = run.summary.get("ce") or {}
    finder = next((name for name, edits in ce.items() if "ablate" in edits), None)
    if finder is None:
        return []
    own = ce[finder]["ablate"]
    cards = [
        Card(
            f"Causal effect, {finder}",
            shown(own.get("value")),
            f"share of the clean margin lost by ablation; {run.confidence} {span(own.get('low'), own.get('high'))}; "
            f"{count(own.get('n'))} {run.tested}",
        ),
        *_direct(own, run.confidence),
    ]
    ratios = (run.summary.get("ce_ratio") or {}).get(finder, {})
    draws = {control: (edits.get("ablate") or {}).get("draws") for control, edits in (run.summary.get("controls") or {}).items()}
    for control, title in (("random", "CE ratio, random"), ("variance", "CE ratio, variance-matched")):
        ratio = ratios.get(control)
        if ratio is None:
            continue
        many = f"; {draws[control]} draws" if draws.get(control) else ""
        if is_bound(ratio):
            cards.append(Card(title, ratio_words(ratio), f"lower bound: the control's effect cannot be told from zero{many}"))
        elif not finite(ratio.get("value")):
            cards.append(Card(title, ratio_words(ratio), f"the two effects have no ratio (see the table of effects){many}"))
        else:
            cards.append(
                Card(
                    title,
                    f"{shown(ratio.get('value'))}×",
                    f"{run.confidence} {span(ratio.get('low'), ratio.get('high'))}{many}; 1 = as much as the control does on average",
                )
            )
    return cards


def _direct(own: dict[str, Any], confidence: str) -> list[Card]:
    """What of the effect needs no block: absent from older folders."""
    direct = own.get("direct")
    part = direct if isinstance(direct, dict) else {"value": direct}
    if not finite(part.get("value")) or not finite(own.get("value")):
        return []
    interval = f"; {confidence} {span(part['low'], part['high'])}" if finite(part.get("low")) and finite(part.get("high")) else ""
    rest = shown(own["value"] - part["value"], 2)
    detail = f"reaches the read-out by the residual stream alone, with no block seeing the edit{interval}; through the blocks {rest}"
    return [Card("Direct part of it", shown(part["value"]), detail)]


def _leaks(run: RunFolder) -> list[str]:
    table = run.table("leaks")
    if table is None:
        return []
    found = table[table["leak"]]
    said = leak_words(run, table)
    if found.empty:
        return [f"Leak check: {said[0].lower()}{said[1:]}"]
    names = ", ".join(f"{name} {percent(value)}" for name, value in zip(found["baseline"], found["accuracy"], strict=True))
    return [f"Leak check: {said[:-1]} ({names}); see the leak check below."]
