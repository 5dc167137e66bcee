"""Sections of stage two: where an ablation has its effect, and the effects beside their controls, first by the judge of the claims."""

from __future__ import annotations

from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.beside import readings_by, with_controls
from jepascope.findings.effect import OUTSIDE, Effect
from jepascope.findings.names import EDITS, control_name, controls_in, edit_name, in_order, judge_words
from jepascope.findings.numbers import Cell, cell_of, count, count_range, finite, interval_words, number_cell, p_text, shown
from jepascope.findings.selection import claim_layer, comparable, finders_of, has_twins, main_ranks
from jepascope.findings.verdict import not_shown_words, ratio_cell
from jepascope.report.blocks import Block, Figure, Grid, in_turn, section
from jepascope.report.charts import beside_controls, heat_map
from jepascope.report.charts.beside_controls import Panel, Row
from jepascope.report.charts.canvas import Drawing
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, words
from jepascope.report.sections.measures_beside import also_by, other_judges, side_measures
from jepascope.report.sections.videos import left_out_blocks
from jepascope.stats import LEVEL, MIN_CORRELATION, MIN_DRAWS

ALPHA = round(1 - LEVEL, 6)
LOST = "share of the clean logit margin that is lost (1 = all of it)"
MOVED = "margin moved to the target over what {} moves (1 = as good as {})"
TWIN, DONATED = ("the real twin", "the real change"), ("the change to a clip of that class", "that clip")
DONOR = (
    " No twin of a clip exists that differs in this variable alone: a swap takes the pooled difference to a donor, a test clip of the "
    "target class that differs in everything else as well, and makes it at every token."
)
ACROSS = 3
TITLE, NOT_RUN = "Effects and their controls", "no interventions (stage intervene)"


@section("map", "Where the effect is", needs=("ce",), absent=NOT_RUN)
def map_section(run: RunFolder, ce: pd.DataFrame) -> list[Block]:
    """Ablation by layer and finder."""
    own = ce[(ce["control"] == "subspace") & (ce["edit"] == "ablate")]
    if own.empty:
        return []
    own = comparable(run, own)
    ranks, finders = ", ".join(f"{finder} {rank}" for finder, rank in main_ranks(own).items()), finders_of(run, own)
    caption = (
        f"Causal effect of ablation, {LOST}, by layer and finder. n = {count_range(own['n'])} {run.tested}; {own['tokens'].iloc[0]} "
        f"tokens; judge: {own['judge'].iloc[0]}; ranks: {ranks}. Intervals and controls at the marked layer follow "
        f"below{_elsewhere(run, ce)}."
    )
    cells = own.pivot_table(index="finder", columns="layer", values="value", aggfunc="first", dropna=False).reindex(finders)
    cells_by_layer = heat_map.Map(cells.to_numpy(dtype=float), finders, [run.marked(float(layer)) for layer in cells.columns])
    title, label = "Causal effect of ablation by layer and finder", "layer (* where claims are made)"
    drawing = heat_map.draw("effect-map", title, [cells_by_layer], label, most_numbered=40, also="Columns: layers")
    return [Figure(drawing, caption)]


def _elsewhere(run: RunFolder, ce: pd.DataFrame) -> str:
    """What was run at the layers that no claim is made for."""
    layers = run.summary.get("full_layers")
    full = sorted({int(layer) for layer in layers if layer != run.best_layer}) if isinstance(layers, list) else []
    other = ce[(ce["control"] == "random") & (ce["layer"] != run.best_layer) & ~ce["layer"].isin(full)]
    text = f"; layers with every edit and control as well (ce.parquet): {', '.join(map(str, full))}" if full else ""
    if other.empty:
        return text
    beside = ce[ce["layer"].isin(other["layer"].unique())]
    named = "the random control" if set(beside["control"]) <= {"subspace", "random"} else "each control"
    edits = " and ".join(map(edit_name, in_order(beside["edit"], EDITS)))
    edits = f"only {edits} was run" if beside["edit"].nunique() == 1 else f"{edits} were run"
    return f"{text}; at the others {edits}, against {count_range(other['draws'])} draws of {named} (ce.parquet)"


def _title(run: RunFolder) -> str:
    table = run.table("ce")
    return TITLE if table is None else f"{TITLE}, layer {claim_layer(run, comparable(run, table))}"


@section("effects", _title, needs=("ce",), absent=NOT_RUN)
def effects_section(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """Bars and ratio tables, one of each for every family of edits."""
    ce = comparable(run, table)
    layer = claim_layer(run, ce)
    ce = ce[ce["layer"] == layer]
    edits: dict[str, list[Block]] = {}
    finders, draws = finders_of(run, ce), draws_of(run, ce)
    for edit in in_order(ce["edit"], EDITS):
        part = ce[ce["edit"] == edit]
        own_draws = None if draws is None else draws[draws["edit"] == edit]
        caption = (
            f"{edit_name(edit).capitalize()} at layer {layer}: {_measure(run, edit)}. n = {count_range(part['n'])} {run.tested}; "
            f"lines: {run.confidence} over {run.units} (controls: over {run.units} and draws); dots: each null draw (matched controls: "
            f"{count_range(part[part['control'] != 'subspace']['draws'])} draws)."
        )
        if edit == "steer":
            caption += (
                " Random directions and the edit turned are one control here, the finder's own step along other directions; norm-matched "
                "is the same, drawn anew."
            )
        if edit == "swap" and not has_twins(run):
            caption += DONOR
        own: list[Block] = [Figure(_effects(part, own_draws, finders, edit), caption), _ratios(run, part, finders, edit)]
        judges: dict[str, list[Block]] = {
            judge_words(part["judge"].iloc[0]): [*own, *side_measures(run, part, own_draws, finders, edit)],
            "other judges": other_judges(run, table, layer, finders, edit),
        }
        edits[edit_name(edit).capitalize()] = in_turn("judge", judges)
    return [*in_turn("edit", edits), also_by(run, table), *left_out_blocks(run)]


def _effects(ce: pd.DataFrame, draws: pd.DataFrame | None, finders: list[str], edit: str) -> Drawing:
    """A panel for each finder: its subspace and every control on a line of its own; every null draw is a dot."""
    null = None if draws is None else draws[draws["control"] != "subspace"]
    names = ["subspace", *controls_in(ce["control"])]

    def panel(finder: str) -> Panel:
        by = {row["control"]: row for row in ce[ce["finder"] == finder].to_dict("records")}
        dots = {} if null is None else {str(at): list(own["value"]) for at, own in null[null["finder"] == finder].groupby("control")}
        return Panel(Row.each(names, by, draws=dots), title=finder)

    title = f"Causal effect of {edit_name(edit)}, beside its controls"
    also = "Null draws shown as dots" + (" where stored" if null is None else "")
    if null is not None and null["value"].notna().any():
        also += f", from {shown(null['value'].min())} to {shown(null['value'].max())}"
    return beside_controls.draw(
        f"effect-{edit}", title, [panel(finder) for finder in finders], "share of the effect", across=ACROSS, also=also
    )


def _measure(run: RunFolder, edit: str) -> str:
    moved = MOVED.format(*(TWIN if has_twins(run) else DONATED))
    return {"ablate": LOST, "swap": moved, "steer": moved}.get(edit, "causal effect")


def draws_of(run: RunFolder, ce: pd.DataFrame) -> pd.DataFrame | None:
    """CE of every single draw, sum of numerators over sum of denominators (science: CE), and its share of ``correct`` clips."""
    effects = run.table("effects")
    if effects is None:
        return None
    keys = ["layer", "tokens", "finder", "rank", "edit", "dose", "judge"]
    own = effects.merge(ce[keys].drop_duplicates(), on=keys).groupby(["finder", "edit", "control", "draw"], as_index=False)
    sums = own.agg({"numerator": "sum", "denominator": "sum", "correct": "mean"})
    return sums.assign(value=sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0))


def _ratios(run: RunFolder, part: pd.DataFrame, finders: list[str], edit: str) -> Grid:
    judges = readings_by(run)
    owns = sorted(with_controls(part, judges), key=lambda own: finders.index(own["finder"]))
    rows = [(own, null, against) for own in owns for null, against in own["beside"].values()]

    def group(row: tuple[Any, ...]) -> tuple[Cell, ...]:
        own = row[0]
        size, claim = cell_of(own), not_shown_words(Effect.of(own, judges.get(str(own["judge"]))))
        text = f"{own['finder']}: CE {size}, n = {count(own['n'])} {run.units}, rank {count(own['rank'])}{'; ' * bool(claim)}{claim}"
        return Cell(text, size.exact, strong=True), *_direct(own)

    columns = (
        words("control", lambda row: control_name(row[2].control)),
        words("reading", lambda row: Cell(row[2].standing, strong=row[2].standing != OUTSIDE)),
        Column("CE of control", lambda row: cell_of(row[1])),
        Column("difference", lambda row: cell_of(row[1], "difference")),
        Column("ratio", lambda row: ratio_cell(row[2])),
        Column("percentile", lambda row: number_cell(row[1]["percentile"])),
        Column("p", lambda row: Cell(p_text(row[1]["p"]), str(row[1]["p"]))),
        Column("p (Holm)", lambda row: Cell(p_text(row[1]["p_holm"]), str(row[1]["p_holm"]))),
        Column("draws", lambda row: _worth(row[1])),
    )
    caption = (
        f"{edit_name(edit).capitalize()}: each finder's subspace against its controls. Brackets: {run.confidence}, bootstrap "
        f"over {run.units} and draws together. ≥: the control's effect cannot be told from zero, so the "
        "ratio is a lower bound. Percentile: place of the subspace among the draws. p: one-sided, (1 + draws at least as large) / (1 + "
        "draws), so never below 1 / (1 + draws); Holm: corrected over the layers and finders tested. "
        "Reading: 'outside its draws' when the interval of the effect minus a new draw of the control lies above zero, 'above the mean "
        f"draw' when only that of the difference from the mean does; below {MIN_DRAWS} draws nothing is compared and the brackets of the "
        "control are its least and largest draw. Nothing is compared, and no ratio stated, of an effect whose own interval holds zero, or "
        "by a judge that is not shown to read the variable. Draws: how many were run; worth: how many plain ones would give the control's "
        "mean as small a standard error, since it is adjusted by first-order effects of many more; r: the correlation of exact and "
        f"first-order effects over the draws, below {MIN_CORRELATION:g} of which the mean is the plain one.{_unreachable(part)}"
    )
    return grid(rows, columns, caption, group)


def _worth(null: Any) -> Cell:
    """Draws of a control, and what first-order effects make them worth."""
    draws = count(null["draws"])
    correlation = null.get("correlation", nan)
    if not finite(correlation):
        return Cell(draws)
    if correlation < MIN_CORRELATION:
        return Cell(f"{draws} (r {shown(correlation, 2)}: first-order effects do not follow, and are not used)", str(correlation))
    return Cell(f"{draws}, worth {count(round(null['worth']))} (r {shown(correlation, 2)})", str(null["worth"]))


def _direct(own: Any) -> list[Cell]:
    """What of an effect needs no block, and what the blocks add."""
    if not finite(own["direct"]):
        return []
    rest = shown(own["value"] - own["direct"], 2)
    return [Cell(f"of which {interval_words(own, 'direct')} reaches the read-out by the residual stream alone, {rest} through the blocks")]


def _unreachable(part: pd.DataFrame) -> str:
    """A sentence when no draw could have brought any corrected p below ALPHA."""
    floors = part["p_floor"].dropna()
    if floors.empty or floors.min() <= ALPHA:
        return ""
    return f" With these draws no p (Holm) can fall below {p_text(float(floors.min()))}, so none can reach {ALPHA:g}."
