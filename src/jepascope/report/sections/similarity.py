"""How alike two models are: CKA over layers, and held-out CCA and maps at the layer pairs that were chosen."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.carried import cca_words
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import Cell, count, count_range, finite, interval_cell, number_cell, shown
from jepascope.report.blocks import Block, Figure, Grid, findings
from jepascope.report.charts.canvas import BLUE, Drawing
from jepascope.report.charts.heat_map import Frame, Map, draw
from jepascope.report.charts.looks import Dash
from jepascope.report.grids import Column, Row, declared, grid, left_out, words

METRICS = {
    "cca": "CCA, held out",
    "cca_in_sample": "CCA, in sample",
    "cka": "CKA",
    "ridge_r2": "ridge map, R²",
    "procrustes_r2": "Procrustes map, R²",
}
CHOICES: dict[str, Dash] = {"relative depth": "-", "best match": (0, (3, 1.5)), "both": "-"}
PLACE = ["source", "target", "source_layer", "target_layer"]
MOST_PLACES = 12


def chosen_pairs(similarity: pd.DataFrame | None, transport: pd.DataFrame | None) -> pd.DataFrame:
    """Layer pairs that were chosen, with the choice: those that subspaces were carried between, else those that CCA was run for."""
    if transport is not None:
        return transport[[*PLACE, "choice"]].drop_duplicates(PLACE)
    if similarity is None:
        return pd.DataFrame(columns=[*PLACE, "choice"])
    return similarity[similarity["metric"] != "cka"][PLACE].drop_duplicates().assign(choice="")


def similarity_blocks(similarity: pd.DataFrame, pairs: pd.DataFrame, confidence: str, prefix: str) -> list[Block]:
    """Sentences on CCA beside its two chance levels, the map of CKA, and the table of the chosen pairs."""
    blocks = findings(*cca_words(similarity))
    cka = similarity[similarity["metric"] == "cka"]
    if not cka.empty:
        first = cka.iloc[0]
        pair = cka[(cka["source"] == first["source"]) & (cka["target"] == first["target"])]
        control = (
            f"Control: shuffled pairs of clips give {shown(pair['chance'].mean())} on average. " if pair["chance"].notna().any() else ""
        )
        caption = (
            f"Linear CKA of pooled activations on held-out clips, n = {count_range(pair['n'])} (no unit, 1: the same up to rotation and "
            f"scale; point values). {control}Dotted line: layers of the same relative depth. Frames: layer pairs that subspaces were "
            f"carried between (wide: {first['source']} to {first['target']}, narrow: back)."
        )
        blocks.append(Figure(_map(pair, pairs, f"{prefix}cka"), caption))
    grid = _grid(similarity, pairs, confidence)
    return [*blocks, grid] if grid.rows else blocks


def _map(cka: pd.DataFrame, pairs: pd.DataFrame, name: str) -> Drawing:
    """CKA of every layer of one model with every layer of the other; a frame around each chosen pair: wide for source to target, narrow
    for the way back."""
    source, target = str(cka["source"].iloc[0]), str(cka["target"].iloc[0])
    cells = cka.pivot_table(index="source_layer", columns="target_layer", values="value", aggfunc="first", dropna=False)
    down, across = [int(layer) for layer in cells.index], [int(layer) for layer in cells.columns]
    frames = []
    for row in pairs.to_dict("records"):
        there = row["source"] == source and row["target"] == target
        pair, other, choice = int(row["source_layer"]), int(row["target_layer"]), str(row["choice"])
        i, j = (pair, other) if there else (other, pair)
        if i not in down or j not in across or {row["source"], row["target"]} != {source, target}:
            continue
        look: Any = {"color": BLUE, "width": 2.2} if there else {"width": 1.6, "inset": 0.13}
        label = f"{choice or 'chosen'}, {'to' if there else 'from'} {short(target, LABEL)}"
        spoken = f"{row['source']} layer {pair} to {row['target']} layer {other} chosen ({choice})"
        frames.append(Frame(down.index(i), across.index(j), dash=CHOICES.get(choice, (0, (1, 1))), label=label, spoken=spoken, **look))
    values = cells.to_numpy(dtype=float)
    one_map = Map(values, [*map(str, down)], [*map(str, across)], frames=frames, missing="")
    across_of, down_of = (f"layer of {short(model, LABEL)}" for model in (target, source))
    title = f"CKA between {short(source, LABEL)} and {short(target, LABEL)}, layer by layer"
    return draw(name, title, [one_map], across_of, down_of, bar="CKA", diagonal="same relative depth", also=f"Rows: layers of {source}")


def _grid(similarity: pd.DataFrame, pairs: pd.DataFrame, confidence: str) -> Grid:
    rows = []
    for place in pairs.head(MOST_PLACES).to_dict("records"):
        at = similarity[
            (similarity[PLACE] == pd.Series(place)[PLACE]).all(axis=1)
        ]  # CKA, the same in either direction, may be stored in one
        choice = f" ({place['choice']})" if place["choice"] else ""
        head = f"{place['source']} layer {count(place['source_layer'])} → {place['target']} layer {count(place['target_layer'])}{choice}"
        by = at.drop_duplicates("metric").assign(head=head).to_dict("records")
        rows += sorted(by, key=lambda row: list(METRICS).index(row["metric"]) if row["metric"] in METRICS else len(METRICS))
    columns = (
        words("measure", lambda row: METRICS.get(row["metric"], row["metric"])),
        Column("value", lambda row: _cell(row["value"], row["low"], row["high"])),
        Column("shuffled pairs", lambda row: _null(row, "chance", "chance")),
        Column("shuffled in class", lambda row: _null(row, "label_chance", "label")),
        *declared("similarity", "n", components="axes"),
    )
    caption = (
        "The chosen layer pairs on held-out clips (no unit; 1: the same). CCA: mean canonical correlation with axes fitted on fit clips; "
        "in sample: the same on the clips it was fitted on, which is too high and stands here as a warning. R²: of the target's "
        "activations as predicted by the map. Shuffled pairs: clips paired at random; in class: paired at random within a class, what "
        f"the label alone explains. Brackets: {confidence}; of shuffled pairs the central 95 %. Axes: of PCA before the fit (0: none)."
    )
    caption += left_out(len(pairs), MOST_PLACES, "pairs are in similarity.parquet")
    return grid(rows, columns, caption, lambda row: str(row["head"]))


def _null(row: Row, value: str, ends: str) -> Cell:
    return _cell(row[value], row[f"{ends}_low"], row[f"{ends}_high"])


def _cell(value: float, low: float, high: float) -> Cell:
    """With its interval where it has one."""
    return interval_cell(value, low, high) if finite(value) and finite(low) and finite(high) else number_cell(value)
