"""Subspaces carried into another model: sentences, CE by dose, and the table."""

from __future__ import annotations

import pandas as pd

from jepascope.findings.carried import FLOORS, KEYS, Carried, carried_all, carried_sentence, directions
from jepascope.findings.names import EDITS, edit_name, in_order
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count, count_range, finite, shown, stacked
from jepascope.findings.selection import dose_words
from jepascope.report.blocks import Block, Figure, Grid, findings
from jepascope.report.charts.canvas import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILION
from jepascope.report.charts.curves import ZERO, Axis, Panel, Series, draw
from jepascope.report.charts.looks import Look
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, Row, beneath, grid, left_out, words
from jepascope.report.sections.retained import dose_cell

MOST_SENTENCES = 4
MOST_PANELS = 6
MOST_ROWS = 60


def transport_blocks(run: RunFolder, transport: pd.DataFrame, prefix: str) -> list[Block]:
    """What was carried, held against every floor; the figure shows the edit that is dosed (ablation), the table all of them."""
    subspaces, edit = carried_all(transport), in_order(transport["edit"], EDITS)[0]
    told = [carried for carried in subspaces if carried.row["edit"] == edit]
    first = [carried_sentence(carried) for carried in told if carried.row["finder"] == told[0].row["finder"]]
    blocks = findings(*directions(subspaces), *first[:MOST_SENTENCES])
    dosed = transport[transport["edit"] == edit]
    panels = _panels(dosed)
    if panels:
        draws = count_range(transport[transport["used"].isin(FLOORS)]["draws"])
        caption = (
            f"CE of {edit_name(edit)} in the target by its own read-out, n = {count_range(transport['n'])} test scenes; vertical lines: "
            f"{run.confidence}; {dose_words(run, edit)}. Filled: the target's native subspace and the carried one. Controls (hollow, at "
            "the dose where they were run): random subspaces of the source carried by the same map; maps fitted on shuffled pairs and on "
            "pairs shuffled within classes (which know the class and nothing else); random and variance-matched subspaces of the target, "
            f"mean of {draws} draws."
        )
        caption += left_out(len(panels), MOST_PANELS, "carried subspaces are in the table and in transport.parquet")
        title = f"Causal effect of carried subspaces in the other model ({edit_name(edit)})"
        x, y = Axis("dose (1 = the edit in full)", "dose"), Axis("CE in the target")
        blocks.append(Figure(draw(f"{prefix}transport", title, panels[:MOST_PANELS], x, y, across=2, legend=2), caption))
    return [*blocks, *([_grid(subspaces, run.confidence)] if subspaces else [])]


LOOKS = {
    "native": ("native in the target", Look(BLACK, "D", width=0.8)),
    "carried": ("carried by the map", Look(BLUE, "o", width=0.8)),
    "shuffled in class": ("map of pairs shuffled in class", Look(VERMILION, "s", "", hollow=True)),
    "shuffled pairs": ("map of shuffled pairs", Look(PURPLE, "v", "", hollow=True)),
    "random source": ("random source, same map", Look(GREEN, "X", "", hollow=True)),
    "variance": ("variance-matched in the target", Look(ORANGE, "^", "", hollow=True)),
    "random": ("random in the target", Look(GREY, "P", "", hollow=True)),
}


def _panels(rows: pd.DataFrame) -> list[Panel]:
    """One for each carried subspace, first finders first, so that directions and maps stand side by side; doses evenly spaced."""
    groups = [(dict(zip(KEYS, key, strict=True)), part) for key, part in rows.groupby(KEYS, sort=False, dropna=False)]
    order = {finder: number for number, finder in enumerate(dict.fromkeys(rows["finder"]))}
    groups.sort(key=lambda group: order[group[0]["finder"]])
    panels = []
    for at, part in groups:
        doses = sorted({float(dose) for dose in part["dose"]})
        part = part.assign(place=part["dose"].map({dose: float(number) for number, dose in enumerate(doses)}))
        series = [
            Series.of(own, "place", "value", label, look, shift=0.1 * (number - 3), says="range")
            for number, (used, (label, look)) in enumerate(LOOKS.items())
            if len(own := part[part["used"] == used])
        ]
        title = f"{at['source']} → {at['target']}\n{at['source_layer']:g} → {at['target_layer']:g}, {at['finder']}, {at['map']}"
        x = Axis("dose (1 = the edit in full)", "dose", range(len(doses)), [f"{dose:g}" for dose in doses], (-0.5, len(doses) - 0.5))
        panels.append(Panel(series, [ZERO], title, x=x))
    return panels


def _grid(subspaces: list[Carried], confidence: str) -> Grid:
    def floor(name: str) -> Column:
        return Column(name, lambda carried: _floor(carried.floors.get(name), carried.sides.get(name, "")))

    columns = (
        words("subspace, edit", lambda carried: f"{carried.row['finder']}, {carried.row['edit']}"),
        Column("dose", lambda carried: dose_cell(carried.row)),
        Column("RCE", lambda carried: stacked(cell_of(carried.row, "rce", strong=carried.beyond_all))),
        Column("CE carried", lambda carried: _effect(carried.row)),
        Column("CE native", lambda carried: _effect(carried.native)),
        *(floor(name) for name in FLOORS if any(name in carried.floors for carried in subspaces)),
        Column("class-free map", lambda carried: _class_free(carried.class_free)),
        Column("SAS", lambda carried: beneath(Cell(shown(carried.row["sas"])), "chance", shown(carried.row["sas_chance"]))),
    )
    caption = (
        "Carried subspaces at the largest dose where neither effect is saturated. RCE: CE carried over CE native, in the target and by its "
        "read-out (bold: above every floor). Floors: their mean CE, and whether the carried one lies above, within or below. Class-free "
        "map: the CE and RCE of the same subspace carried by a map fitted to class-centred pairs, which never saw the class. Brackets: "
        f"{confidence}. SAS with the native subspace: no unit, a property of the pair."
    )
    return grid(subspaces, columns, caption, _place, MOST_ROWS, "are in transport.parquet")


def _place(carried: Carried) -> str:
    """'nano layer 4 → nano-wide layer 5 (both), ridge (n = 80 test scenes)'."""
    row = carried.row
    choice = f" ({row['choice']})" if row["choice"] else ""
    return (
        f"{row['source']} layer {count(row['source_layer'])} → {row['target']} layer {count(row['target_layer'])}{choice}, {row['map']} "
        f"(n = {count(row['n'])} test scenes)"
    )


def _floor(row: Row | None, side: str) -> Cell | str:
    """A floor's mean CE and on which side of it the carried one lies; its interval stands in the figure, and behind the cell."""
    return ABSENT if row is None else Cell(f"{shown(row['value'])}\n{side}".strip(), cell_of(row).exact)


def _effect(row: Row | None) -> Cell:
    return Cell(ABSENT) if row is None else stacked(cell_of(row))


def _class_free(row: Row | None) -> Cell:
    return beneath(_effect(row), "RCE", shown(row["rce"]) if row is not None and finite(row["rce"]) else "")
