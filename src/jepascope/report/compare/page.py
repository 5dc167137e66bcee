"""The comparison as a page and as data: what ``jepascope compare`` writes and prints."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from jepascope.disk.named import open_named
from jepascope.errors import BadArgument
from jepascope.findings.numbers import json_values
from jepascope.report.build import render_page, write_whole
from jepascope.report.compare.chapters import chapters_of, title_of
from jepascope.report.compare.comparison import Comparison
from jepascope.report.compare.encoders import commands, recognised
from jepascope.report.compare.paper_table import BESIDE, columns, entries, missing_encoders, said
from jepascope.report.compare.reading import Compared
from jepascope.report.paper import PUBLISHED

SCHEMA = 1
MARK = "jepascope compare"  # in the title of every page that this writes
PAGE = "compare.html"


def build_compare(comparison: Comparison, out: Path) -> Path:
    """Write the page: to ``out`` where that is an .html file, else to compare.html in that folder. Returns where it is.

    Raises BadArgument where ``out`` is a file that compare did not write, RunFolderError where it cannot be written.
    """
    page = place(out)
    runs = comparison.runs
    models = ", ".join(dict.fromkeys(run.study.model for run in runs)) or "no run yet"
    chapters = chapters_of(comparison)
    byline = f"{len(runs)} run{'' if len(runs) == 1 else 's'} · {models}"
    return write_whole(page, render_page("compare.html.j2", chapters, title=title_of(comparison), byline=byline, mark=MARK))


def place(out: Path) -> Path:
    """Where the page goes; never over a file of another making."""
    out = out.expanduser()
    page = out if out.suffix.lower() in (".html", ".htm") and not out.is_dir() else out / PAGE
    if out != page and out.exists() and not out.is_dir():
        raise BadArgument(f"--out '{out}' is a file; give a folder, or a name that ends in .html.")
    try:
        with open_named(page) as file:
            ours = MARK in file.read(2000).decode("utf-8", "replace")
    except FileNotFoundError:
        ours = True
    except OSError:
        ours = False
    if not ours:
        raise BadArgument(f"--out '{page}' was not written by {MARK}, so it is left alone; give another name or folder.")
    return page


def to_json(comparison: Comparison, page: Path) -> dict[str, Any]:
    """The same as data, under stable keys: keys are added, never renamed; a number that does not exist is null."""
    runs = comparison.runs
    data = {
        "schema": SCHEMA,
        "kind": "comparison",
        "page": str(page),
        "runs": [_run(run) for run in runs],
        "notes": comparison.notes,
        "differences": comparison.differences,
        "findings": comparison.findings,
        **{name: table.to_dict("records") for name, table in vars(comparison.tests).items()},
        "paper": _paper(runs) if comparison.preset == "paper" else None,
    }
    return {key: json_values(value) for key, value in data.items()}


def _run(run: Compared) -> dict[str, Any]:
    is_paper = recognised(run.study)
    return {
        "name": run.name,
        "path": str(run.folder.path),
        "paper_encoder": None if is_paper is None else is_paper.encoder,
        **asdict(run.study),
        **asdict(run.measured),
        "claims": [claim.stored() for claim in run.claims],
    }


def _paper(runs: list[Compared]) -> dict[str, Any]:
    shown = columns(runs)
    quantities = []
    for quantity in PUBLISHED:
        measured, *worth = entries(quantity, shown)
        quantities.append(
            {
                **quantity.words,
                "measured": [list(lines) for lines in measured.cells],
                "beside": [
                    {"what": entry.label.removeprefix(BESIDE), "measured": [list(lines) for lines in entry.cells]} for entry in worth
                ],
            }
        )
    return {
        "columns": [
            {"run": None if column.run is None else column.run.name, "encoder": column.encoder or None, "head": column.head}
            for column in shown
        ],
        "quantities": quantities,
        "missing": {encoder: list(commands(encoder)) for encoder in missing_encoders(runs)},
        "said": said(runs),
    }
