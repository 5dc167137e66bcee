"""Section of stage two: cause and isolate. What an edit for one variable does to the read-out of every other one."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.isolation import CrossEffect, Level, cross_effects, isolation_words, own_finder, own_variable
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, shown, span
from jepascope.findings.selection import EDIT_WORDS, EDITS, claim_layer, in_order
from jepascope.report.blocks import Block, Figure, Finding, Grid, Section, not_run
from jepascope.report.figures.isolation_matrix import Panel, isolation_matrix
from jepascope.report.folder import RunFolder
from jepascope.stats import MIN_DRAWS

TITLE = "Cause and isolate"
CONTROL_ROWS = {"twin": "the real twin itself", "variance": "variance-matched", "random": "random directions"}


def isolation_rows(run: RunFolder) -> pd.DataFrame | None:
    """The table at the layer of the claims; None where it was not run."""
    table = run.table("isolation")
    return None if table is None else table[table["layer"] == claim_layer(run, table)]


def isolation_section(run: RunFolder) -> Section:
    """Which other factors an edit leaks to, the matrix, and the figures behind the sentence."""
    rows = isolation_rows(run)
    if rows is None:
        return not_run("isolation", TITLE, "no read-outs of other factors (stage intervene)")
    variable, finder = own_variable(run), own_finder(run, rows)
    edits = in_order(rows["edit"], EDITS)
    effects = {edit: cross_effects(rows, variable, finder, edit) for edit in edits}
    blocks: list[Block] = [Finding(sentence) for sentence in isolation_findings(run)]
    read = in_order(rows["read"], (variable,))
    panels = [panel for edit in edits if (panel := _panel(rows, variable, finder, edit))[1]]
    readers = f"{count_range(rows['n'])} {run.tested}"
    caption = (
        f"Layer {count_range(rows['layer'])}: share of each read-out's own clean margin that is lost (1 = all of it; below 0: it grows), n "
        f"= {readers}. Rows: the variable whose subspace is edited ({variable}: {finder or 'no finder'}; others: diff_means) and the "
        f"controls of {variable}'s edit, mean over {_draws(rows)} draws. Framed: the variable that the edit is for. ≈ 0: its 90 % interval "
        f"lies within ±{_margin(rows)}, shown to have no effect worth mentioning. Hatched: the judge is not shown to read that variable "
        "from unedited clips, so the number means little. Intervals in the table below and in isolation.parquet."
    )
    if panels:
        blocks.append(Figure(isolation_matrix(panels, read, variable), caption))
    blocks += [_grid(run, found, variable, finder, edit) for edit, found in effects.items() if found]
    return Section("isolation", TITLE, tuple(blocks))


def isolation_findings(run: RunFolder, brief: bool = False) -> list[str]:
    """A sentence for each edit of the study's variable; none where it was not run."""
    rows = isolation_rows(run)
    if rows is None:
        return []
    variable, finder = own_variable(run), own_finder(run, rows)
    found = {edit: cross_effects(rows, variable, finder, edit) for edit in in_order(rows["edit"], EDITS)}
    said = [isolation_words(effects, run.variable, finder, edit, brief) for edit, effects in found.items() if effects]
    return said or ([] if brief else [f"No read-out of another factor was held against an edit of {run.variable}."])


def _panel(rows: pd.DataFrame, variable: str, finder: str, edit: str) -> Panel:
    """The study's variable first, its controls below it, then the other variables."""
    at = rows[rows["edit"] == edit]
    lines: list[tuple[str, pd.DataFrame]] = []
    for found_for in in_order(at["found_for"], (variable,)):
        own = at[(at["found_for"] == found_for) & (at["control"] == "subspace")]
        own = own[own["finder"] == finder] if found_for == variable else own
        lines.append((found_for, own))
        if found_for == variable:
            beside = at[(at["found_for"] == variable) & at["finder"].isin([finder, ""])]
            lines += [(name, beside[beside["control"] == control]) for control, name in CONTROL_ROWS.items()]
    word = EDIT_WORDS.get(edit, edit)
    return word.capitalize(), [(label, table.drop_duplicates("read")) for label, table in lines if len(table)]


def _draws(rows: pd.DataFrame) -> str:
    return count_range(rows[rows["control"].isin(["random", "variance"])]["draws"])


def _margin(rows: pd.DataFrame) -> str:
    return shown(rows["margin"].dropna().iloc[0], 1) if rows["margin"].notna().any() else ABSENT


def _grid(run: RunFolder, effects: list[CrossEffect], variable: str, finder: str, edit: str) -> Grid:
    controls = [name for name in ("random", "variance", "twin") if any(name in effect.controls for effect in effects)]
    body: list[tuple[Cell | str, ...]] = []
    for effect in effects:
        own = _cell(effect.own)
        if own.exact:
            own = Cell(f"{own}\n90 %: {span(effect.least, effect.most)}", own.exact)
        cells: list[Cell | str] = [effect.read, Cell(effect.reading, strong=effect.reading == "leaks"), own]
        cells += [_cell(effect.controls[name]) if name in effect.controls else ABSENT for name in controls]
        body.append((*cells, count(effect.n)))
    head = ("read-out", "reading", "share lost", *(CONTROL_ROWS[name] for name in controls), "n")
    caption = (
        f"{EDIT_WORDS.get(edit, edit).capitalize()} of {variable} ({finder}): the effect on the read-out of every other factor. Brackets: "
        f"{run.confidence} over {run.units}; of a control's mean draw over {run.units} and draws, or with fewer than {MIN_DRAWS} draws "
        f"the least and the largest. Leaks: interval clear of zero and of what the controls change on average, and the share larger than "
        f"±{_shown_margin(effects)}; unaffected: the 90 % interval lies within it (two one-sided tests at 5 %)."
    )
    return Grid(head, tuple(body), caption, words=2)


def _shown_margin(effects: list[CrossEffect]) -> str:
    return next((shown(effect.margin, 1) for effect in effects if effect.margin == effect.margin), ABSENT)


def _cell(level: Level) -> Cell:
    return interval_cell(level.value, level.low, level.high) if finite(level.value) else Cell(ABSENT)
