"""Frozen against refitted: what is read after an ablation by the probe of before, and by one trained on ablated clips."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.fresh import frozen_rows, refit_of, refit_rows
from jepascope.findings.judges import JUDGES, judge_words
from jepascope.findings.numbers import ABSENT, count_range, percent, percent_span
from jepascope.findings.selection import claim_layer, finders_of, in_order
from jepascope.report.blocks import Block, Figure, findings
from jepascope.report.charts.canvas import BLACK, BLUE, GREY, VERMILION, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import LONG, SHORT, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, words


def refit_blocks(run: RunFolder) -> list[Block]:
    """Words, lines by read layer, and a table at the last layer; nothing where no probe was refitted."""
    table = refit_rows(run)
    if table is None:
        return []
    layer = claim_layer(run, table)
    own = table[table["control"] == "subspace"]
    finders, last = finders_of(run, own), int(table["read_layer"].max())
    judges = in_order(table["judge"], JUDGES)
    frozen = frozen_rows(run, layer)
    end = table[table["read_layer"] == last]
    rows, said = [], []
    for judge in judges:
        refits = [refit_of(table, frozen, finder, judge) for finder in finders]
        said.append(refits[0].sentence)
        above = f"{judge_words(judge)}: unedited {refits[0].clean}; chance {percent(refits[0].chance)}"
        rows += [(above, refit) for refit in refits]
    shown = judges[0]
    caption = (
        f"Ablation at layer {layer}, read by {judge_words(shown)} at that and later layers: accuracy on test clips, n = "
        f"{count_range(own['n'])}. Frozen: trained on unedited clips. Fresh: trained on ablated clips of the judge's split and scored on "
        f"ablated test clips; vertical lines {run.confidence} (Wilson). Controls: random directions ablated (mean, band from the least to "
        "the largest draw), unedited clips, chance."
    )
    figure = Figure(_curves(table[table["judge"] == shown], frozen[frozen["judge"] == shown], finders), caption)
    columns = (
        words("finder", made=lambda row: row[1].finder),
        Column("frozen", lambda row: str(row[1].frozen)),
        Column("fresh", lambda row: str(row[1].fresh)),
        Column("fresh, random ablated", lambda row: _range(row[1].random)),
    )
    caption = (
        f"Accuracy at layer {last} after ablation at layer {layer}, n = {count_range(end['n'])} test clips. Brackets: {run.confidence} "
        "(Wilson); of random directions the least and the largest draw."
    )
    return [*findings(*said), figure, grid(rows, columns, caption, lambda row: str(row[0]))]


def _curves(refits: pd.DataFrame, frozen: pd.DataFrame, finders: list[str]) -> Drawing:
    """A panel for each finder: unedited clips, then frozen and fresh probes after the ablation, and fresh ones after random ablations."""
    clean = refits[refits["control"] == "clean"].drop_duplicates("read_layer")
    chance, at = Level(float(refits["chance"].mean()), "chance", share=True), ("read_layer", "accuracy")
    panels = []
    for finder in finders:
        own = refits[refits["finder"] == finder]
        null = own[own["control"] == "random"]
        series = [
            Series.of(own[own["control"] == "subspace"], *at, "fresh, subspace ablated", Look(BLUE, "o"), share=True),
            Series.of(frozen[frozen["finder"] == finder], *at, "frozen", Look(VERMILION, "^", LONG, hollow=True), ends=(), share=True),
            Series.of(clean, *at, "unedited", Look(BLACK, "D", size=3.5), ends=(), share=True),
        ]
        if len(null):
            series.append(Series.spread(null, *at, "fresh, random ablated", Look(GREY, "s", SHORT, hollow=True), share=True))
        panels.append(Panel(series, [chance], finder))
    y = Axis("accuracy", limits=(0, 1.03))
    return draw("refits", "What a frozen and a fresh probe read after ablation", panels, layers(refits["read_layer"], "read at layer"), y)


def _range(null: tuple[float, ...]) -> str:
    return f"{percent(sum(null) / len(null))} {percent_span(min(null), max(null))} ({len(null)} draws)" if null else ABSENT
