"""The degeneracy curve: subspaces peeled off one after another, and how many of them are copies."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.copies import peeling_words
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, interval_cell
from jepascope.findings.selection import finders_of, has_twins
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.figures.peeling import degeneracy_curve
from jepascope.report.folder import RunFolder

MOST_FINDERS = 6  # panels of one figure
MOST_ROWS = 60


def peeling_blocks(run: RunFolder) -> list[Block]:
    """Words, the curve and its numbers; nothing where nothing was peeled off."""
    table = run.table("peeling")
    if table is None or not (table["control"] == "subspace").any():
        return []
    finders = finders_of(run, table)
    blocks: list[Block] = [Finding(peeling_words(table[table["finder"] == finder], finder, run.summary)) for finder in finders]
    shown = table[table["finder"].isin(finders[:MOST_FINDERS])]
    draws = count_range(table[table["control"] != "subspace"]["draws"])
    caption = (
        f"CE of swapping the subspace of each stage at layer {count_range(table['layer'])} while all earlier ones are ablated (share of "
        f"the change to the {'twin' if has_twins(run) else 'donor'}), rank {count_range(table['rank'])}, n = {count_range(table['n'])} "
        f"test scenes; vertical lines: {run.confidence}. Hollow: no effect of its own (above 0.05 "
        "and outside both controls), where the peeling ends. Diamonds: the same "
        "stage while all other stages are ablated, later ones too. Control: random and variance-matched subspaces of the same rank, "
        f"outside all stages peeled so far, mean of {draws} draws."
    )
    return [*blocks, Figure(degeneracy_curve(shown), caption), _grid(table, finders, run.confidence)]


def _grid(table: pd.DataFrame, finders: list[str], confidence: str) -> Grid:
    rows: list[tuple[Cell | str, ...]] = []
    for finder in finders:
        part = table[table["finder"] == finder]
        for row in part[part["control"] == "subspace"].sort_values("stage").to_dict("records"):
            nulls = part[(part["stage"] == row["stage"]) & (part["control"] != "subspace")].drop_duplicates("control")
            found = {str(null["control"]): null for null in nulls.to_dict("records")}
            rows.append(
                (
                    finder,
                    count(row["stage"]),
                    count(row["rank"]),
                    interval_cell(row["value"], row["low"], row["high"]),
                    *(_null(found, name) for name in ("random", "variance")),
                    interval_cell(row["alone"], row["alone_low"], row["alone_high"]) if row["alone"] == row["alone"] else "",
                    "yes" if bool(row["above"]) else "no",
                    count(row["n"]),
                )
            )
    head = ("finder", "stage", "rank", "CE, earlier ablated", "random", "variance-matched", "CE, all others ablated", "carries", "n")
    caption = f"The degeneracy curve in numbers. Brackets: {confidence}; of controls that of their mean draw."
    if len(rows) > MOST_ROWS:
        caption += f" {len(rows) - MOST_ROWS} more stages are in peeling.parquet."
    return Grid(head, tuple(rows[:MOST_ROWS]), caption)


def _null(nulls: dict[str, dict[Any, Any]], name: str) -> Cell | str:
    if name not in nulls:
        return ABSENT
    row = nulls[name]
    return interval_cell(row["value"], row["low"], row["high"])
