"""``spec`` and ``runs``: what a study can be told, and what studies there are."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from jepascope.cli.app import PAGES, STUDIES, Json, app
from jepascope.cli.terminal import answered, console, say


@app.command(rich_help_panel=STUDIES, epilog="Examples:  jepascope spec   |   jepascope spec finders   |   jepascope spec --json")
@answered
def spec(
    field: Annotated[str | None, typer.Argument(metavar="FIELD", help="One field, with all that can be named in it.")] = None,
    json_: Json = False,
) -> None:
    """List every field of a study: what it means, what it is by default, what presets say, and what can be named in it."""
    from rich.table import Column, Table

    from jepascope.study.fields_listed import listed_field, listed_fields

    fields = listed_fields() if field is None else [listed_field(field)]
    if json_:
        typer.echo(json.dumps([asdict(each) for each in fields], ensure_ascii=False))
        return
    table = Table(Column("field", no_wrap=True), "default", "meaning", box=None, pad_edge=False, header_style="bold")
    for each in fields:
        table.add_row(each.name, _brief(each.default), each.meaning)
    console().print(table)
    if field is None:
        say(
            "",
            "One field with all that can be named in it: jepascope spec FIELD. In a YAML file, or on the command line: --set FIELD=VALUE.",
        )
        return
    (one,) = fields
    say(*(f"preset {preset}: {_brief(value)}" for preset, value in one.presets.items()))
    if one.named:
        names = Table("name", "meaning", box=None, pad_edge=False, header_style="bold")
        for name, meaning in one.named.items():
            names.add_row(name, meaning)
        say("")
        console().print(names)


@app.command(rich_help_panel=PAGES, epilog="Examples:  jepascope runs   |   jepascope runs /data/studies --json")
@answered
def runs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder of run folders.")] = Path("runs"), *, json_: Json = False
) -> None:
    """List the runs in a folder: what each found, or how far it came, the latest first."""
    from rich.table import Column, Table

    from jepascope.study.found import runs_in

    found = runs_in(folder)
    if json_:
        typer.echo(json.dumps([{**asdict(run), "path": str(run.path)} for run in found], ensure_ascii=False))
        return
    if not found:
        say(f"There is no run in {folder}. Make one: jepascope run --out {folder / 'first'}")
        return
    table = Table(
        Column("run", no_wrap=True), Column("age", no_wrap=True), "study", "what it found", box=None, pad_edge=False, header_style="bold"
    )
    for run in found:
        study = f"{run.model} on {run.clips}: {run.variable}" if run.model else ""
        table.add_row(str(run.path.relative_to(folder)), _age(time.time() - run.changed), study, run.headline or run.state)
    console().print(table)


def _age(seconds: float) -> str:
    """'5 min', '3 h', '12 d'."""
    for unit, size in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _brief(value: Any) -> str:
    """A value in few characters; nothing for one that is not given."""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
