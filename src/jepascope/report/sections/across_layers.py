"""Across layers: subspaces found at one layer and used at the layer of the claims."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import count_range
from jepascope.findings.transfer_words import sentences
from jepascope.findings.transfers import alignments, found_at, split, transfers
from jepascope.report.blocks import Block, Figure, Finding, Paragraph
from jepascope.report.charts.canvas import GREY, Drawing
from jepascope.report.charts.curves import Axis, Level, Panel, Series, draw, layers
from jepascope.report.charts.looks import DOTTED, LONG, Look, numbered
from jepascope.report.sections.alignment import Pairs


def layer_blocks(pairs: Pairs) -> list[Block]:
    """Words, and SAS and RCE against the layer where a subspace was found; nothing where none was carried between layers."""
    table = pairs.portability[pairs.portability["across"] == "layer"]
    sas, moved = placed(alignments(table)), placed(transfers(table))
    if sas.empty and moved.empty:
        return []
    blocks: list[Block] = [Finding(text) for text in sentences(moved, "across layers")] if len(moved) else []
    used = count_range((moved if len(moved) else sas)["layer"])
    tests = f"n = {count_range(moved['n'])} test {pairs.run.units}" if len(moved) else "no transfer was run"
    caption = (
        f"Subspaces found at each layer and used at layer {used} (vertical line), held against the one found there. Left: SAS (no unit, a "
        "property of the pair); dotted: chance, dashed: split-half reference. Right: RCE at the largest dose where neither effect is "
        f"saturated (hollow: saturated at every dose), {tests}; vertical lines: {pairs.run.confidence}. Control: the RCE of "
        "variance-matched (dash-dotted) and random (dotted) subspaces, mean over finders."
    )
    return [*blocks, Figure(_by_layer_found(sas, moved, f"{pairs.prefix}across-layers"), caption), Paragraph(MEANING)]


MEANING = (
    "A residual stream carries a direction on unless something overwrites it, so a subspace of a near layer is expected to keep its "
    "effect; one that keeps it from far away points to a direction that the layers between leave alone."
)


def _by_layer_found(sas: pd.DataFrame, moved: pd.DataFrame, name: str) -> Drawing:
    """A line for each finder, left SAS, right RCE; none leads across the layer of use, where the value is 1 by definition."""
    finders = list(dict.fromkeys([*sas["finder"], *moved["finder"]]))

    def lines(rows: pd.DataFrame, **more: Any) -> list[Series]:
        made = []
        for number, finder in enumerate(finders):
            own, label = rows[rows["finder"] == finder], short(finder, LABEL)
            more |= {"shift": 0.06 * (number - (len(finders) - 1) / 2), "spoken_label": finder}
            sides = own[own["found_at"] < own["layer"]], own[own["found_at"] > own["layer"]]
            made += [Series.of(side, "found_at", "value", label, numbered(number), **more) for side in sides if len(side)]
        return made

    at = sorted({int(layer) for rows in (sas, moved) for layer in rows["layer"]})
    uses = [Level(float(layer), "", "-", upright=True, width=0.8) for layer in at]
    itself = Series("itself (1 by definition)", at, [1.0] * len(at), Look(marker="*", dash="", size=9), says="")
    below = [
        Level(sas["chance"].mean(), "SAS chance", DOTTED, GREY),
        Level(sas["ceiling"].mean(), "SAS split-half", LONG, GREY),
    ]
    floors: list[Level] = []
    least = 0.0
    if len(moved):
        floors = [
            Level(1.0, "RCE of the native subspace", "-", GREY),
            Level(moved["floor_random"].mean(), "RCE, random", (0, (2, 3))),
            Level(moved["floor_variance"].mean(), "RCE, variance-matched", (0, (8, 2, 1, 2))),
        ]
        least = min([0.0, *moved["low"].dropna(), *moved["value"].dropna()])
    note = "" if len(moved) and moved["value"].notna().any() else "no ratio"
    retained = Axis("RCE (effect retained)", limits=(least, None))
    panels = [
        Panel([*lines(sas, ends=()), itself], [*uses, *below], "SAS", y=Axis("SAS (alignment)", limits=(0, 1.05))),
        Panel([*lines(moved, where="saturated"), itself], [*uses, *floors], "RCE", y=retained, note=note),
    ]
    ticks = [*sas["found_at"], *sas["layer"], *moved["found_at"], *moved["layer"]]
    title = "Alignment and retained effect by the layer where a subspace was found"
    return draw(name, title, panels, layers(ticks, "found at layer"), Axis(), across=2, height=3.2)


def placed(rows: pd.DataFrame) -> pd.DataFrame:
    """With finder and found_at from the names; pairs that do not say a layer are left out."""
    if rows.empty:
        return rows.assign(finder="", found_at=0.0)
    names = [str(a if found_at(a) is not None else b) for a, b in zip(rows["a"], rows["b"], strict=True)]
    layers_of = pd.Series([found_at(name) for name in names], index=rows.index, dtype=float)
    return rows.assign(finder=[split(name)[0] for name in names], found_at=layers_of)[layers_of.notna()]
