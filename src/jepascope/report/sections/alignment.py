"""Alignment: SAS with chance and split-half reference, what two subspaces read, and the angles behind SAS."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from jepascope.findings.alignment import _same_numbers, said_once
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import ABSENT, count_range, finite, shown
from jepascope.findings.transfers import alignments, split
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.charts import heat_map
from jepascope.report.charts.canvas import GREY, PALE, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, key, whole
from jepascope.report.charts.heat_map import Map
from jepascope.report.charts.looks import DOTTED, Look, numbered
from jepascope.report.grids import counted, grid, interval, number, words
from jepascope.report.sections.pairs import MOST_LINES, Pairs, panels

MOST_ROWS = 60  # of one table


def alignment_blocks(pairs: Pairs) -> list[Block]:
    """Which subspaces coincide, the SAS matrix of the pairs that the folder has most to say about, angles, and the table."""
    sas = alignments(pairs.portability)
    blocks: list[Block] = [Finding(sentence) for sentence in [*said_once(sas).values(), *_same_numbers(sas)]]
    main = sas[sas["across"] == "finder"]
    if not main.empty:
        caption = (
            f"SAS = |UᵀV|² / min(k) between finders at layer {count_range(main['layer'])}, rank {count_range(main['rank'])}, no unit. "
            f"Control: chance k/d = {values(main['chance'])}; split-half reference at half the clips "
            f"{values(main['ceiling'])}. Values in the table."
        )
        blocks.append(Figure(_matrix(main, f"{pairs.prefix}sas-matrix"), caption))
    blocks += _spectra(pairs)
    return blocks if sas.empty else [*blocks, _grid(sas, pairs.confidence)]


def _matrix(sas: pd.DataFrame, name: str) -> Drawing:
    """SAS of every pair; the diagonal is a subspace with itself."""
    names = list(dict.fromkeys([*sas["a"], *sas["b"]]))
    cells = np.full((len(names), len(names)), np.nan)
    for a, b, value in zip(sas["a"], sas["b"], sas["value"], strict=True):
        cells[names.index(a), names.index(b)] = cells[names.index(b), names.index(a)] = value
    itself = {(at, at): "1 (itself)" for at in range(len(names))}
    np.fill_diagonal(cells, 1.0)
    also = f"Chance {shown(sas['chance'].mean())}"
    return heat_map.draw(name, "SAS between finders", [Map(cells, names, names, texts=itself)], most_numbered=40, also=also)


def _spectra(pairs: Pairs) -> list[Block]:
    if pairs.angles is None or pairs.angles.empty:
        return []
    law = "grey band their central 95 % (exact law of random subspaces, no simulation)" if pairs.exact_angles else "grey band their range"
    control = f"Control: random subspaces of the same ranks in the same space, dotted line the mean, {law}."
    main = pairs.angles[pairs.angles["across"] == "finder"]
    rest = pairs.angles[pairs.angles["across"] != "finder"]
    if main.empty:
        main, rest = rest, main
    caption = (
        f"Principal angles in degrees, layer {count_range(main['layer'])}, one line for each pair (point values, no interval). {control}"
    )
    drawn = panels(main, _line, _random, "and", either=True)
    blocks: list[Block] = [Figure(_angles(drawn, f"{pairs.prefix}angles", "Principal angles between subspaces"), caption)]
    if not rest.empty:
        caption = (
            "Principal angles in degrees between each finder's subspace and the one it finds elsewhere; a line for each pair, one look for "
            f"each finder (point values, no interval). {control}"
        )
        few = rest["across"].nunique() == 1 and len(rest.drop_duplicates(["a", "b"])) <= MOST_LINES
        drawn = panels(rest, _line, _random, "and", either=True) if few else _elsewhere(rest)
        title = "Principal angles between subspaces" if few else "Principal angles to subspaces found elsewhere"
        blocks.append(Figure(_angles(drawn, f"{pairs.prefix}angles-elsewhere", title), caption))
    return blocks


def _elsewhere(angles: pd.DataFrame) -> list[Panel]:
    """A panel for each thing that subspaces were carried across; a finder has one look in all of them, whatever it was carried to."""
    finders = list(dict.fromkeys(split(str(a))[0] for a in angles["a"]))
    made: list[Panel] = []
    for across, own in angles.groupby("across", sort=False):
        keys = [] if made else [key(short(finder, LABEL), numbered(at)) for at, finder in enumerate(finders)]
        lines = []
        for (a, b), rows in own.groupby(["a", "b"], sort=False):
            look = replace(numbered(finders.index(split(str(a))[0])), width=1.0, size=3)
            lines.append(replace(_line(rows, "", look), spoken_label=f"{a} and {b}"))
        more, levels = _random(own)
        made.append(Panel([*keys, *lines, *more], levels, f"across {across}", x=Axis("principal angle", ticks=whole(own["index"]))))
    return made


def _line(rows: pd.DataFrame, label: str, look: Look) -> Series:
    return Series.of(rows, "index", "degrees", label, look, ends=(), says="range")


def _random(angles: pd.DataFrame) -> tuple[list[Series], list[Level]]:
    """Angles of random subspaces of the same ranks: mean and central range."""
    mean = angles.groupby("index")[["random_mean", "random_low", "random_high"]].mean().reset_index()
    ends, look = ("random_low", "random_high"), Look(GREY, dash=DOTTED)
    return [Series.of(mean, "index", "random_mean", "random subspaces", look, ends, around="band", fill=PALE, says="range")], []


def _angles(drawn: list[Panel], name: str, title: str) -> Drawing:
    one = len(drawn) == 1
    indices = [value for panel in drawn for series in panel.series for value in series.x]
    x = Axis("principal angle, in rising order" if one else "principal angle", ticks=whole(indices))
    y = Axis("degrees", ticks=(0, 30, 60, 90), limits=(0, 92))
    return draw(name, title, drawn, x, y, height=3.1 if one else 0, legend=2 if one else 3)


def values(column: pd.Series[float]) -> str:
    """'0.1 to 0.3', of what is known."""
    known = [shown(value) for value in sorted({float(value) for value in column if finite(float(value))})]
    return ABSENT if not known else known[0] if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def _grid(sas: pd.DataFrame, confidence: str) -> Grid:
    columns = [words("a", "a"), words("b", "b"), counted("layer", "layer"), counted("rank", "rank"), number("SAS", "value")]
    columns += [number("chance", "chance"), number("calibrated", "calibrated"), number("split-half", "ceiling")]
    caption = (
        "SAS of two given subspaces (a property of the pair, so it has no interval; what sampling does to it shows across data seeds). "
        "Calibrated: (SAS − chance) / (1 − chance). Split-half: the same finder on two halves of its clips. "
        "Subspaces found from all clips can exceed it, and finders compared on the same clips share their noise."
    )
    if sas["readings"].notna().any():
        columns += [interval("readings", "readings"), number("readings, chance", "readings_chance")]
        caption += (
            " Readings: mean squared canonical correlation between what the two read (Uᵀh, pooled) on held-out test clips, n = "
            f"{count_range(sas['readings_n'])}; 1: the same numbers, however far apart the subspaces lie. Brackets: {confidence}; chance: "
            "clips paired at random."
        )
    return grid(sas, columns, caption, lambda row: f"across {row['across']}", MOST_ROWS, "pairs are in portability.parquet")
