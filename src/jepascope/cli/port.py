"""``jepascope port``: what one run found, used in another run or model."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepascope.cli.app import STUDIES, Json, app, takes_machine
from jepascope.cli.options import split
from jepascope.cli.terminal import answered, bars, build_again, console, say, where
from jepascope.study.machine import Machine, opened_encoder

if TYPE_CHECKING:
    from rich.table import Table

    from jepascope.encoders.base import VideoEncoder
    from jepascope.study.spec import StudySpec


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope port runs/demo nano-wide   |   jepascope port runs/demo runs/speed   |   "
    "jepascope port runs/vitl ./vjepa2-vith --device cuda --finders diff_means,das",
)
@answered
@takes_machine
def port(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Another run folder, or a model as --model takes it.")],
    *,
    finders: Annotated[
        str | None, typer.Option("--finders", help="With commas; default: the run's first; of one encoder, all in common.")
    ] = None,
    components: Annotated[
        int | None,
        typer.Option("--components", min=1, help="Principal axes for CCA and Procrustes; default: 20, or fewer for few clips."),
    ] = None,
    machine: Machine,
    json_: Json = False,
) -> None:
    """Carry subspaces to another model or run and use them there: CCA, CKA, linear maps, SAS, RCE, each with its chance levels."""
    from jepascope.study.port.command import run_port

    named = None if finders is None else tuple(split(finders))
    with bars() as progress, ExitStack() as encoders:

        def load(spec: StudySpec) -> VideoEncoder:
            return encoders.enter_context(opened_encoder(machine, spec.model, spec.frames, spec.size))

        summary, out = run_port(folder, other, load, named, components, progress)
        report = build_again(folder)
    if json_:
        typer.echo(json.dumps(summary))
        return
    if summary["kind"] == "models":
        console().print(_table(summary))
    say(summary["headline"], where(out, report))


def _table(summary: dict[str, object]) -> Table:
    """One row a transport: RCE beside its floors."""
    from rich.markup import escape
    from rich.table import Table

    floors = ("shuffled in class", "shuffled pairs", "random source", "variance", "random")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("from", "to", "at", "map", "finder"):
        table.add_column(name)
    table.add_column("RCE", no_wrap=True)
    for name in floors:
        table.add_column(name.replace(" ", "\n", 1))
    for row in summary["carried"]:  # type: ignore[attr-defined]
        rce = row["rce"]
        shown = "n/a" if rce["value"] is None else f"{rce['value']:.2f} [{rce['low']:.2f}, {rce['high']:.2f}]"
        values = [row["floors"][name]["rce"] for name in floors]
        table.add_row(
            escape(f"{row['source']} {row['source_layer']}"),
            escape(f"{row['target']} {row['target_layer']}"),
            row["choice"],
            row["map"],
            row["finder"],
            shown,
            *("n/a" if value is None else f"{value:.2f}" for value in values),
        )
    return table
