"""Simple -> complex: the study's subspaces and its read-out on clips of another set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from jepascope.findings.dissociation import judged
from jepascope.findings.fresh import carried_words
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count_range, exact, finite, shown, stacked
from jepascope.findings.transfer_words import sentences
from jepascope.findings.transfers import alignments, split, transfers
from jepascope.report.blocks import Block, Finding, Grid, Heading, Paragraph, findings
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, beneath, counted, declared, grid, percentage, share
from jepascope.report.sections.alignment import MOST_ROWS, Pairs
from jepascope.report.sections.retained import dose_cell, floor_cell, variance_cell
from jepascope.report.sections.videos import effects_here, taken_names

CLIP_SET = "clip set"


def clip_set_blocks(run: RunFolder, pairs: Pairs) -> list[Block]:
    """A part for each other clip set, and one for the read-out that was carried over; nothing where no other set was used."""
    table = pairs.portability[pairs.portability["across"] == CLIP_SET]
    sas, moved, readout = alignments(table), transfers(table), run.table("carried_readout")
    names = list(dict.fromkeys(_set_of(row) for part in (moved, sas) for row in part.to_dict("records")))
    taken = {split(name)[1] for name in taken_names(run)}
    blocks: list[Block] = effects_here(run)
    for name in names:
        here = name in taken
        title = f"Simple → complex: {run.clips} to {name}" if name == "complex" else f"Other clips: {run.clips} to {name}"
        title = f"Retained effect: {name} in place of {run.clips}" if here else title
        own, carried = (rows[[_set_of(row) == name for row in rows.to_dict("records")]] if len(rows) else rows for rows in (sas, moved))
        blocks.append(Heading(title))
        if len(carried):
            blocks += findings(*sentences(carried, f"from {name} clips" if here else f"to {name} clips"))
        else:
            blocks.append(Paragraph(f"No transfer to {name} clips was intervened on; only alignment is known."))
        blocks.append(_grid(own, carried, *((run.clips, name) if here else (name, "the study's")), pairs))
    if readout is None:
        return blocks
    caption = (
        f"Read-out (dense probe) trained on the judge clips of one set and scored on test clips: accuracy. Brackets: {run.confidence}."
    )
    columns = (
        *declared("carried_readout", clips="test clips", probe_from="trained on", layer="layer"),
        share("accuracy"),
        percentage("chance"),
        counted("n", "n"),
    )
    lead = [] if names else [Heading("The read-out on other clips")]
    return [*blocks, *lead, *map(Finding, carried_words(readout, run.clips)), grid(readout.head(MOST_ROWS), columns, caption)]


def _set_of(row: Mapping[Any, Any]) -> str:
    """The clip set that one of the two names says in brackets."""
    return split(str(row["b"]))[1] or split(str(row["a"]))[1] or "other clips"


def _grid(sas: pd.DataFrame, moved: pd.DataFrame, name: str, of: str, pairs: Pairs) -> Grid:
    """``name``: the clips that subspaces are used on; ``of``: those that they are from."""
    geometry = sas.rename(columns={"value": "sas", "chance": "sas_chance", "ceiling": "sas_ceiling"})
    effect: dict[str, Callable[[Any], Cell | str]] = {
        "dose": dose_cell,
        "RCE": lambda row: stacked(cell_of(row)),
        "random": lambda row: stacked(floor_cell(row, "floor_random")),
        "variance-matched": lambda row: stacked(variance_cell(row)),
        "equal norm": lambda row: stacked(cell_of(row, "norm")) if finite(row["norm"]) else ABSENT,
        "shows": lambda row: judged(row).kind,
    }
    columns = (
        *declared("portability", a="a (used)", b="b (native)"),
        Column("SAS", _angle),
        Column("readings", lambda row: beneath(stacked(cell_of(row, "readings")), "chance", shown(row["readings_chance"]))),
        *(Column(head, cell if len(moved) else _blank) for head, cell in effect.items()),
    )
    caption = (
        f"Subspaces of {of} clips in place of those found on {name} clips. RCE: judged on the test {pairs.run.units} of the {name} clips "
        f"(n = {count_range(moved['n']) if len(moved) else ABSENT}) by a probe trained on their own judge split, at the largest dose where "
        f"neither effect is saturated. Brackets: {pairs.run.confidence}. Random, variance-matched: the RCE of such subspaces; Δ: RCE less "
        f"that of variance-matched ones, paired by {pairs.run.units[:-1]}. Equal norm: RCE at equal token norm. "
        "SAS: no unit, a property of the pair."
    )
    return grid((moved if len(moved) else geometry).head(MOST_ROWS), columns, caption)


def _angle(row: Any) -> Cell:
    return Cell(f"{shown(row['sas'])}\nchance {shown(row['sas_chance'])}\nsplit-half {shown(row['sas_ceiling'])}", exact(row["sas"]))


def _blank(row: Any) -> str:
    """Where no transfer was intervened on."""
    return ""
