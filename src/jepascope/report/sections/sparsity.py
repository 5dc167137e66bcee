"""Section of stage one: the L1 path, and which of its coordinates are selected again on other clips."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import pandas as pd

from jepascope.findings.numbers import ABSENT, Cell, count, count_range, exact, finite, percent
from jepascope.findings.selection import claim_layer, tokens_of
from jepascope.findings.sparsity import NOT_DETERMINED, SELDOM, open_words, stable_words
from jepascope.report.blocks import Block, Figure, Finding, Grid, Paragraph, findings, section
from jepascope.report.charts.canvas import BLUE, GREY, VERMILION, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import LONG, SHORT, Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, declared, grid, percentage, share, words

ROUNDING = 1e-6  # a frequency is a quotient of counts, and 45 / 50 is not below a threshold of 0.9; old folders hold it as float32


@section("l1", "Sparsity: the L1 path", needs=("probes",), absent="no L1 probes (stage discover)")
def l1_section(run: RunFolder, probes: pd.DataFrame) -> list[Block]:
    """Accuracy and support along the path at the best layer, support by layer, and stability selection."""
    sparse = probes[(probes["probe"] == "l1") & (probes["encoder"] == "model")]
    if sparse.empty:
        return []
    tokens, layer = tokens_of(run, sparse), claim_layer(run, sparse)
    path = sparse[(sparse["layer"] == layer) & (sparse["tokens"] == tokens)]
    stability = run.table("stability")
    along = None if stability is None else _rows(stability, layer, tokens)
    caption = (
        f"Layer {layer}, {tokens} tokens. Above: test accuracy, n = {count_range(path['n'])} clips, band {run.confidence}; dotted: "
        "chance. Below: support, the share of "
        "coordinates with a non-zero weight for any class. The vertical line is the strongest penalty within one standard error of the "
        "best cross-validated accuracy."
    )
    if along is not None:
        caption += f" Band: the middle 95 % of {count_range(along['subsamples'])} random halves of the fit clips; triangles: mean "
        caption += "support of probes of permuted labels."
    blocks: list[Block] = [Figure(_path(path, along, f"layer {layer}"), caption)]
    chosen = sparse[sparse["chosen"]]
    blocks = [*findings(open_words(chosen, layer, tokens)), *blocks]
    picked = None if stability is None else stability[stability["chosen"]]
    if not chosen.empty:
        what = "one fit each (no interval)" if picked is None else "one fit each; band: the middle 95 % of random halves of the fit clips"
        caption = f"Support at the one-standard-error choice, by layer; share of coordinates of a probe of the fit clips, {what}."
        caption += " Hollow: not determined, the path ended before accuracy turned." if chosen["open_ended"].any() else ""
        caption += "" if picked is None else " Stable: selected in at least the threshold's share of halves. Control: permuted labels."
        blocks.append(Figure(_support(chosen, picked), caption))
    low, high, classes = path["support"].min(), path["support"].max(), run.summary.get("classes")
    of = f"{run.variable} ({count(classes)} classes)" if finite(classes) else run.variable
    text = (
        f"Support depends on the basis and on the penalty: at layer {layer} it runs from {percent(low)} to {percent(high)} along "
        f"this path. It is not a dimension; the class means of {of} span at most one dimension less than there are classes."
    )
    return [*blocks, Paragraph(text), *_stable(run, layer, tokens)]


HALVES: Any = {"ends": ("support_low", "support_high"), "around": "band", "share": True, "says": "range"}
NULL = Look(GREY, "^", SHORT, hollow=True)


def _path(path: pd.DataFrame, stability: pd.DataFrame | None, where: str) -> Drawing:
    """Accuracy and support against the penalty at one layer; the one-standard-error choice is marked."""
    accuracy = [Series.of(path, "strength", "accuracy", "test accuracy", Look(BLUE, "o"), around="band", says="range", share=True)]
    support = [Series.of(path, "strength", "support", "support", Look(VERMILION, "s"), ends=(), says="range", share=True)]
    if stability is not None:
        band = Look(VERMILION, dash="")
        support.append(Series.of(stability, "strength", "support", "middle 95 % of half-samples", band, **HALVES | {"says": ""}))
        support.append(Series.of(stability, "strength", "permuted_support", "permuted labels", NULL, **HALVES | {"ends": ()}))
    picked = path[path["chosen"]]
    choice = [Level(float(value), "one-standard-error choice", LONG, GREY, upright=True) for value in picked["strength"]]
    panels = [
        Panel(accuracy, [*choice, Level(float(path["chance"].mean()), "chance", share=True)], y=Axis("probe accuracy", limits=(0, 1.03))),
        Panel(support, choice, y=Axis("share of coordinates", limits=(0, 1.03))),
    ]
    told = [(row.accuracy, NOT_DETERMINED if row.open_ended else percent(row.support)) for row in picked.itertuples()]
    also = [where, *(f"at the choice accuracy {percent(accuracy)}, support {at}" for accuracy, at in told)]
    x = Axis("L1 strength (logarithmic; sparser to the right)", "strength", log=True)
    title = "L1 path: accuracy and support against strength"
    return draw("l1-path", title, panels, x, Axis(), across=1, height=3.9, also="; ".join(also))


def _support(chosen: pd.DataFrame, stability: pd.DataFrame | None) -> Drawing:
    """Support at the one-standard-error choice by layer and token selection; with the middle 95 % of half-samples where these were run."""
    series = []
    for (tokens, rows), look in zip(chosen.groupby("tokens"), (Look(BLUE, "o"), Look(VERMILION, "s"), Look(GREY, "^")), strict=False):
        series.append(Series.of(rows, "layer", "support", f"{tokens} tokens", look, ends=(), says="range", share=True, where="open_ended"))
        if stability is None or not (stability["tokens"] == tokens).any():
            continue
        halves, dashed = stability[stability["tokens"] == tokens], replace(look, marker="D", dash=LONG, hollow=True)
        band = f"{tokens} tokens, middle 95 % of half-samples"
        series.append(Series.of(halves, "layer", "support", band, replace(look, marker="", dash=""), **HALVES | {"says": ""}))
        series.append(Series.of(halves, "layer", "stable", f"{tokens} tokens, stable", dashed, **HALVES | {"ends": ()}))
        series.append(Series.of(halves, "layer", "permuted_support", f"{tokens} tokens, permuted labels", NULL, **HALVES | {"ends": ()}))
    title, y = "L1 support by layer at the one-standard-error choice", Axis("share of coordinates", limits=(0, 1.03))
    return draw("l1-support", title, [Panel(series)], layers(chosen["layer"]), y, height=2.9, legend=2)


def _frequencies(frequency: pd.Series[float], threshold: float) -> Drawing:
    """How often each coordinate is selected in half-samples, sorted: a plateau near 1 with a steep fall means a stable choice."""
    ordered = frequency.sort_values(ascending=False, ignore_index=True)
    steps, none = ordered.index + 1, [0.0] * len(ordered)
    series = Series("", steps, ordered, Look(BLUE), none, ordered, around="band", says="range", share=True, spoken_label="coordinates")
    stable, any_of = int((ordered >= threshold - ROUNDING).sum()), int((ordered > 0).sum())
    also = f"{stable} of {len(ordered)} coordinates reach the threshold, {any_of} are selected in any half-sample"
    level = Level(threshold, f"threshold {threshold:g}", LONG, share=True)
    x = Axis("coordinates, most often selected first", limits=(0.5, len(ordered) + 0.5))
    y, title = Axis("share of half-samples", limits=(0, 1.03)), "How often each coordinate is selected"
    return draw("l1-frequencies", title, [Panel([series], [level])], x, y, height=2.4, also=also)


def _rows(table: pd.DataFrame, layer: int, tokens: str) -> pd.DataFrame | None:
    part = table[(table["layer"] == layer) & (table["tokens"] == tokens)]
    return None if part.empty else part


def _stable(run: RunFolder, layer: int, tokens: str) -> list[Block]:
    """Stability selection: words and frequencies at the layer of the claims, a table of all layers."""
    table, frequencies = run.table("stability"), run.table("frequencies")
    chosen = None if table is None else table[table["chosen"] & (table["tokens"] == tokens)].sort_values("layer")
    if chosen is None or chosen.empty:
        return [Paragraph("Not run: no stability selection (stage discover), so which coordinates other clips would select is not known.")]
    at = chosen[chosen["layer"] == layer]
    blocks: list[Block] = []
    if not at.empty:
        row = {str(key): value for key, value in at.iloc[0].items()}
        often = None if frequencies is None else _rows(frequencies, layer, tokens)
        threshold = float(row["threshold"])
        held = nan if often is None else float((often["frequency"] >= threshold - ROUNDING).sum())
        blocks.append(Finding(stable_words(row, held, layer, tokens)))
        if often is not None:
            caption = (
                f"Layer {layer}, {tokens} tokens: share of {count(row['subsamples'])} random halves of the fit clips in which the L1 probe "
                f"at the one-standard-error choice gives a coordinate a non-zero weight; n = {len(often)} coordinates. Dashed: the "
                "threshold of a stable coordinate. Control: the support of permuted labels, in the table."
            )
            blocks.append(Figure(_frequencies(often["frequency"], threshold), caption))
    return [*blocks, _grid(run, chosen, tokens)]


def _grid(run: RunFolder, chosen: pd.DataFrame, tokens: str) -> Grid:
    thresholds = sorted(chosen["threshold"].dropna().unique())
    columns = (
        words("layer", lambda row: run.marked(row["layer"])),
        share("support", "support"),
        percentage("permuted labels", "permuted_support"),
        *declared("stability", "selected"),
        Column("stable", lambda row: Cell(percent(row["stable"]), exact(row["stable"]))),
        *declared("stability", false_bound="bound", subsamples="half-samples"),
    )
    caption = (
        f"Stability selection at the one-standard-error choice, {tokens} tokens. Support: mean over half-samples, brackets their middle "
        "95 %. Selected: mean number of coordinates. Stable: share of coordinates selected in at least "
        f"{' or '.join(map(percent, thresholds)) or ABSENT} of half-samples. "
        f"Bound: of {SELDOM}, at most so many are expected among the stable (Shah & Samworth 2013; n/a where it does not hold)."
    )
    return grid(chosen, columns, caption)
