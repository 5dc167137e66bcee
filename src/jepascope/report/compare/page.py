"""The comparison as a page and as data: what ``jepascope compare`` writes and prints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from jepascope.disk.named import open_named
from jepascope.errors import BadArgument
from jepascope.findings.numbers import finite
from jepascope.report.blocks import Block, Finding, Grid, Paragraph, Section
from jepascope.report.build import render_page, write_whole
from jepascope.report.compare.differing import agreement, differences
from jepascope.report.compare.encoders import commands, recognised
from jepascope.report.compare.figures import figures_section
from jepascope.report.compare.paper_table import BESIDE, columns, entries, missing_encoders, paper_sections, said
from jepascope.report.compare.reading import Compared, read_runs
from jepascope.report.compare.table import groups
from jepascope.report.compare.tested import ComparisonTables, comparison_tables
from jepascope.report.compare.tested_words import METHOD, grids, sentences
from jepascope.report.paper import PUBLISHED

SCHEMA = 1
PRESETS = ("paper",)
MARK = "jepascope compare"  # in the title of every page that this writes
PAGE = "compare.html"


@dataclass(frozen=True)
class Comparison:
    """Runs read and compared: what the page, the terminal and the JSON say."""

    runs: list[Compared]
    notes: list[str]
    preset: str | None

    @property
    def differences(self) -> list[str]:
        return differences(self.runs)

    @cached_property
    def tests(self) -> ComparisonTables:
        return comparison_tables(self.runs)

    @property
    def findings(self) -> list[str]:
        return sentences(self.tests, len(self.runs)) if self.runs else []

    @property
    def tables_of_tests(self) -> list[Grid]:
        return grids(self.tests)


def compare_runs(paths: Sequence[Path], preset: str | None = None) -> Comparison:
    """Read runs for a comparison; with the preset ``paper`` the paper's figures stand beside them, and there may be none.

    Raises BadArgument for an unknown preset or for nothing to compare, RunFolderError for a folder that is no finished run.
    """
    if preset is not None and preset not in PRESETS:
        raise BadArgument(f"There is no preset '{preset[:60]}' of compare; there is {', '.join(PRESETS)} (the published figures).")
    if not paths and preset is None:
        raise BadArgument("Nothing to compare: give run folders (jepascope compare runs/a runs/b), or --preset paper.")
    runs, notes = read_runs(paths)
    return Comparison(runs, notes, preset)


def build_compare(comparison: Comparison, out: Path) -> Path:
    """Write the page: to ``out`` where that is an .html file, else to compare.html in that folder. Returns where it is.

    Raises BadArgument where ``out`` is a file that compare did not write, RunFolderError where it cannot be written.
    """
    page = place(out)
    runs = comparison.runs
    models = ", ".join(dict.fromkeys(run.study.model for run in runs)) or "no run yet"
    sections = [*(paper_sections(runs) if comparison.preset == "paper" else []), *run_sections(comparison)]
    byline = f"{len(runs)} run{'' if len(runs) == 1 else 's'} · {models}"
    return write_whole(page, render_page("compare.html.j2", sections=sections, byline=byline, preset=comparison.preset, mark=MARK))


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


def run_sections(comparison: Comparison) -> list[Section]:
    """What differs, the tests, the table and the figures of the runs."""
    runs = comparison.runs
    if not runs:
        return []
    notes: list[Block] = [Finding(sentence) for sentence in (*comparison.notes, *comparison.differences)]
    sections = []
    if len(runs) > 1:
        sections.append(Section("differences", "What differs between the runs", (*notes, Paragraph(agreement(runs)))))
        found = tuple(Finding(sentence) for sentence in comparison.findings)
        sections.append(Section("findings", "What differs in what was found", (*found, *comparison.tables_of_tests, Paragraph(METHOD))))
        notes = []
    sections.append(Section("table", "Side by side", (*notes, table(runs))))
    drawn = figures_section(runs)
    return sections if drawn is None else [*sections, drawn]


def table(runs: list[Compared]) -> Grid:
    """The groups of rows as one table of the page."""
    rows = [row for group in groups(runs) for row in ((group.heading + group.detail,), *group.rows)]
    levels = ", ".join(dict.fromkeys(run.folder.confidence for run in runs))
    caption = (
        f"A column a run. Brackets: {levels} (of untrained twins: the range over seeds). Figures of effects are by the probe as judge, at "
        "dose 1 and the run's best layer; n and draws stand under Evidence. 'No value': what the effect is a share of is not above zero. "
        "'No ratio': fewer than 10 draws, or effects that have none. ≥: a lower bound, the control's effect cannot be told from zero. "
        "SAS and RCE are of the first pair of finders that did not find the same subspace; RCE at the largest dose at which neither "
        "effect is saturated; below it, what random and variance-matched subspaces keep. L1 support is a share of coordinates, no "
        "dimension."
    )
    return Grid(("", *(run.name for run in runs)), tuple(rows), caption)


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
    return {key: _plain(value) for key, value in data.items()}


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


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not finite(value) else value
