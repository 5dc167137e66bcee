"""``compare``: several runs side by side, and beside the paper's published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from jepascope.cli.app import Json, app
from jepascope.cli.terminal import answered, console


@app.command(
    epilog="Examples:  jepascope compare runs/demo runs/wide   |   jepascope compare --preset paper   |   "
    "jepascope compare --preset paper runs/demo --out runs/paper.html"
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
    """Set runs side by side: what differs, what each measured, where intervals separate; as a table, one HTML page, and JSON."""
    from jepascope.report.compare.page import build_compare, compare_runs, to_json

    comparison = compare_runs(folders or [], preset)
    page = build_compare(comparison, out).resolve()
    if json_:
        typer.echo(json.dumps(to_json(comparison, page)))
        return
    from jepascope.report.compare.pairwise import NO_TEST
    from jepascope.report.compare.paper_table import answer, how_lines, said
    from jepascope.report.compare.terminal import paper_tables, tables
    from jepascope.report.paper import PUBLISHED

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
    if len(runs) > 1:
        say(["", *comparison.findings, NO_TEST])
    say([f"Page: {page}"])
