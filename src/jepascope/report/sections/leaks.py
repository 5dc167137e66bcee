"""Section: what can be read without motion."""

from __future__ import annotations

import pandas as pd

from jepascope.discovery.probes.leaks import leak_verdict, leak_words
from jepascope.findings.numbers import Cell
from jepascope.report.blocks import Block, Finding, Paragraph, section
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, counted, grid, percentage, share, words

WHY = (
    "A single end frame must leak something: displacement is last position minus first, so with a centred path the first position points "
    "away from the motion and the last position along it. The two cannot both be independent of direction while the midpoint is. "
    "Shuffled and averaged frames keep the set of positions and lose its order: they still show the axis of the motion but not which "
    "way along it, so a perfect reader of them names one of two opposite directions and is right half of the time. "
)
PRINTED = (
    "The column 'explained' prints these limits: for an end frame, what its position alone gives away; for shuffled and averaged frames "
    "of directions, the axis's 50 %. A baseline whose interval lies above its limit shows something else than position or axis."
)
STILL = (
    "Whether a baseline should be at chance depends on the variable. One that a single frame shows (colour, shape, size, place) is read "
    "from it, and a 'leak' then says only that no motion is needed; for one that is motion, a leak is a shortcut past the motion."
)
UNPRINTED = "Above 50 % the way along the axis would leak; between chance and 50 % the axis does."


@section("leaks", "Leak check", needs=("leaks",), absent="no leak check in this run folder")
def leaks(run: RunFolder, table: pd.DataFrame) -> list[Block]:
    """Every baseline that has no motion left to read, with its verdict."""
    known = bool(table["explained"].notna().any())
    columns = [
        words("what the probe sees", lambda row: str(row["baseline"]).replace("_", " ")),
        share("accuracy"),
        percentage("chance"),
    ]
    columns += [percentage("explained", "explained")] if known else []
    columns += [counted("n", "n"), Column("verdict", lambda row: Cell(leak_verdict(row), strong=bool(row["leak"])))]
    caption = f"Probe accuracy on test clips whose motion was taken away. Brackets: {run.confidence}."
    caption += " Explained: the accuracy that position or axis alone can reach." if known else ""
    why = Paragraph(WHY + (PRINTED if known else UNPRINTED) if run.is_direction else STILL)
    return [Finding(leak_words(table.to_dict("records"), run.noun)), grid(table, columns, caption), why]
