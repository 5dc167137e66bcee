"""Parts on real video: what of a folder was used and what was not, what leaving out one video at a time gives, and another run's subspaces
and read-out on it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.discovery.probes.readings import chosen_probes
from jepascope.findings.beside import readings_by, with_controls
from jepascope.findings.effect import stored_readings
from jepascope.findings.footage import footage_words, refused_otherwise
from jepascope.findings.names import short
from jepascope.findings.numbers import Cell, cell_of, count
from jepascope.findings.selection import comparable
from jepascope.findings.verdict import ratio_cell
from jepascope.findings.videos import LEFT_OUT, PUBLISHED, REAL, UNREADABLE, reach_words
from jepascope.report.blocks import Block, Finding, Grid, Heading, Paragraph
from jepascope.report.folder import RunFolder
from jepascope.report.grids import Column, beside_controls, declared, grid, words

MOST_REASONS = 30
EDITS = ("ablate", "swap")


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
        blocks.append(Paragraph(reach))
    rows = tuple((short(row["reason"], 300), count(row["count"])) for row in refused_otherwise(record)[:MOST_REASONS])
    if rows:
        caption = "What else is not used, by reason (files, or windows of files; of a kind the first is shown). refusals.parquet lists all."
        blocks.append(Grid(("reason", "count"), rows, caption))
    return blocks


def taken_names(run: RunFolder) -> dict[str, str]:
    """Another run's subspaces by the names of tables, with the finder of each; empty where none were taken."""
    taken = run.summary.get("carried")
    finders = taken.get("finders") if isinstance(taken, dict) else None
    return {str(name): str(finder) for name, finder in finders.items()} if isinstance(finders, dict) else {}


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
    rows = with_controls(wanted, readings_by(run))
    caption = (
        f"Ablation and swap at layer {run.best_layer}, dose 1: CE with its {run.confidence} over videos, and its ratio to the mean of each "
        f"control matched to the same subspace (≥: a lower bound). Names in brackets: found on {short(taken.get('clips'))} clips in the "
        f"run {short(taken.get('run'))}. Published for Kinetics, over random directions: {PUBLISHED} (another encoder)."
    )
    columns = (
        *declared("ce", "edit"),
        words("subspace (rank)", lambda row: f"{row['finder']} ({count(row['rank'])})"),
        *declared("ce", "n", value="CE"),
        *_ratios(rows),
    )
    title = f"Synthetic → real: {short(taken.get('clips'))} to {run.clips}"
    return [Heading(title), Finding(short(REAL.claim(run).sentence, 2000)), grid(rows, columns, caption)]


def left_out_blocks(run: RunFolder) -> list[Block]:
    """What leaving out one video at a time gives, beside the same figures of the split; nothing where it was not done."""
    left, split, ce, every = run.summary.get("leave_one_out"), run.table("probes"), run.table("ce"), run.table("leave_one_out")
    if not isinstance(left, dict) or split is None or ce is None or every is None or every.empty:
        return []
    try:
        sentence, read = LEFT_OUT.claim(run).sentence, left["accuracy"]
        videos, layers = count(left["videos"]), ", ".join(f"{layer} ({folds})" for layer, folds in left["layers"].items())
        accuracies = _dense_accuracy(run, split), cell_of(read)
    except UNREADABLE:
        return [Paragraph(LEFT_OUT.claim(run).sentence)]
    edits = [edit for edit in EDITS if (every["edit"] == edit).any()]
    here = comparable(run, ce[(ce["layer"] == run.best_layer) & ce["edit"].isin(edits)])
    here = here[here["finder"] == every["finder"].iloc[0]]
    parts = (("the split's test videos", here, readings_by(run)), (f"all {videos} in turn", every, stored_readings(left)))
    rows = [
        {**own, "tested": name, "accuracy": accuracy}
        for accuracy, (name, part, judges) in zip(accuracies, parts, strict=True)
        for own in with_controls(part, judges)
    ]
    finder = short(every["finder"].iloc[0])
    swapped = (
        "Held out with each video is the one of another class that its clips are swapped with."
        if "swap" in edits
        else "Swaps are left out: a donor would be a video that subspace or read-out has seen."
    )
    caption = (
        "In turn: each video is tested once, by layer, subspace, controls and read-out of the other videos alone (layers chosen: "
        f"{layers}; in brackets by how many folds). Accuracy: of a dense probe. CE of editing what {finder} finds, "
        f"with its {run.confidence} over n videos, and its ratio to the mean of each control matched to the same subspace (≥: a lower "
        "bound). Intervals take the videos as independent; folds share most of the videos that they learn from, so that they may be too "
        f"narrow. {swapped}"
    )
    columns = (
        words("tested", lambda row: str(row["tested"])),
        Column("accuracy", lambda row: row["accuracy"]),
        *(declared("ce", "edit") if len(edits) > 1 else ()),
        *declared("ce", "n", value="CE"),
        *_ratios(rows),
    )
    return [Heading("One video left out at a time"), Finding(short(sentence, 2000)), grid(rows, columns, caption)]


def _dense_accuracy(run: RunFolder, probes: pd.DataFrame) -> Cell:
    """Of the study's dense probe at the layer that claims are made for."""
    row = chosen_probes(probes, encoder="model", layer=run.best_layer, tokens=run.summary.get("tokens", "all")).iloc[0]
    return cell_of(row, "accuracy")


def _ratios(rows: list[dict[Any, Any]]) -> list[Column]:
    return beside_controls(rows, lambda _, against: ratio_cell(against))
