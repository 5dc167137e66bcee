"""Parts on real video: what of a folder was used and what was not, and another run's subspaces and read-out on it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.intervention.claims import JudgeReading
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS
from jepascope.report.blocks import Block, Finding, Grid, Heading, Paragraph
from jepascope.report.effects import readings_by, rows_beside
from jepascope.report.folder import RunFolder
from jepascope.report.names import short
from jepascope.report.numbers import ABSENT, Cell, count, interval_cell
from jepascope.report.selection import comparable, in_order
from jepascope.report.verdict import ratio_cell
from jepascope.study.videos.words import PUBLISHED, carried_words, footage_words, reach_words, refused_otherwise

MOST_REASONS = 30
EDITS = ("ablate", "swap")
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)  # of what a stranger wrote into summary.json


def footage_blocks(run: RunFolder) -> list[Block]:
    """How many videos and windows were used, why others were not, and how labels were made; nothing for other clips."""
    record = run.summary.get("footage")
    if not isinstance(record, dict):
        return []
    try:
        blocks: list[Block] = [Paragraph(short(line, 2000)) for line in footage_words(record)]
    except UNREADABLE:
        return [Paragraph("What summary.json says of the videos (footage) cannot be read; run the study again with the same --out.")]
    if reach := reach_words(run.summary):
        blocks.append(Paragraph(reach.strip()))
    rows = tuple((short(row["reason"], 300), count(row["count"])) for row in refused_otherwise(record)[:MOST_REASONS])
    if rows:
        caption = "What else is not used, by reason (files, or windows of files; of a kind the first is shown). refusals.parquet lists all."
        blocks.append(Grid(("reason", "count"), rows, caption))
    return blocks


def taken_names(run: RunFolder) -> dict[str, str]:
    """Another run's subspaces by the names of tables, with the finder of each; empty where none were taken."""
    taken = run.summary.get("carried")
    found = taken.get("finders") if isinstance(taken, dict) else None
    return {str(name): str(finder) for name, finder in found.items()} if isinstance(found, dict) else {}


def effects_here(run: RunFolder) -> list[Block]:
    """CE of another run's subspaces on these videos beside those found here, and their ratio to every control."""
    taken, ce = run.summary.get("carried"), run.table("ce")
    if not isinstance(taken, dict) or ce is None:
        return []
    names = taken_names(run)
    here = comparable(run, ce[(ce["layer"] == run.best_layer) & ce["edit"].isin(EDITS)])
    wanted = here[here["finder"].isin([*names, *names.values()])]
    if wanted.empty:
        return []
    try:
        said = carried_words(run.summary).strip()
    except UNREADABLE:
        said = "What summary.json says of another run's subspaces (carried) cannot be read; their effects are in the table."
    controls = in_order(wanted[wanted["control"] != "subspace"]["control"], CONTROLS)
    judges = readings_by(run)
    rows = [_row(wanted, row, controls, judges) for row in wanted[wanted["control"] == "subspace"].to_dict("records")]
    caption = (
        f"Ablation and swap at layer {run.best_layer}, dose 1: CE with its {run.confidence} over videos, and its ratio to the mean of each "
        f"control matched to the same subspace (≥: a lower bound). Names in brackets: found on {short(taken.get('clips'))} clips in the "
        f"run {short(taken.get('run'))}. Published for Kinetics, over random directions: {PUBLISHED} (another encoder)."
    )
    head = ("edit", "subspace (rank)", "n", "CE", *(CONTROL_WORDS.get(name, name) for name in controls))
    return [
        Heading(f"Synthetic → real: {short(taken.get('clips'))} to {run.clips}"),
        Finding(short(said, 2000)),
        Grid(head, tuple(rows), caption, words=2),
    ]


def _row(ce: pd.DataFrame, row: dict[Any, Any], controls: list[str], judges: dict[str, JudgeReading]) -> tuple[Cell | str, ...]:
    beside = rows_beside(row, ce, judges)
    return (
        str(row["edit"]),
        f"{row['finder']} ({count(row['rank'])})",
        count(row["n"]),
        interval_cell(row["value"], row["low"], row["high"]),
        *(ratio_cell(beside[name]) if name in beside else ABSENT for name in controls),
    )
