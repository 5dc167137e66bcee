"""Section of stage two: what the mean over scenes may hide."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.heterogeneity import heterogeneity_words, spread_rows, strata_rows
from jepascope.findings.names import EDITS, control_name, controls_in, edit_name, in_order, short
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count_range, finite, p_text, share_cell, stacked
from jepascope.findings.selection import first_finder
from jepascope.report.blocks import Block, Grid, findings, section
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, counted, grid, number, percentage, words

ABSENT_SPREAD = "no edits were run (stage intervene), or the run is older than this table"


@section("heterogeneity", "Scene by scene", absent=ABSENT_SPREAD)
def heterogeneity_section(run: RunFolder) -> list[Block]:
    """Scenes moved the wrong way and how many scenes count, beside controls; CE by classes of the scenes."""
    finder = first_finder(run)
    spread, strata = spread_rows(run, finder), strata_rows(run, finder)
    if spread is None:
        return []
    blocks = [*findings(*heterogeneity_words(run)), _spread(run, spread)]
    return blocks if strata is None or strata.empty else [*blocks, _strata(run, strata)]


def _spread(run: RunFolder, rows: pd.DataFrame) -> Grid:
    edits, order = in_order(rows["edit"], EDITS), ["subspace", *controls_in(rows["control"])]
    records = sorted(rows.to_dict("records"), key=lambda row: (edits.index(row["edit"]), order.index(row["control"])))
    columns = (
        words("edited", lambda row: str(row["finder"]) if row["control"] == "subspace" else control_name(row["control"])),
        Column("moved the wrong way", lambda row: stacked(share_cell(*(row[name] for name in ("wrong", "wrong_low", "wrong_high"))))),
        counted("draws", "draws"),
        number("scenes that count", "effective"),
        percentage("margin of the largest tenth", "top"),
    )
    caption = (
        f"Layer {count_range(rows['layer'])}, n = {count_range(rows['n'])} {run.tested}. The wrong way: against what the whole ablation, "
        f"or the real change, does to that scene's margin; brackets {run.confidence} (Wilson), of controls the least and the largest draw. "
        "Scenes that count: (sum |margin|)² / sum margin². All finders and judges in spread.parquet."
    )
    return grid(records, columns, caption, lambda row: edit_name(row["edit"]))


def _strata(run: RunFolder, rows: pd.DataFrame) -> Grid:
    """A row for each class, a column for each edit."""
    edits = in_order(rows["edit"], EDITS)
    by = {(row["factor"], row["class"], row["edit"]): row for row in rows.to_dict("records")}
    factors = {(row["factor"], row["edit"]): row["p_holm"] for row in rows.to_dict("records")}
    first = rows.drop_duplicates(["factor", "class"]).to_dict("records")

    def cell(edit: str) -> Any:
        return lambda row: _effect(by.get((row["factor"], row["class"], edit)))

    def group(row: dict[str, Any]) -> str:
        p = [
            f"{edit_name(edit)} {p_text(factors.get((row['factor'], edit)))}"
            for edit in edits
            if finite(factors.get((row["factor"], edit)))
        ]
        return f"{short(row['factor'])}: {'p ' + ', '.join(p) if p else 'not compared'}"

    columns = (
        words("class", lambda row: short(row["class"]) or ABSENT),
        counted("n", "n"),
        *(Column(edit_name(edit), cell(edit)) for edit in edits),
        words("not compared because", lambda row: str(row["reason"])),
    )
    caption = (
        f"{rows['finder'].iloc[0]}, layer {count_range(rows['layer'])}: CE by classes of the scenes, the study's own variable "
        f"among the factors; brackets {run.confidence} over {run.units}. p: of no difference between classes, by permutation, "
        "corrected over the factors of an edit. Other finders in strata.parquet."
    )
    return grid(first, columns, caption, group)


def _effect(row: dict[Any, Any] | None) -> Cell | str:
    return ABSENT if row is None or not finite(row["value"]) else stacked(cell_of(row))
