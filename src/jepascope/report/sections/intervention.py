"""Sections of stage two: the effect map, the effects beside their controls, and what the controls matched."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.report.blocks import Block, Figure, Finding, Grid, Paragraph, Section, not_run
from jepascope.report.figures.effect_bars import draw_effects, effect_bars
from jepascope.report.figures.effect_map import effect_map
from jepascope.report.figures.matching import matching
from jepascope.report.folder import RunFolder
from jepascope.report.numbers import Cell, count, count_range, interval_cell, number_cell, p_text, percent, ratio_text
from jepascope.report.selection import CONTROL_WORDS, CONTROLS, EDIT_WORDS, EDITS, claim_layer, comparable, finders_of, in_order, main_ranks
from jepascope.report.verdict import row_verdict

MATCHED = {"variance": "variance", "norm": "norm"}  # what a control promises; random and shuffled promise the rank only
CLOSE = 0.05  # a promise missed by more than this share is called a shortfall
MEASURE = {
    "ablate": "share of the clean logit margin that is lost (1 = all of it)",
    "swap": "margin moved to the target over what the real twin moves (1 = as good as the real change)",
    "steer": "margin moved to the target over what the real twin moves (1 = as good as the real change)",
}
NOT_RUN = "no interventions (stage intervene)"


def map_section(run: RunFolder) -> Section:
    """Layer x finder."""
    title, ce = "Where the effect is", run.table("ce")
    own = None if ce is None else ce[(ce["control"] == "subspace") & (ce["edit"] == "ablate")]
    if own is None or own.empty:
        return not_run("map", title, NOT_RUN)
    own = comparable(run, own)
    ranks = ", ".join(f"{finder} {rank}" for finder, rank in main_ranks(own).items())
    caption = (
        f"Causal effect of ablation, {MEASURE['ablate']}, by layer and finder. n = {count_range(own['n'])} test scenes; "
        f"{own['tokens'].iloc[0]} tokens; "
        f"judge: {own['judge'].iloc[0]}; ranks: {ranks}. Intervals and controls at the marked layer follow below."
    )
    return Section("map", title, (Figure(effect_map(own, finders_of(run, own), run.best_layer), caption),))


def effects_section(run: RunFolder) -> Section:
    """Bars and ratio tables, one of each for every family of edits."""
    title, table = "Effects and their controls", run.table("ce")
    if table is None:
        return not_run("effects", title, NOT_RUN)
    ce = comparable(run, table)
    layer = claim_layer(run, ce)
    ce = ce[ce["layer"] == layer]
    blocks: list[Block] = []
    finders = finders_of(run, ce)
    draws = _draws(run, ce)
    for edit in in_order(ce["edit"], EDITS):
        part = ce[ce["edit"] == edit]
        shown_draws = None if draws is None else draws[draws["edit"] == edit]
        caption = (
            f"{EDIT_WORDS.get(edit, edit).capitalize()} at layer {layer}: {MEASURE.get(edit, 'causal effect')}. n = "
            f"{count_range(part['n'])} test scenes; black lines: {run.confidence} over scenes (controls: over scenes "
            f"and draws); dots: each null draw (matched controls: {count_range(part[part['control'] != 'subspace']['draws'])} draws)."
        )
        blocks += [Figure(effect_bars(part, shown_draws, finders, edit), caption), _ratios(run, part, finders, edit)]
    return Section("effects", f"{title}, layer {layer}", tuple(blocks))


def _draws(run: RunFolder, ce: pd.DataFrame) -> pd.DataFrame | None:
    effects = run.table("effects")
    if effects is None:
        return None
    keys = ["layer", "tokens", "finder", "rank", "edit", "dose", "judge"]
    return draw_effects(effects.merge(ce[keys].drop_duplicates(), on=keys))


def _ratios(run: RunFolder, part: pd.DataFrame, finders: list[str], edit: str) -> Grid:
    rows: list[tuple[Cell | str, ...]] = []
    for finder in finders:
        controls = in_order(part[(part["control"] != "subspace") & (part["finder"] == finder)]["control"], CONTROLS)
        for control in controls:
            own = part[(part["finder"] == finder) & (part["control"] == "subspace")]
            null = part[(part["finder"] == finder) & (part["control"] == control)]
            if own.empty or null.empty:
                continue
            if control == controls[0]:
                first = own.iloc[0]
                size = interval_cell(first["value"], first["low"], first["high"])
                group = f"{finder}: CE {size}, n = {count(first['n'])} scenes, rank {count(first['rank'])}"
                rows.append((Cell(group, size.exact, strong=True),))
            rows.append(_ratio_row(control, null.iloc[0]))
    head = ("control", "reading", "CE of control", "difference", "ratio", "percentile", "p", "p (Holm)", "draws")
    caption = (
        f"{EDIT_WORDS.get(edit, edit).capitalize()}: each finder's subspace against its controls. Brackets: {run.confidence}, bootstrap "
        "over scenes and draws together. ≥: the control's effect cannot be told from zero, so the "
        "ratio is a lower bound. Percentile: place of the subspace among the draws. p: one-sided, (1 + draws at least as large) / (1 + "
        "draws), so never below 1 / (1 + draws); Holm: corrected over layers and finders. "
        "Reading: from the interval of the difference."
    )
    return Grid(head, tuple(rows), caption, words=2)


def _ratio_row(control: str, null: Any) -> tuple[Cell | str, ...]:
    ratio = ratio_text(null["ratio"], null["ratio_low"], null["ratio_high"], bool(null["ratio_is_bound"]))
    reading = row_verdict(float(null["difference_low"]), float(null["difference_high"]))
    return (
        CONTROL_WORDS.get(control, control),
        Cell(reading, strong=reading != "above control"),
        interval_cell(null["value"], null["low"], null["high"]),
        interval_cell(null["difference"], null["difference_low"], null["difference_high"]),
        Cell(ratio, str(null["ratio"])),
        number_cell(null["percentile"]),
        Cell(p_text(null["p"]), str(null["p"])),
        Cell(p_text(null["p_holm"]), str(null["p_holm"])),
        count(null["draws"]),
    )


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
        "exact match. Only the variance control promises the variance and only the norm control the norm; the others promise the rank "
        "and show here what they leave unmatched."
    )
    rows: list[tuple[Cell | str, ...]] = []
    shortfalls = []
    for finder in finders:
        for control in in_order(table["control"], CONTROLS):
            part = table[(table["finder"] == finder) & (table["control"] == control)]
            if part.empty:
                continue
            mean = part[["variance", "variance_target", "norm", "norm_target"]].mean()
            words = _promise(control, mean)
            if words != "matched" and control in MATCHED:
                shortfalls.append(f"{finder}, {CONTROL_WORDS[control]}: {words}")
            cells = tuple(number_cell(float(mean[name])) for name in mean.index)
            rows.append((finder, CONTROL_WORDS.get(control, control), words, count(part["rank"].iloc[0]), *cells))
    head = ("finder", "control", "promise", "rank", "variance removed", "target", "edit norm", "target")
    verdict = (
        "Not every control reached what it promises. " + "; ".join(shortfalls) + "."
        if shortfalls
        else "Every control reached what it promises."
    )
    grid = Grid(
        head,
        tuple(rows),
        f"Layer {layer}, {EDIT_WORDS.get(edit, edit)}; variance in squared latent units per token, norm in latent units per token, means "
        "over draws.",
        words=3,
    )
    return Section("matching", title, (Finding(verdict), Figure(matching(table, finders), caption), grid, Paragraph(HOW)))


HOW = (
    "Random, variance-matched and norm-matched directions are drawn in the orthogonal complement of the finder's subspace, so that no "
    "control borrows its effect. "
    "Where nothing in that complement can match, the closest is used; a control that falls short makes the comparison easier to pass."
)


def _promise(control: str, mean: Any) -> str:
    if control not in MATCHED:
        return "rank only"
    quantity = MATCHED[control]
    target = float(mean[f"{quantity}_target"])
    share = float(mean[quantity]) / target if target else float("nan")
    if share != share:
        return "not known"
    if abs(share - 1) <= CLOSE:
        return "matched"
    return f"reached {percent(share)} of the target {quantity}"
