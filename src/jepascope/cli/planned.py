"""What ``plan`` and ``--dry-run`` print."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from jepascope.cli.app import OUTPUT
from jepascope.cli.terminal import console, say

DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would run, as `jepascope plan` does, and stop there.", rich_help_panel=OUTPUT)
]

if TYPE_CHECKING:
    from jepascope.study.plan import Plan
    from jepascope.study.spec import StudySpec


def print_plan(made: Plan, spec: StudySpec, json_: bool) -> None:
    """A plan as a table and its notes."""
    from rich.table import Table

    if json_:
        typer.echo(json.dumps(asdict(made)))
        return
    table = Table("step", "forwards", "block passes", title=f"{spec.model} on {spec.clips_name}: {spec.variable}", title_justify="left")
    for step in made.steps:
        table.add_row(step.name, f"{step.forwards:,}", f"{step.block_passes:,}")
    table.add_row("all", f"{made.forwards:,}", f"{made.block_passes:,}", style="bold")
    console().print(table)
    say(*made.notes)
