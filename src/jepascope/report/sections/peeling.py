"""The degeneracy curve: subspaces peeled off one after another, and how many of them are copies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from jepascope.findings.copies import peeling_words
from jepascope.findings.numbers import ABSENT, count_range, interval_cell
from jepascope.findings.selection import finders_of, has_twins
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.charts.canvas import VERMILION, Drawing
from jepascope.report.charts.curves import ZERO, Axis, Panel, Series, draw, whole
from jepascope.report.charts.looks import CONTROLS, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, counted, grid, interval, words

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


def degeneracy_curve(peeling: pd.DataFrame, name: str = "degeneracy-curve") -> Drawing:
    """CE by stage, a panel for each finder; filled where a stage lies above both controls. Beside it each stage with all others gone."""
    finders = list(dict.fromkeys(peeling["finder"]))
    panels, label = [], "stage (subspaces peeled off in this order)" if len(finders) == 1 else "stage"
    for finder in finders:
        rows = peeling[peeling["finder"] == finder].assign(met=~peeling["above"].astype(bool))
        own = rows[rows["control"] == "subspace"]
        alone, ends = own[own["alone"].notna()], ("alone_low", "alone_high")
        names: Any = {"where": "met", "hollow_label": "no effect of its own"}
        series = [
            Series.of(own, "stage", "value", "earlier stages ablated", CONTROLS["subspace"], **names),
            Series.of(alone, "stage", "alone", "all other stages ablated", Look(VERMILION, "D", ""), ends, shift=-0.09),
        ]
        for shift, control in ((0.07, "random"), (0.14, "variance")):
            null, look = rows[rows["control"] == control], replace(CONTROLS[control], hollow=True)
            series.append(Series.of(null, "stage", "value", CONTROL_WORDS[control], look, shift=shift, says="range"))
        panels.append(Panel(series, [ZERO], finder, x=Axis(label, "stage", whole(rows["stage"]))))
    return draw(name, "Degeneracy curve", panels, Axis(), Axis("CE of the swap"), legend=2)


def _grid(table: pd.DataFrame, finders: list[str], confidence: str) -> Grid:
    rows = []
    for finder in finders:
        part = table[table["finder"] == finder]
        for row in part[part["control"] == "subspace"].sort_values("stage").to_dict("records"):
            nulls = part[(part["stage"] == row["stage"]) & (part["control"] != "subspace")].drop_duplicates("control")
            rows.append({**row, **{null["control"]: null for null in nulls.to_dict("records")}})

    def null(head: str, name: str) -> Column:
        return Column(head, lambda row: interval_cell(*(row[name][end] for end in ("value", "low", "high"))) if name in row else ABSENT)

    alone = interval("CE, all others ablated", "alone")
    columns = (
        words("finder", "finder"),
        counted("stage", "stage"),
        counted("rank", "rank"),
        interval("CE, earlier ablated"),
        null("random", "random"),
        null("variance-matched", "variance"),
        Column(alone.head, lambda row: alone.cell(row) if row["alone"] == row["alone"] else ""),
        Column("carries", lambda row: "yes" if bool(row["above"]) else "no"),
        counted("n", "n"),
    )
    caption = f"The degeneracy curve in numbers. Brackets: {confidence}; of controls that of their mean draw."
    return grid(rows, columns, caption, most=MOST_ROWS, rest="stages are in peeling.parquet")
