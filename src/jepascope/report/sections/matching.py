"""Section of stage two: what the controls matched."""

from __future__ import annotations

from typing import Any

from jepascope.findings.numbers import NOTHING, Cell, count, count_range, number_cell, percent
from jepascope.findings.selection import EDIT_WORDS, EDITS, claim_layer, finders_of, in_order, main_ranks
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.blocks import Figure, Finding, Grid, Paragraph, Section, not_run
from jepascope.report.figures.matching import matching
from jepascope.report.folder import RunFolder
from jepascope.report.sections.intervention import NOT_RUN

MATCHED = {"variance": "variance", "norm": "norm"}  # what a control promises; random and shuffled promise the rank only
NAMES = {"variance": "token variance", "norm": "norm"}
HALF = 0.5  # a variance control below this share of the pooled variance is named
CLOSE = 0.05  # a promise missed by more than this share is called a shortfall


def matching_section(run: RunFolder) -> Section:
    """What each control promised and what it reached."""
    title, table = "What each control matched", run.table("matching")
    if table is None:
        return not_run("matching", title, NOT_RUN)
    layer = claim_layer(run, table)
    table = table[(table["layer"] == layer) & (table["edit"] == in_order(table["edit"], EDITS)[0])]
    table = table[table["rank"] == table["finder"].map(main_ranks(table))]
    edit, finders = str(table["edit"].iloc[0]), finders_of(run, table)
    caption = (
        f"Layer {layer}, {EDIT_WORDS.get(edit, edit)}. Reached over target, mean over "
        f"{count_range(table.groupby(['finder', 'control'])['draw'].nunique())} draws, line from least to most; 1 (dotted) is an "
        "exact match. Only the variance control promises the variance of tokens and only the norm control the norm; the others promise "
        "the rank and show here what they leave unmatched."
    )
    rows: list[tuple[Cell | str, ...]] = []
    shortfalls, unseen = [], []
    pooled, overlap = bool(table["pooled_variance"].notna().any()), bool(table["overlap"].notna().any())
    extra = [*(("pooled_variance", "pooled_variance_target") if pooled else ()), *(("overlap",) if overlap else ())]
    for finder in finders:
        for control in in_order(table["control"], CONTROLS):
            part = table[(table["finder"] == finder) & (table["control"] == control)]
            if part.empty:
                continue
            mean = part[["variance", "variance_target", "norm", "norm_target", *extra]].mean()
            words = _promise(control, mean)
            if words != "matched" and control in MATCHED:
                shortfalls.append(f"{finder}, {CONTROL_WORDS[control]}: {words}")
            if control == "variance" and pooled and words == "matched" and _share(mean, "pooled_variance") < HALF:
                unseen.append(f"{finder} {percent(_share(mean, 'pooled_variance'))}")
            cells = tuple(number_cell(0.0 if abs(mean[name]) < NOTHING else float(mean[name])) for name in mean.index)
            rows.append((finder, CONTROL_WORDS.get(control, control), words, count(part["rank"].iloc[0]), *cells))
    head: tuple[str, ...] = ("finder", "control", "promise", "rank", "token variance", "target", "edit norm", "target")
    head += (("pooled variance", "target") if pooled else ()) + (("overlap",) if overlap else ())
    verdict = (
        "Not every control reached what it promises. " + "; ".join(shortfalls) + "."
        if shortfalls
        else "Every control reached what it promises (ablation at this layer; the other edits are in matching.parquet)."
    )
    if unseen:
        verdict += (
            " But the variance control matches the variance of tokens, and reaches less than half of the pooled variance, which is what "
            f"the read-out sees: {', '.join(unseen)} of the target. Its effect may be smaller for that reason alone."
        )
    grid = Grid(
        head,
        tuple(rows),
        f"Layer {layer}, {EDIT_WORDS.get(edit, edit)}; token variance in squared latent units per token, norm in latent units per token, "
        "means over draws."
        + (" Pooled variance: of the mean over a clip's tokens, which the read-out sees." if pooled else "")
        + (" Overlap: SAS of the control with the finder's subspace." if overlap else ""),
        words=3,
    )
    return Section("matching", title, (Finding(verdict), Figure(matching(table, finders), caption), grid, Paragraph(HOW)))


HOW = (
    "Random, variance-matched and norm-matched directions are drawn in the orthogonal complement of all finders' subspaces (of the "
    "finder's own where the width leaves too little room), so that no control borrows their effect. "
    "Where nothing in that complement can match, the closest is used; a control that falls short makes the comparison easier to pass."
)


def _promise(control: str, mean: Any) -> str:
    if control not in MATCHED:
        return "rank only"
    quantity = MATCHED[control]
    share = _share(mean, quantity)
    if share != share:
        return "not known"
    if abs(share - 1) <= CLOSE:
        return "matched"
    return f"reached {percent(share)} of the target {NAMES[quantity]}"


def _share(mean: Any, quantity: str) -> float:
    """Reached over target."""
    target = float(mean[f"{quantity}_target"])
    return float(mean[quantity]) / target if target else float("nan")
