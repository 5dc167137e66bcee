"""``jepascope bench``: the method on ground truth from outside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepascope.bench.entries import BENCHMARKS
from jepascope.cli.app import GROUND, Json, app
from jepascope.cli.terminal import answered, bars, console, say
from jepascope.errors import setting

if TYPE_CHECKING:
    from jepascope.report.blocks import Section


@app.command(
    rich_help_panel=GROUND,
    epilog="Examples:  jepascope bench   |   jepascope bench trained   |   jepascope bench trained --set finders=das,lda --json",
)
@answered
def bench(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=f"One of {', '.join(BENCHMARKS.own)}; without: what each one is.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="A setting, name=value; `jepascope bench` lists them.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for bench.json, tables, page; default: runs/bench-NAME.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, envvar="JEPASCOPE_WORKERS", help="Processes; default: one a core. Same numbers.")
    ] = None,
    json_: Json = False,
) -> None:
    """Hold the method against ground truth from outside it: trained networks, other people's systems and encoders."""
    if name is None:
        _list(json_)
        return
    BENCHMARKS.entry(name)
    with bars() as progress:
        from jepascope.bench.run import run_benchmark
        from jepascope.hardware import cores
        from jepascope.report.bench.page import build_bench, read_bench, sections_of

        folder = run_benchmark(name, set_ or (), out, workers or cores(), progress)
        page = build_bench(folder)
        record = read_bench(folder)
    if json_:
        typer.echo(json.dumps(record))
        return
    _show(sections_of(record)[0])
    say(f"Page: {page.resolve()}")


def _list(as_json: bool) -> None:
    """Every benchmark, and its settings as they are pasted."""
    entries = [BENCHMARKS.entry(name) for name in BENCHMARKS]
    if as_json:
        fields = ("name", "meaning", "question", "takes", "packages")
        rows = [{field: getattr(entry, field) for field in fields} | {"settings": dict(entry.settings)} for entry in entries]
        typer.echo(json.dumps(rows))
        return
    for entry in entries:
        say(f"{entry.name}: {entry.meaning} ({entry.takes or 'as long as it takes'}).")
        if entry.packages:
            say(f"    needs {', '.join(entry.packages)}: pip install 'jepascope[{entry.extra}]'")
        for name, (default, meaning) in entry.settings.items():
            say(f"    {setting(**{name: default})}  {meaning}")


def _show(summary: Section) -> None:
    """The first section of the page: its findings, and its tables."""
    from jepascope.report.blocks import Finding, Grid
    from jepascope.report.terminal import grid_table

    terminal = console()
    for block in summary.blocks:
        if isinstance(block, Finding):
            say(block.text)
        if isinstance(block, Grid):
            terminal.print(grid_table(block))
