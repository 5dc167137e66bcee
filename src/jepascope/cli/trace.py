"""``trace``: which parts of which blocks write the subspace of a run, and which read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from jepascope.cli.app import STUDIES, Json, app, takes_machine
from jepascope.cli.options import split
from jepascope.cli.planned import DryRun, print_plan
from jepascope.cli.terminal import answered, bars, build_again, console, say, where
from jepascope.study.machine import Machine, opened_encoder


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope trace runs/demo   |   jepascope trace runs/demo --layer 3 --draws 60 --finders diff_means,lda",
)
@answered
@takes_machine
def trace(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    *,
    layer: Annotated[int | None, typer.Option("--layer", help="Layer of the subspace; default: the run's best one.")] = None,
    finders: Annotated[str | None, typer.Option("--finders", help="With commas; default: the run's first.")] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=2, help="Draws of every control; default: 20.")] = None,
    dry: DryRun = False,
    machine: Machine,
    json_: Json = False,
) -> None:
    """Which parts of earlier blocks (attention, MLP) wrote a run's subspace, and which of later blocks read it, beside matched controls."""
    from jepascope.study.intervene.command import best_layer_of
    from jepascope.study.intervene.trace import run_command, trace_folder, traced_spec
    from jepascope.study.spec_file import saved_spec

    given: dict[str, Any] = {"best_layer": layer, "finders": None if finders is None else split(finders), "draws": draws}
    changes = {name: value for name, value in given.items() if value is not None}
    spec = saved_spec(folder)
    best = best_layer_of(folder) if layer is None else layer
    changed = traced_spec(spec, best, changes, {"best_layer": "--layer", "finders": "--finders", "draws": "--draws"})
    if dry:
        from jepascope.study.plan import plan_trace

        print_plan(plan_trace(spec, changed, machine), changed, json_)
        return
    with bars() as progress, opened_encoder(machine, spec.model, spec.frames, spec.size) as encoder:
        summary = run_command(folder, spec, changed, encoder, progress)
        report = build_again(folder)
    if json_:
        typer.echo(json.dumps(summary))
        return
    from jepascope.report.terminal import parts_table

    made = trace_folder(folder, changed)
    console().print(parts_table(made))
    say(
        summary["headline"],
        "Written: share of the difference of class means in the subspace; all sum to 1. Beside it: that of what varies within a class, "
        "there and everywhere. Read: CE of a swap that this part alone sees, with the blocks behind it running, or held. Brackets: 95 %, "
        "over scenes (of controls and draws).",
        where(made, report),
    )
