"""Section of stage two: an edit seen from every later layer, and what a fresh probe finds after it."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.fading import fade_words
from jepascope.findings.judges import judge_words
from jepascope.findings.numbers import ABSENT, count_range, interval_cell, shown
from jepascope.findings.selection import EDIT_WORDS, EDITS, claim_layer, finders_of, in_order, main_ranks, of_tokens, one_judge
from jepascope.findings.verdict import unread_words
from jepascope.intervention.control_words import CONTROL_WORDS
from jepascope.report.blocks import Block, Figure, Grid, findings
from jepascope.report.charts import heat_map
from jepascope.report.charts.heat_map import Map
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, grid, words
from jepascope.report.sections.declared import section
from jepascope.report.sections.refits import refit_blocks
from jepascope.stats import MIN_DRAWS

MOST_COLUMNS = 5  # read layers in the table
MOST_NUMBERED = 9  # read layers up to which a cell of two panels has room for its number


@section("reads", "Edit layer × read layer", absent="no read-outs at later layers (stage intervene)")
def reads_section(run: RunFolder) -> list[Block]:
    """Heat map of the first finder's ablation, the course of every effect along the layers, frozen against fresh probes."""
    table = run.table("reads")
    return [*([] if table is None else _course(run, table)), *refit_blocks(run)]


def _course(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    reads = one_judge(of_tokens(run, table))
    reads = reads[reads["rank"] == reads["finder"].map(main_ranks(reads))]
    finders, layer = finders_of(run, reads), claim_layer(run, reads)
    edits = in_order(reads["edit"], EDITS)
    first = reads[(reads["finder"] == finders[0]) & (reads["edit"] == edits[0])]
    at = reads[reads["layer"] == layer]
    unread = unread_judge(run, str(reads["judge"].iloc[0]))
    said = (
        [f"{unread_words(unread).capitalize()}, so that nothing is said of where effects fade or grow."]
        if unread
        else [fade_words(_of(at, finders[0], edit), f"{EDIT_WORDS.get(edit, edit).capitalize()}, {finders[0]}") for edit in edits]
    )
    null, what = first[first["control"] != "subspace"], EDIT_WORDS.get(edits[0], edits[0])
    caption = (
        f"{finders[0]}, {what}: CE by {judge_words(str(reads['judge'].iloc[0]))}, one trained on the "
        "unedited clips of each read layer (share of its own clean margin, no unit). On the diagonal no block has run after the edit. n = "
        f"{count_range(first['n'])} {run.tested}. Control: random directions of the same rank, mean over {count_range(null['draws'])} "
        "draws. Intervals in the table below (claims' layer) and in reads.parquet."
    )
    edited, read = sorted({int(value) for value in first["layer"]}), sorted({int(value) for value in first["read_layer"]})
    names = {"subspace": finders[0], "random": CONTROL_WORDS["random"]}
    maps = []
    for control, name in names.items():
        own = first[first["control"] == control]
        if len(own):
            cells = own.pivot_table(index="layer", columns="read_layer", values="value", aggfunc="first")
            values = cells.reindex(index=edited, columns=read).to_numpy(dtype=float)
            maps.append(Map(values, [*map(str, edited)], [*map(str, read)], name, missing=""))
    drawing = heat_map.draw(
        "read-matrix",
        f"Causal effect of {what} by edit layer and read layer",
        maps,
        "read at layer",
        "edited at layer",
        side_by_side=True,
        most_numbered=MOST_NUMBERED,
        bar="causal effect",
        also=f"Rows: edited layers, columns: read layers. Least {shown(first['value'].min())}",
    )
    return [*findings(*said), Figure(drawing, caption), _grid(run, at, finders, edits, layer)]


def _of(at: pd.DataFrame, finder: str, edit: str) -> pd.DataFrame:
    return at[(at["finder"] == finder) & (at["edit"] == edit)]


def _grid(run: RunFolder, at: pd.DataFrame, finders: list[str], edits: list[str], layer: int) -> Grid:
    layers = sorted({int(value) for value in at["read_layer"]})
    if len(layers) > MOST_COLUMNS:
        step = (len(layers) - 1) / (MOST_COLUMNS - 1)
        layers = [layers[round(step * index)] for index in range(MOST_COLUMNS)]
    rows = []
    for edit in edits:
        for finder in finders:
            part = _of(at, finder, edit)
            for control, name in (("subspace", finder), ("random", "random directions")):
                own = part[part["control"] == control].drop_duplicates("read_layer")
                if len(own):
                    draws = f" ({count_range(own['draws'])} draws)" if control != "subspace" else ""
                    rows.append({"edit": edit, "name": f"{name}{draws}"} | {int(row["read_layer"]): row for row in own.to_dict("records")})

    def read_at(read: int) -> Column:
        head = f"read at layer {read}{' (edited)' if read == layer else ''}"
        return Column(head, lambda row: interval_cell(*(row[read][end] for end in ("value", "low", "high"))) if read in row else ABSENT)

    caption = (
        f"Edited at layer {layer}, read at later layers: CE. n = {count_range(at['n'])} {run.tested}. Brackets: {run.confidence} over "
        f"{run.units}; of a control's mean draw over {run.units} and draws, or with fewer than {MIN_DRAWS} draws the least and the largest."
    )
    columns = (words("edited subspace", "name"), *map(read_at, layers))
    return grid(rows, columns, caption, lambda row: EDIT_WORDS.get(row["edit"], row["edit"]))
