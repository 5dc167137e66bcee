"""Section: the result in one place."""

from __future__ import annotations

from typing import Any

from jepascope.report.blocks import Block, Card, Cards, Finding, Paragraph, Section
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import count, percent, percent_span, shown, span
from jepascope.report.selection import coinciding, tokens_of
from jepascope.report.verdict import is_bound, ratio_words, verdict


def headline(run: RunFolder) -> Section:
    """The headline sentence, key figures, and one verdict a finder."""
    blocks: list[Block] = []
    if run.summary.get("headline"):
        blocks.append(Finding(str(run.summary["headline"])))
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
    blocks += [Finding(sentence) for sentence in _leaks(run)]
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
        detail = f"same probe and layer; range {percent_span(scores.min(), scores.max())} over {len(scores)} seeds"
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
            f"{count(own.get('n'))} test scenes",
        )
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
        else:
            cards.append(
                Card(
                    title,
                    f"{shown(ratio.get('value'))}×",
                    f"{run.confidence} {span(ratio.get('low'), ratio.get('high'))}{many}; 1 = no more than the control",
                )
            )
    return cards


def _leaks(run: RunFolder) -> list[str]:
    table = run.table("leaks")
    if table is None:
        return []
    found = table[table["leak"]]
    if found.empty:
        return [f"Leak check: none of {len(table)} motionless baselines reads the {run.summary['variable']} above chance."]
    names = ", ".join(f"{name} {percent(value)}" for name, value in zip(found["baseline"], found["accuracy"], strict=True))
    return [
        f"Leak check: {len(found)} of {len(table)} motionless baselines read the {run.summary['variable']} above chance ({names}); see "
        "the leak check below."
    ]
