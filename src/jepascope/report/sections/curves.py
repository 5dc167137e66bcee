"""Section of stage two: how the effect grows with the dose, and what dose 1 is beside the change that the real twin makes."""

from __future__ import annotations

from math import nan

import pandas as pd

from jepascope.findings.beside import readings_by
from jepascope.findings.doses import curve_words, natural_words, shift_words, starts
from jepascope.findings.names import EDITS, control_name, edit_name, in_order, judge_words
from jepascope.findings.numbers import count_range, interval_of, number_cell
from jepascope.findings.selection import claimed, dose_words, finders_of, has_twins, of_tokens, one_judge
from jepascope.findings.verdict import unread_words
from jepascope.report.blocks import Block, Figure, Finding, findings, in_turn, section
from jepascope.report.charts.curves import UNIT, ZERO, Axis, Panel, Series, draw
from jepascope.report.charts.looks import CONTROLS
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, declared, grid, words


@section("doses", "Dose curves", absent="no dose curves (stage intervene)")
def curves_section(run: RunFolder) -> list[Block]:
    """CE over the dose for each edit and finder, then the doses in natural units."""
    blocks: list[Block] = []
    if (table := run.table("curves")) is not None:
        curves = claimed(run, one_judge(of_tokens(run, table)))
        edits = in_order(curves["edit"], EDITS)
        blocks += in_turn("edit", {edit_name(edit).capitalize(): _edit(run, curves[curves["edit"] == edit], edit) for edit in edits})
    if (doses := run.table("doses")) is not None:
        blocks += _natural(run, claimed(run, doses))
    return blocks


def _edit(run: RunFolder, curves: pd.DataFrame, edit: str) -> list[Block]:
    finders = finders_of(run, curves)
    what = edit_name(edit)
    judge = readings_by(run).get(str(curves["judge"].iloc[0]))
    if judge is not None and not judge.reads:
        sentences = [f"{what.capitalize()}: {unread_words(judge)}, so that nothing is said of its effects."]
    else:
        sentences = [curve_words(curves[curves["finder"] == finders[0]], f"{what.capitalize()}, {finders[0]}")]
        sentences += [starts(curves, finders[1:], what)] if len(finders) > 1 else []
    null = curves[curves["control"] != "subspace"]
    caption = (
        f"{what.capitalize()} at layer {count_range(curves['layer'])}, CE by {judge_words(str(curves['judge'].iloc[0]))} (no unit). n = "
        f"{count_range(curves['n'])} {run.tested}; vertical lines: {run.confidence} over {run.units}. Controls: mean over "
        f"{count_range(null['draws'])} draws, bands from the least to the largest draw; too few for ratios, which stand at dose 1 above. "
        f"{dose_words(run, edit).capitalize()} (dotted line)."
    )
    panels = [Panel(_series(curves[curves["finder"] == finder]), [ZERO, UNIT], finder) for finder in finders]
    title = f"Causal effect of {what} over the dose"
    return [*findings(*sentences), Figure(draw(f"dose-{edit}", title, panels, Axis("dose", "dose"), Axis("causal effect")), caption)]


def _series(rows: pd.DataFrame) -> list[Series]:
    """One finder's effects with their intervals, beside the range of its controls' draws."""
    by = {control: rows[rows["control"] == control] for control in ("subspace", "random", "variance")}
    return [
        Series.of(own, "dose", "value", control_name(name), CONTROLS[name], around="bars" if name == "subspace" else "hatched", says=says)
        for name, own in by.items()
        if len(own) and (says := "steps" if name == "subspace" else "range")
    ]


def _natural(run: RunFolder, doses: pd.DataFrame) -> list[Block]:
    """What dose 1 is, in units of the twin's own change."""
    finders, edits = finders_of(run, doses), in_order(doses["edit"], EDITS)
    columns = (
        *declared("doses", "finder"),
        words("reading", lambda row: shift_words(*interval_of(row, "shift"))),
        *declared("doses", "shift", norm="edit norm", norm_twin="twin's norm"),
        Column("edit / twin", lambda row: number_cell(row["norm"] / row["norm_twin"] if row["norm_twin"] else nan)),
        *declared("doses", "n"),
    )
    caption = (
        f"What dose 1 is in natural units, layer {count_range(doses['layer'])}. Norms: mean length of a token's edit, and of the twin's "
        f"own change, inside the subspace (latent units, means over tokens and {run.units}, no interval). Shift: the pooled edit along "
        f"the twin's pooled change inside the subspace, over its length (1 = the natural dose). Brackets: {run.confidence} over "
        f"{run.units}; n: {run.tested}. Control: the twin itself."
    )
    if not has_twins(run):
        caption += " No twin exists here: the change to the donor, another clip of the target class, stands in."
    rows = sorted(doses.to_dict("records"), key=lambda row: (edits.index(row["edit"]), finders.index(row["finder"])))
    table = grid(rows, columns, caption, lambda row: f"dose 1 of {edit_name(row['edit'])}")
    return [Finding(natural_words(doses, finders[0])), table]
