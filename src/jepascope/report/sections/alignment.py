"""Alignment: SAS with chance and split-half reference, what two subspaces read, and the angles behind SAS; panels of one line a pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from jepascope.findings.beside import portability_of
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import count_range, of_each, shown
from jepascope.findings.transfers import alignments, beside_nulls, said_once, same_numbers, split
from jepascope.report.blocks import Block, Figure, Grid, findings
from jepascope.report.charts import heat_map
from jepascope.report.charts.canvas import GREY, PALE, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, key, whole
from jepascope.report.charts.heat_map import Map
from jepascope.report.charts.looks import DOTTED, Look, numbered
from jepascope.report.folder import RunFolder
from jepascope.report.grids import declared, grid, interval, number
from jepascope.report.sections.alignment_nulls import null_blocks, null_columns, null_words

MOST_ROWS = 60  # of one table
MOST_LINES = 6  # pairs that one panel can hold and a reader still tell apart

Lines = Callable[[pd.DataFrame, str, Look], Series]
Beside = Callable[[pd.DataFrame], tuple[list[Series], list[Level]]]


@dataclass(frozen=True)
class Pairs:
    """The tables of one folder whose pairs are shown, the run that they are of, and the beginning of its drawings' names."""

    portability: pd.DataFrame
    angles: pd.DataFrame | None
    run: RunFolder
    prefix: str = ""

    @property
    def exact_angles(self) -> bool:
        """Whether the random reference is the exact law: folders from before readings were measured hold a simulated one."""
        return bool((self.portability["metric"] == "readings").any())


def pairs_of(run: RunFolder) -> Pairs | None:
    """The run's own; None where no transfers were run."""
    table = portability_of(run)
    return None if table is None else Pairs(table, run.table("angles"), run)


def panels(rows: pd.DataFrame, line: Lines, beside: Beside, joined: str, either: bool) -> list[Panel]:
    """All pairs in one panel while they can be told apart there, named 'a ``joined`` b'; of more, a panel for each b (``either``: of a and
    b), in which the lines are those it is paired with, each with one look in all panels."""
    pairs = list(rows.groupby(["a", "b"], sort=False))
    if len(pairs) <= MOST_LINES:
        named = [(f"{short(a, LABEL)} {joined} {short(b, LABEL)}", own) for (a, b), own in pairs]
        more, levels = beside(rows)
        return [Panel([*(line(own, label, numbered(at)) for at, (label, own) in enumerate(named)), *more], levels)]
    names = list(dict.fromkeys([*rows["a"], *rows["b"]]))
    made: list[Panel] = []
    for name in names:
        own = rows[(rows["b"] == name) | ((rows["a"] == name) & either)]
        if own.empty:
            continue
        others = [(b if a == name and either else a, part) for (a, b), part in own.groupby(["a", "b"], sort=False)]
        keys = [] if made else [key(short(other, LABEL), numbered(at)) for at, other in enumerate(names)]
        lines = [line(part, short(other, LABEL), numbered(names.index(other))) for other, part in others]
        more, levels = beside(own)
        made.append(Panel([*keys, *lines, *more], levels, name if either else f"for {name}"))
    return made


def alignment_blocks(pairs: Pairs) -> list[Block]:
    """Which subspaces coincide, the SAS matrix of the pairs that the folder has most to say about, angles, and the table."""
    sas = alignments(pairs.portability)
    blocks = findings(*said_once(sas).values(), *beside_nulls(sas), *same_numbers(sas))
    main = sas[sas["across"] == "finder"]
    if not main.empty:
        caption = (
            f"SAS = |UᵀV|² / min(k) between finders at layer {count_range(main['layer'])}, rank {count_range(main['rank'])}, no unit. "
            f"Control: chance k/d = {of_each(main['chance'])}; split-half reference at half the clips {of_each(main['ceiling'])}. Values "
            "in the table."
        )
        blocks.append(Figure(_matrix(main, f"{pairs.prefix}sas-matrix"), caption))
    blocks += null_blocks(sas, pairs.prefix)
    return [*blocks, *_spectra(pairs), *([] if sas.empty else [_grid(sas, pairs.run.confidence)])]


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
    between = pairs.angles["across"] == "finder"
    main, rest = pairs.angles[between], pairs.angles[~between]
    if main.empty:
        main, rest = rest, main
    caption = (
        f"Principal angles in degrees, layer {count_range(main['layer'])}, one line for each pair (point values, no interval). {control}"
    )
    title = "Principal angles between subspaces"
    blocks: list[Block] = [Figure(_angles(panels(main, _line, _random, "and", either=True), f"{pairs.prefix}angles", title), caption)]
    if not rest.empty:
        caption = (
            "Principal angles in degrees between each finder's subspace and the one it finds elsewhere; a line for each pair, one look for "
            f"each finder (point values, no interval). {control}"
        )
        few = rest["across"].nunique() == 1 and len(rest.drop_duplicates(["a", "b"])) <= MOST_LINES
        drawn = panels(rest, _line, _random, "and", either=True) if few else _elsewhere(rest)
        title = title if few else "Principal angles to subspaces found elsewhere"
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
    alone = len(drawn) == 1
    indices = [value for panel in drawn for series in panel.series for value in series.x]
    x = Axis("principal angle, in rising order" if alone else "principal angle", ticks=whole(indices))
    y = Axis("degrees", ticks=(0, 30, 60, 90), limits=(0, 92))
    return draw(name, title, drawn, x, y, height=3.1 if alone else 0, legend=2 if alone else 3)


def _grid(sas: pd.DataFrame, confidence: str) -> Grid:
    columns = [*declared("portability", "a b layer rank"), number("SAS", "value")]
    columns += declared("portability", "chance calibrated", ceiling="split-half")
    caption = (
        "SAS of two given subspaces (a property of the pair, so it has no interval; what sampling does to it shows across data seeds). "
        "Calibrated: (SAS − chance) / (1 − chance). Split-half: the same finder on two halves of its clips. "
        "Subspaces found from all clips can exceed it, and finders compared on the same clips share their noise."
    )
    columns += null_columns(sas)
    caption += null_words(sas)
    if sas["readings"].notna().any():
        columns += [interval("readings", "readings"), number("readings, chance", "readings_chance")]
        caption += (
            " Readings: mean squared canonical correlation between what the two read (Uᵀh, pooled) on held-out test clips, n = "
            f"{count_range(sas['readings_n'])}; 1: the same numbers, however far apart the subspaces lie. Brackets: {confidence}; chance: "
            "clips paired at random."
        )
    return grid(sas, columns, caption, lambda row: f"across {row['across']}", MOST_ROWS, "pairs are in portability.parquet")
