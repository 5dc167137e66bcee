"""``sweep``: many studies from one file, with a live table of how far each is."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepascope.cli.app import OUTPUT, STUDIES, STUDY, Json, app, takes_machine
from jepascope.cli.terminal import answered, console, say
from jepascope.errors import plain
from jepascope.study.machine import Machine

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from jepascope.study.sweep.run import Outcome

MARKS = {"finished": "done", "failed": "failed", "elsewhere": "elsewhere", "waiting": "", "running": "now"}
MOST_ROWS = 30  # of the live table: those around the one that runs


class Board:
    """jepascope.study.progress.Progress as a table of cells that is drawn anew; on a pipe a line for each cell that begins or ends."""

    def __init__(self, outcomes: list[Outcome], live: Live | None) -> None:
        self.outcomes, self.live, self.doing = {outcome.cell.name: outcome for outcome in outcomes}, live, ""

    def told(self, outcome: Outcome) -> None:
        """How far a cell is now."""
        self.outcomes[outcome.cell.name] = outcome
        if self.live is None and outcome.state != "waiting":
            sys.stderr.write(f"{plain(outcome.cell.name)}: {outcome.state}{plain(f', {outcome.said}') if outcome.said else ''}\n")
        self._draw()

    def start(self, what: str) -> Callable[[int, int], None]:
        self._do(what)
        return lambda done, total: self._do(f"{what} {done:,}/{total:,}")

    def say(self, line: str) -> None:
        """What a study says by the way stands on its own page."""

    def _do(self, what: str) -> None:
        self.doing = plain(what)
        self._draw()

    def _draw(self) -> None:
        if self.live is not None:
            self.live.update(table_of(list(self.outcomes.values()), self.doing))


@contextmanager
def board(outcomes: list[Outcome]) -> Iterator[Board]:
    """A live table while the body runs, on a terminal."""
    from rich.live import Live

    out = console(stderr=True)
    if not out.is_terminal:
        yield Board(outcomes, None)
        return
    with Live(console=out, refresh_per_second=4, transient=True) as live:
        yield Board(outcomes, live)


def table_of(outcomes: list[Outcome], doing: str = "") -> Table:
    """The cells with their states; of many those around the one that runs."""
    from rich.table import Column, Table

    now = next((place for place, outcome in enumerate(outcomes) if outcome.state == "running"), 0)
    first = max(0, min(now - MOST_ROWS // 2, len(outcomes) - MOST_ROWS)) if doing else 0
    table = Table(Column("cell", no_wrap=True), Column("", no_wrap=True), "what it found", box=None, pad_edge=False, header_style="bold")
    for outcome in outcomes[first : first + MOST_ROWS] if doing else outcomes:
        table.add_row(outcome.cell.name, MARKS[outcome.state], doing if outcome.state == "running" else outcome.said)
    return table


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope sweep sweep.yaml   |   jepascope sweep sweep.yaml --out runs/sweep --dry-run   |   "
    "jepascope sweep sweep.yaml --out runs/sweep --part 2/4",
)
@answered
@takes_machine
def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A YAML file: over (lists of values by field), base, and shared fields.")],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder of the sweep; default: runs/<name of the file>.", rich_help_panel=OUTPUT)
    ] = None,
    part: Annotated[
        str, typer.Option("--part", help="Run a part alone, such as 2/4: one index of an array job.", rich_help_panel=STUDY)
    ] = "1/1",
    dry: Annotated[bool, typer.Option("--dry-run", help="List the cells and stop there.", rich_help_panel=OUTPUT)] = False,
    machine: Machine,
    json_: Json = False,
) -> None:
    """Run many studies: models x variables x seeds x any field. Captures are shared, a failed cell stops no other; ends in paired tests."""
    from jepascope.study.plan import duration
    from jepascope.study.sweep.cells import cells_of, folder_of
    from jepascope.study.sweep.run import foreseen, part_of, run_cells, standing

    cells, folder = cells_of(file), folder_of(file, out)
    mine = part_of(cells, part)
    outcomes = [standing(cell, folder) for cell in cells]
    if dry:
        planned = [foreseen(cell, folder, machine) for cell in mine]
        _show([outcome for outcome, _ in planned], folder, f"about {duration(sum(seconds for _, seconds in planned))}", json_)
    else:
        with board([standing(cell, folder) for cell in mine]) as shown:
            from jepascope.report.build import build_report

            for outcome in run_cells(mine, folder, machine, shown, shown.told, build_report):
                shown.told(outcome)
                outcomes[cells.index(outcome.cell)] = outcome
        _show([outcome if outcome.cell in mine else standing(outcome.cell, folder) for outcome in outcomes], folder, "", json_)


def _show(outcomes: list[Outcome], folder: Path, planned: str, json_: bool) -> None:
    """The table; and the page, unless they are only ``planned``, which says what they will take."""
    from jepascope.disk.folder import Folder
    from jepascope.report.sweep.page import build_sweep, counted
    from jepascope.study.sweep.run import DATA

    page = None if planned else build_sweep(outcomes, folder)
    if json_:
        listed = [outcome.stored() for outcome in outcomes]
        typer.echo(Folder(folder).read(DATA).decode() if page else json.dumps({"cells": listed}, ensure_ascii=False))
        return
    console().print(table_of(outcomes))
    say(f"{len(outcomes)} cells: {counted(outcomes)}. " + (f"Page: {page.resolve()}" if page else f"They take {planned} in all."))
    if not planned and any(outcome.state == "failed" for outcome in outcomes):
        raise SystemExit(1)
