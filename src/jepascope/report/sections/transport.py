"""Subspaces carried into another model: sentences, CE by dose, and the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from jepascope.findings.carried import FLOORS, KEYS, Carried, carried_all, carried_sentence, directions
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, shown, stacked
from jepascope.findings.selection import DONOR_DOSE_WORDS, EDIT_WORDS, EDITS, FULL_DOSE_WORDS, in_order
from jepascope.report.blocks import Block, Figure, Finding, Grid
from jepascope.report.figures.transport import transport_doses

MOST_SENTENCES = 4
MOST_PANELS = 6
MOST_ROWS = 60


def transport_blocks(transport: pd.DataFrame, confidence: str, twins: bool, prefix: str) -> list[Block]:
    """What was carried, held against every floor; the figure shows the edit that is dosed (ablation), the table all of them."""
    found = carried_all(transport)
    blocks: list[Block] = [Finding(text) for text in directions(found)]
    edit = in_order(transport["edit"], EDITS)[0]
    told = [one for one in found if one.row["edit"] == edit]
    first = [one for one in told if one.row["finder"] == told[0].row["finder"]]
    blocks += [Finding(carried_sentence(one)) for one in first[:MOST_SENTENCES]]
    panels = _panels(transport[transport["edit"] == edit])
    if panels:
        left = len(transport[transport["edit"] == edit].groupby(KEYS, dropna=False)) - len(panels)
        dose = (FULL_DOSE_WORDS if twins else DONOR_DOSE_WORDS).get(edit, "dose 1 is the edit in full")
        draws = count_range(transport[transport["used"].isin(FLOORS)]["draws"])
        caption = (
            f"CE of {EDIT_WORDS.get(edit, edit)} in the target by its own read-out, n = {count_range(transport['n'])} test scenes; "
            f"vertical lines: {confidence}; {dose}. Filled: the target's native subspace and the carried one. Controls (hollow, at the "
            "dose where they were run): random subspaces of the source carried by the same map; maps fitted on shuffled pairs and on "
            "pairs shuffled within classes (which know the class and nothing else); random and variance-matched subspaces of the target, "
            f"mean of {draws} draws."
        )
        if left > 0:
            caption += f" {left} more carried subspaces are in the table and in transport.parquet."
        blocks.append(Figure(transport_doses(panels, f"{prefix}transport", EDIT_WORDS.get(edit, edit)), caption))
    if found:
        blocks.append(_grid(found, confidence))
    return blocks


def _panels(rows: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """One for each carried subspace, first finders first, so that directions and maps stand side by side."""
    groups = [(dict(zip(KEYS, key, strict=True)), part) for key, part in rows.groupby(KEYS, sort=False, dropna=False)]
    order = {finder: number for number, finder in enumerate(dict.fromkeys(rows["finder"]))}
    groups.sort(key=lambda group: order[group[0]["finder"]])
    return [
        (
            f"{key['source']} → {key['target']}",
            f"{key['source_layer']:g} → {key['target_layer']:g}, {key['finder']}, {key['map']}",
            part,
        )
        for key, part in groups[:MOST_PANELS]
    ]


def _grid(found: list[Carried], confidence: str) -> Grid:
    floors = [name for name in FLOORS if any(name in one.floors for one in found)]
    rows: list[tuple[Cell | str, ...]] = []
    head = ""
    for one in found[:MOST_ROWS]:
        at = _place(one)
        if at != head:
            rows.append((Cell(at, strong=True),))
            head = at
        rows.append(_row(one, floors))
    caption = (
        "Carried subspaces at the largest dose where neither effect is saturated. RCE: CE carried over CE native, in the target and by its "
        "read-out (bold: above every floor). Floors: their mean CE, and whether the carried one lies above, within or below. Class-free "
        "map: the CE and RCE of the same subspace carried by a map fitted to class-centred pairs, which never saw the class. Brackets: "
        f"{confidence}. SAS with the native subspace: no unit, a property of the pair."
    )
    if len(found) > MOST_ROWS:
        caption += f" {len(found) - MOST_ROWS} more are in transport.parquet."
    return Grid(("subspace, edit", "dose", "RCE", "CE carried", "CE native", *floors, "class-free map", "SAS"), tuple(rows), caption)


def _place(one: Carried) -> str:
    """'nano layer 4 → nano-wide layer 5 (both), ridge (n = 80 test scenes)'."""
    row = one.row
    choice = f" ({row['choice']})" if row["choice"] else ""
    return (
        f"{row['source']} layer {count(row['source_layer'])} → {row['target']} layer {count(row['target_layer'])}{choice}, {row['map']} "
        f"(n = {count(row['n'])} test scenes)"
    )


def _row(one: Carried, floors: list[str]) -> tuple[Cell | str, ...]:
    row = one.row
    return (
        f"{row['finder']}, {row['edit']}",
        f"{row['dose']:g}{' (saturated)' if one.saturated else ''}",
        stacked(interval_cell(row["rce"], row["rce_low"], row["rce_high"], strong=one.beyond_all)),
        stacked(interval_cell(row["value"], row["low"], row["high"])),
        _effect(one.native),
        *(_floor(one.floors.get(name), one.sides.get(name, "")) for name in floors),
        _effect(one.class_free, _kept(one)),
        Cell(f"{shown(row['sas'])}\nchance {shown(row['sas_chance'])}" if finite(row["sas"]) else ABSENT),
    )


def _kept(one: Carried) -> str:
    """RCE of the class-free subspace."""
    return f"RCE {shown(one.class_free['rce'])}" if one.class_free is not None and finite(one.class_free["rce"]) else ""


def _floor(row: Mapping[Any, Any] | None, said: str) -> Cell | str:
    """A floor's mean CE and on which side of it the carried one lies; its interval stands in the figure, and behind the cell."""
    return (
        ABSENT
        if row is None
        else Cell(f"{shown(row['value'])}\n{said}".strip(), interval_cell(row["value"], row["low"], row["high"]).exact)
    )


def _effect(row: Mapping[Any, Any] | None, said: str = "") -> Cell | str:
    if row is None:
        return ABSENT
    cell = stacked(interval_cell(row["value"], row["low"], row["high"]))
    return replace(cell, text=f"{cell.text}\n{said}") if said else cell
