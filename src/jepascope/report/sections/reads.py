"""Section of stage two: an edit seen from every later layer, and what a fresh probe finds after it."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.beside import unread_judge
from jepascope.findings.doses import fade_words
from jepascope.findings.fresh import frozen_rows, refit_of, refit_rows
from jepascope.findings.names import EDITS, JUDGES, control_name, edit_name, in_order, judge_words
from jepascope.findings.numbers import ABSENT, count_range, percent, share_words, shown
from jepascope.findings.selection import claim_layer, finders_of, main_ranks, of_tokens, one_judge
from jepascope.findings.verdict import unread_words
from jepascope.report.blocks import Block, Figure, Grid, findings, section
from jepascope.report.charts import heat_map
from jepascope.report.charts.canvas import BLACK, BLUE, GREY, VERMILION, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.heat_map import Map
from jepascope.report.charts.looks import LONG, SHORT, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, few_draws, grid, some_of, spread, within, words

MOST_COLUMNS = 5  # read layers in the table
MOST_NUMBERED = 9  # read layers up to which a cell of two panels has room for its number


@section("reads", "Edit layer × read layer", absent="no read-outs at later layers (stage intervene)")
def reads_section(run: RunFolder) -> list[Block]:
    """Heat map of the first finder's ablation, the course of every effect along the layers, frozen against fresh probes."""
    table = run.table("reads")
    return [*([] if table is None else _course(run, table)), *_refits(run)]


def _course(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    reads = one_judge(of_tokens(run, table))
    reads = reads[reads["rank"] == reads["finder"].map(main_ranks(reads))]
    finder, layer = finders_of(run, reads)[0], claim_layer(run, reads)
    edits, judge = in_order(reads["edit"], EDITS), str(reads["judge"].iloc[0])
    first, at = reads[(reads["finder"] == finder) & (reads["edit"] == edits[0])], reads[reads["layer"] == layer]
    unread = unread_judge(run, judge)
    sentences = (
        [f"{unread_words(unread).capitalize()}, so that nothing is said of where effects fade or grow."]
        if unread
        else [
            fade_words(at[(at["finder"] == finder) & (at["edit"] == edit)], f"{edit_name(edit).capitalize()}, {finder}") for edit in edits
        ]
    )
    null, what = first[first["control"] != "subspace"], edit_name(edits[0])
    caption = (
        f"{finder}, {what}: CE by {judge_words(judge)}, one trained on the "
        "unedited clips of each read layer (share of its own clean margin, no unit). On the diagonal no block has run after the edit. n = "
        f"{count_range(first['n'])} {run.tested}. Control: random directions of the same rank, mean over {count_range(null['draws'])} "
        "draws. Intervals in the table below (claims' layer) and in reads.parquet."
    )
    edited, read = (sorted({int(value) for value in first[name]}) for name in ("layer", "read_layer"))
    maps = []
    for control, name in (("subspace", finder), ("random", control_name("random"))):
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
    return [*findings(*sentences), Figure(drawing, caption), _grid(run, at, edits, layer)]


def _grid(run: RunFolder, at: pd.DataFrame, edits: list[str], layer: int) -> Grid:
    read = some_of(sorted({int(value) for value in at["read_layer"]}), MOST_COLUMNS)
    finders = finders_of(run, at)
    own = at[at["control"].isin(["subspace", "random"])].drop_duplicates(["edit", "finder", "control", "read_layer"])
    rows = spread(own, ["edit", "finder", "control"], "read_layer")
    rows.sort(key=lambda row: (edits.index(row["edit"]), finders.index(row["finder"]), row["control"] != "subspace"))

    def name(row: dict[object, object]) -> str:
        draws = own[(own["edit"] == row["edit"]) & (own["finder"] == row["finder"]) & (own["control"] == "random")]["draws"]
        return str(row["finder"]) if row["control"] == "subspace" else f"random directions ({count_range(draws)} draws)"

    columns = (
        words("edited subspace", name),
        *(within(f"read at layer {number}{' (edited)' if number == layer else ''}", number) for number in read),
    )
    caption = (
        f"Edited at layer {layer}, read at later layers: CE. n = {count_range(at['n'])} {run.tested}. Brackets: {run.confidence} over "
        f"{run.units}; {few_draws(run.units)}."
    )
    return grid(rows, columns, caption, lambda row: edit_name(row["edit"]))


def _refits(run: RunFolder) -> list[Block]:
    """Frozen against refitted: words, lines by read layer, and a table at the last layer; nothing where no probe was refitted."""
    table = refit_rows(run)
    if table is None:
        return []
    layer, own, last = claim_layer(run, table), table[table["control"] == "subspace"], int(table["read_layer"].max())
    finders, judges, frozen = finders_of(run, own), in_order(table["judge"], JUDGES), frozen_rows(run, layer)
    refits = [refit_of(table, frozen, finder, judge) for judge in judges for finder in finders]
    caption = (
        f"Ablation at layer {layer}, read by {judge_words(judges[0])} at that and later layers: accuracy on test clips, n = "
        f"{count_range(own['n'])}. Frozen: trained on unedited clips. Fresh: trained on ablated clips of the judge's split and scored on "
        f"ablated test clips; vertical lines {run.confidence} (Wilson). Controls: random directions ablated (mean, band from the least to "
        "the largest draw), unedited clips, chance."
    )
    figure = Figure(_curves(table[table["judge"] == judges[0]], frozen[frozen["judge"] == judges[0]], finders), caption)
    columns = (
        words("finder", lambda refit: refit.finder),
        Column("frozen", lambda refit: str(refit.frozen)),
        Column("fresh", lambda refit: str(refit.fresh)),
        Column("fresh, random ablated", lambda refit: _range(refit.random)),
    )
    caption = (
        f"Accuracy at layer {last} after ablation at layer {layer}, n = {count_range(table[table['read_layer'] == last]['n'])} test clips. "
        f"Brackets: {run.confidence} (Wilson); of random directions the least and the largest draw."
    )
    by_judge = grid(
        refits,
        columns,
        caption,
        lambda refit: f"{judge_words(refit.judge)}: unedited {refit.clean}; chance {percent(refit.chance)}",
    )
    return [*findings(*(refit.sentence for refit in refits[:: len(finders)])), figure, by_judge]


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
    return f"{share_words(sum(null) / len(null), min(null), max(null))} ({len(null)} draws)" if null else ABSENT
