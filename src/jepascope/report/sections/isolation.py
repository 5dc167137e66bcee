"""Section of stage two: cause and isolate. What an edit for one variable does to the read-out of every other one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.findings.isolation import CrossEffect, Level, cross_effects, isolation_words, own_finder, own_variable
from jepascope.findings.names import EDITS, LABEL, edit_name, in_order, short
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, shown, span
from jepascope.findings.selection import claim_layer
from jepascope.report.blocks import Block, Figure, Grid, findings, in_turn, section
from jepascope.report.charts.canvas import VERMILION
from jepascope.report.charts.heat_map import Frame, Map, draw, two_decimals
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, few_draws, grid, words

CONTROL_ROWS = {"twin": "the real twin itself", "variance": "variance-matched", "random": "random directions"}


def isolation_rows(run: RunFolder) -> pd.DataFrame | None:
    """The table at the layer of the claims; None where it was not run."""
    table = run.table("isolation")
    return None if table is None else table[table["layer"] == claim_layer(run, table)]


@section("isolation", "Cause and isolate", absent="no read-outs of other factors (stage intervene)")
def isolation_section(run: RunFolder) -> list[Block]:
    """Which other factors an edit leaks to, the matrix, and the figures behind the sentence."""
    rows = isolation_rows(run)
    if rows is None:
        return []
    variable, finder = own_variable(run), own_finder(run, rows)
    edits = in_order(rows["edit"], EDITS)
    effects = {edit: cross_effects(rows, variable, finder, edit) for edit in edits}
    blocks = findings(*isolation_findings(run))
    read = in_order(rows["read"], (variable,))
    maps = [drawn for edit in edits if (drawn := _map(rows, read, variable, finder, edit)).rows]
    draws = count_range(rows[rows["control"].isin(["random", "variance"])]["draws"])
    margin = shown(rows["margin"].dropna().iloc[0], 1) if rows["margin"].notna().any() else ABSENT
    caption = (
        f"Layer {count_range(rows['layer'])}: share of each read-out's own clean margin that is lost (1 = all of it; below 0: it grows), n "
        f"= {count_range(rows['n'])} {run.tested}. Rows: the variable whose subspace is edited ({variable}: {finder or 'no finder'}; "
        f"others: diff_means) and the controls of {variable}'s edit, mean over {draws} draws. Framed: the variable that the edit is "
        f"for. ≈ 0: its 90 % interval lies within ±{margin}, shown to have no effect worth mentioning. Hatched: the judge is not "
        "shown to read that variable from unedited clips, so the number means little. Intervals in the table below and in "
        "isolation.parquet."
    )
    if maps:
        title = f"Cause and isolate: edits of {short(variable, LABEL)} and of other variables"
        blocks.append(Figure(draw("isolation", title, maps, "variable that is read", most_numbered=40, by_size=True), caption))
    grids = {edit_name(edit).capitalize(): [_grid(run, own, variable, finder, edit)] for edit, own in effects.items() if own}
    return [*blocks, *in_turn("edit", grids)]


def isolation_findings(run: RunFolder, brief: bool = False) -> list[str]:
    """A sentence for each edit of the study's variable; none where it was not run."""
    rows = isolation_rows(run)
    if rows is None:
        return []
    variable, finder = own_variable(run), own_finder(run, rows)
    by_edit = {edit: cross_effects(rows, variable, finder, edit) for edit in in_order(rows["edit"], EDITS)}
    sentences = [isolation_words(effects, run.variable, finder, edit, brief) for edit, effects in by_edit.items() if effects]
    return sentences or ([] if brief else [f"No read-out of another factor was held against an edit of {run.variable}."])


def _map(rows: pd.DataFrame, read: list[str], variable: str, finder: str, edit: str) -> Map:
    """The study's variable first, its controls below it, then the other variables."""
    at = rows[rows["edit"] == edit]
    lines: dict[str, pd.DataFrame] = {}
    for found_for in in_order(at["found_for"], (variable,)):
        own = at[at["found_for"] == found_for]
        beside = own[own["finder"].isin([finder, ""])]
        subspace = own[own["control"] == "subspace"]
        lines[found_for] = subspace[subspace["finder"] == finder] if found_for == variable else subspace
        if found_for == variable:
            lines |= {name: beside[beside["control"] == control] for control, name in CONTROL_ROWS.items()}
    lines = {label: table.drop_duplicates("read") for label, table in lines.items() if len(table)}
    values = np.full((len(lines), len(read)), np.nan)
    texts, notes, hatched, frames = {}, {}, set(), []
    for i, table in enumerate(lines.values()):
        for row in table.to_dict("records"):
            cell = (i, read.index(str(row["read"])))
            values[cell] = row["value"]
            if not row["readable"]:
                hatched.add(cell)
                notes[cell] = "not readable"
            elif row["equivalent"]:
                notes[cell], texts[cell] = "equivalent to none", f"{two_decimals(row['value'])}  ≈ 0"
            if row["read"] == row["found_for"]:
                frames.append(Frame(*cell, VERMILION, inset=0.05))
    return Map(values, list(lines), read, edit_name(edit).capitalize(), texts, notes, frozenset(hatched), frames)


def _grid(run: RunFolder, effects: list[CrossEffect], variable: str, finder: str, edit: str) -> Grid:
    def level(name: str) -> Column:
        return Column(CONTROL_ROWS[name], lambda effect: _cell(effect.controls[name]) if name in effect.controls else ABSENT)

    margin = next((shown(effect.margin, 1) for effect in effects if finite(effect.margin)), ABSENT)
    columns = (
        words("read-out", lambda effect: effect.read),
        words("reading", lambda effect: Cell(effect.reading, strong=effect.reading == "leaks")),
        Column("share lost", _own),
        *(level(name) for name in ("random", "variance", "twin") if any(name in effect.controls for effect in effects)),
        Column("n", lambda effect: count(effect.n)),
    )
    caption = (
        f"{edit_name(edit).capitalize()} of {variable} ({finder}): the effect on the read-out of every other factor. Brackets: "
        f"{run.confidence} over {run.units}; {few_draws(run.units)}. "
        f"Leaks: interval clear of zero and of what the controls change on average, and the share larger than "
        f"±{margin}; unaffected: the 90 % interval lies within it (two one-sided tests at 5 %); no power: it reaches beyond "
        "it on both sides."
    )
    return grid(effects, columns, caption)


def _own(effect: CrossEffect) -> Cell:
    own = _cell(effect.own)
    return Cell(f"{own}\n90 %: {span(effect.least, effect.most)}", own.exact) if own.exact else own


def _cell(level: Level) -> Cell:
    return interval_cell(level.value, level.low, level.high) if finite(level.value) else Cell(ABSENT)
