"""``compare``: several runs side by side, and beside the paper's published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from jepascope.cli.app import PAGES, Json, app
from jepascope.cli.terminal import answered, console


@app.command(
    rich_help_panel=PAGES,
    epilog="Examples:  jepascope compare runs/demo runs/wide   |   jepascope compare --preset paper   |   "
    "jepascope compare --preset paper runs/demo --out runs/paper.html",
)
@answered
def compare(
    folders: Annotated[
        list[Path] | None, typer.Argument(metavar="RUN...", help="Run folders; with --preset paper there may be none.")
    ] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="paper: the published figures beside those of the runs.")] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The page: a file that ends in .html, or a folder that gets a compare.html.")
    ] = Path("runs/compare.html"),
    json_: Json = False,
) -> None:
    """Set runs side by side and test what differs: paired over the scenes that both tested, and in how many runs each claim holds."""
    from jepascope.report.compare.comparison import compare_runs
    from jepascope.report.compare.page import build_compare, to_json

    comparison = compare_runs(folders or [], preset)
    page = build_compare(comparison, out).resolve()
    if json_:
        typer.echo(json.dumps(to_json(comparison, page)))
        return
    from jepascope.report.compare.paper_table import answer, how_lines, said
    from jepascope.report.compare.terminal import paper_tables, tables
    from jepascope.report.compare.tested_words import METHOD
    from jepascope.report.paper import PUBLISHED
    from jepascope.report.terminal import grid_table

    terminal, runs = console(), comparison.runs

    def say(lines: list[str]) -> None:
        for line in lines:
            terminal.print(line, markup=False)

    if preset == "paper":
        for table in paper_tables(runs, terminal.width):
            terminal.print(table)
        say(
            [
                "",
                *said(runs),
                "",
                "What to distrust:",
                *(f"{one.name}: {one.distrust} What answers it: {answer(one)}." for one in PUBLISHED),
                "",
                *how_lines(runs),
                "",
            ]
        )
    say([*comparison.notes, *comparison.differences])
    for table in tables(runs, terminal.width):
        terminal.print(table)
    for grid in comparison.tables_of_tests:
        say([""])
        terminal.print(grid_table(grid))
    say(["", *comparison.findings, *([METHOD] if comparison.tables_of_tests else [])])
    say([f"Page: {page}"])
