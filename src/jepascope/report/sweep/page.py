"""A sweep as a page and as data: every cell with what it found or why it failed; then, of cells that can be compared, the tests."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jepascope.errors import JepascopeError
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import json_values
from jepascope.report.blocks import Block, Finding, Grid, Paragraph, Section
from jepascope.report.build import render_page, write_whole
from jepascope.report.compare.reading import read_runs
from jepascope.report.compare.tested import ComparisonTables, comparison_tables
from jepascope.report.compare.tested_words import METHOD, grids, sentences
from jepascope.report.opened import opened
from jepascope.stats import holm
from jepascope.study.sweep.cells import MOST_CELLS, Cell
from jepascope.study.sweep.run import DATA, PAGE, Outcome, State

SCHEMA = 1
STATES: dict[State, str] = {
    "finished": "finished",
    "failed": "failed",
    "elsewhere": "run by another process",
    "waiting": "not run yet",
    "running": "running",
}


@dataclass(frozen=True)
class Family:
    """Cells on the same variable and clips: what can be set against each other. ``refused``: why they were not, "" otherwise."""

    about: str
    runs: int
    tests: ComparisonTables
    refused: str = ""


def build_sweep(outcomes: Sequence[Outcome], out: Path) -> Path:
    """Write sweep.html and sweep.json of a sweep's folder; returns the page's path."""
    families = families_of(outcomes, out)
    data = {
        "schema": SCHEMA,
        "kind": "sweep",
        "cells": [outcome.stored() for outcome in outcomes],
        "compared": list(map(_compared, families)),
    }
    write_whole(out / DATA, json.dumps(json_values(data), ensure_ascii=False, indent=1) + "\n")
    sections = [cells_section(outcomes), *(_section(number, family) for number, family in enumerate(families))]
    chapters = [opened(f"chapter-{section.anchor}", section.title, [section]) for section in sections]
    return write_whole(out / PAGE, render_page("sweep.html.j2", chapters, byline=counted(outcomes)))


def counted(outcomes: Iterable[Outcome]) -> str:
    """'10 finished, 2 failed'."""
    counts = Counter(outcome.state for outcome in outcomes)
    return ", ".join(f"{counts[state]} {words}" for state, words in STATES.items() if counts[state])


def families_of(outcomes: Sequence[Outcome], out: Path) -> list[Family]:
    """Finished cells by what they are about, two or more of each; p is corrected over the comparisons of all of them."""
    by_subject: dict[str, list[Cell]] = {}
    for outcome in outcomes:
        if outcome.state == "finished":
            by_subject.setdefault(_subject(outcome.cell), []).append(outcome.cell)
    families = [_family(about, cells, out) for about, cells in by_subject.items() if len(cells) > 1]
    together = np.concatenate([family.tests.comparisons["p"].to_numpy(np.float64) for family in families] or [np.zeros(0)])
    corrected, start, made = np.asarray(holm(together)), 0, []
    for family in families:
        many = len(family.tests.comparisons)
        comparisons = family.tests.comparisons.assign(p_holm=corrected[start : start + many])
        made.append(replace(family, tests=replace(family.tests, comparisons=comparisons)))
        start += many
    return made


def _subject(cell: Cell) -> str:
    spec = cell.spec
    if spec is None:
        return ""
    labels = "" if spec.labels is None else f", labels of {short(Path(spec.labels).name, LABEL)}"
    return f"{short(spec.variable, LABEL)} on {short(spec.clips_name, LABEL)}{labels}"


def _family(about: str, cells: list[Cell], out: Path) -> Family:
    try:
        runs, _ = read_runs([cell.folder(out) for cell in cells], MOST_CELLS)
        return Family(about, len(runs), comparison_tables(runs))
    except JepascopeError as error:  # a folder that was damaged since
        nothing = comparison_tables([])
        return Family(about, len(cells), nothing, str(error))


def cells_section(outcomes: Sequence[Outcome]) -> Section:
    """A row a cell."""
    fields = list(dict.fromkeys(field for outcome in outcomes for field in outcome.cell.given))
    rows = tuple(
        (*(short(str(outcome.cell.given.get(field, "")), LABEL) for field in fields), STATES[outcome.state], short(outcome.said, 300))
        for outcome in outcomes
    )
    head = (*fields, "state", "what it found, or why it failed")
    caption = f"Cells: {counted(outcomes)}. Each is a run folder below cells/ with a report of its own."
    return Section("cells", "Every cell", (Grid(head, rows, caption, words=len(head)),))


def _section(number: int, family: Family) -> Section:
    """What differs between the cells of one family, and what holds in how many of them."""
    if family.refused:
        blocks: tuple[Block, ...] = (Paragraph(f"Not compared: {family.refused}"),)
    else:
        told = [Finding(sentence) for sentence in sentences(family.tests, family.runs)]
        blocks = (*told, *grids(family.tests), Paragraph(f"{METHOD} In a sweep over the comparisons of all cells."))
    return Section(f"compared-{number}", f"What holds: {family.about}", blocks)


def _compared(family: Family) -> dict[str, Any]:
    tables: dict[str, pd.DataFrame] = vars(family.tests)
    made = {name: table.to_dict("records") for name, table in tables.items()}
    return {"about": family.about, "runs": family.runs, "refused": family.refused, **made}
