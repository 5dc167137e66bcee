"""Simple -> complex: the study's subspaces and its read-out on clips of another set."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from jepascope.findings.dissociation import judged
from jepascope.findings.fresh import Share
from jepascope.findings.numbers import ABSENT, Cell, count, count_range, finite, interval_cell, percent, percent_span, shown, stacked
from jepascope.findings.transfer_words import sentences
from jepascope.findings.transfers import alignments, split, transfers
from jepascope.report.blocks import Block, Finding, Grid, Heading, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.sections.alignment import MOST_ROWS
from jepascope.report.sections.pairs import Pairs
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
        own = sas[[_set_of(row) == name for row in sas.to_dict("records")]]
        carried = moved[[_set_of(row) == name for row in moved.to_dict("records")]] if len(moved) else moved
        blocks.append(Heading(title))
        if len(carried):
            blocks += [Finding(text) for text in sentences(carried, f"from {name} clips" if here else f"to {name} clips")]
        else:
            blocks.append(Paragraph(f"No transfer to {name} clips was intervened on; only alignment is known."))
        blocks.append(_grid(own, carried, *((run.clips, name) if here else (name, "the study's")), pairs))
    if readout is not None:
        if not names:
            blocks.append(Heading("The read-out on other clips"))
        blocks += [Finding(text) for text in carried_words(readout, run.clips)]
        blocks.append(_readout_grid(readout, run.confidence))
    return blocks


def _set_of(row: dict[Hashable, object]) -> str:
    """The clip set that one of the two names says in brackets."""
    return split(str(row["b"]))[1] or split(str(row["a"]))[1] or "other clips"


def _grid(sas: pd.DataFrame, moved: pd.DataFrame, name: str, of: str, pairs: Pairs) -> Grid:
    """``name``: the clips that subspaces are used on; ``of``: those that they are from."""
    rows: list[tuple[Cell | str, ...]] = []
    geometry = sas.rename(columns={"value": "sas", "chance": "sas_chance", "ceiling": "sas_ceiling"})
    for row in (moved if len(moved) else geometry).head(MOST_ROWS).to_dict("records"):
        effect: tuple[Cell | str, ...] = ("", "", "", "", "")
        if len(moved):
            effect = (
                dose_cell(row),
                stacked(interval_cell(row["value"], row["low"], row["high"])),
                stacked(floor_cell(row, "floor_random")),
                stacked(variance_cell(row)),
                judged(row).kind,
            )
        angle = f"{shown(row['sas'])}\nchance {shown(row['sas_chance'])}\nsplit-half {shown(row['sas_ceiling'])}"
        rows.append((str(row["a"]), str(row["b"]), Cell(angle, exact(row["sas"])), readings_cell(row), *effect))
    head = ("a (used)", "b (native)", "SAS", "readings", "dose", "RCE", "random", "variance-matched", "shows")
    caption = (
        f"Subspaces of {of} clips in place of those found on {name} clips. RCE: judged on the test {pairs.units} of the {name} clips "
        f"(n = {count_range(moved['n']) if len(moved) else ABSENT}) by a probe trained on their own judge split, at the largest dose where "
        f"neither effect is saturated. Brackets: {pairs.confidence}. Random, variance-matched: the RCE of such subspaces; Δ: RCE less that "
        f"of variance-matched ones, paired by {pairs.units[:-1]}. SAS: no unit, a property of the pair."
    )
    return Grid(head, tuple(rows), caption, words=2)


def readings_cell(row: dict[Any, Any]) -> Cell:
    """What the two read, its interval, and chance."""
    if not finite(row["readings"]):
        return Cell(ABSENT)
    cell = stacked(interval_cell(row["readings"], row["readings_low"], row["readings_high"]))
    return Cell(f"{cell.text}\nchance {shown(row['readings_chance'])}", cell.exact)


def exact(value: Any) -> str:
    """The stored number behind a shown one."""
    return repr(float(value)) if finite(value) else ""


def carried_words(readout: pd.DataFrame, study: str) -> list[str]:
    """For each other clip set, whether the read-out trained on the study's clips still reads there, beside their own and chance."""
    said = []
    for clips, rows in readout.groupby("clips", sort=False):
        carried, own = rows[rows["probe_from"] != clips], rows[rows["probe_from"] == clips]
        if carried.empty:
            continue
        row = carried.iloc[0]
        theirs, mine = Share(row["accuracy"], row["low"], row["high"]), Share()
        if len(own):
            mine = Share(*(own.iloc[0][key] for key in ("accuracy", "low", "high")))
        said.append(
            f"The read-out trained on {row['probe_from'] or study} clips is right for {theirs} of the {clips} clips; chance "
            f"{percent(row['chance'])}, a read-out of their own {mine}. {_carried(theirs, mine, float(row['chance']))}"
        )
    return said


def _carried(theirs: Share, own: Share, chance: float) -> str:
    if not (finite(theirs.low) and finite(chance)):
        return "Without an interval nothing is said."
    if theirs.low <= chance:
        return "Nothing above chance is carried over by the read-out; whether the subspace is, RCE says."
    word = theirs.below(own)
    if word == "below":
        return f"It carries over in part: {percent((theirs.value - chance) / (own.value - chance))} of what theirs has above chance."
    return "It carries over above chance" + ("." if word == "unknown" else f", {word} their own.")


def _readout_grid(readout: pd.DataFrame, confidence: str) -> Grid:
    rows = tuple(
        (
            str(row["clips"]),
            str(row["probe_from"]),
            count(row["layer"]),
            f"{percent(row['accuracy'])} {percent_span(row['low'], row['high'])}",
            percent(row["chance"]),
            count(row["n"]),
        )
        for row in readout.head(MOST_ROWS).to_dict("records")
    )
    caption = f"Read-out (dense probe) trained on the judge clips of one set and scored on test clips: accuracy. Brackets: {confidence}."
    return Grid(("test clips", "trained on", "layer", "accuracy", "chance", "n"), rows, caption, words=2)
