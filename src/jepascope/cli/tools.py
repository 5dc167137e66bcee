"""Commands beside the pipeline: networks with a known answer, pages, models, the installation, training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepascope.cli.app import Device, Json, app
from jepascope.cli.terminal import answered


@app.command(epilog="Examples:  jepascope planted   |   jepascope planted --networks clean,decoy --finders diff_means,das --json")
@answered
def planted(
    networks: Annotated[
        str | None,
        typer.Option("--networks", help="Of clean, decoy, correlated, degenerate, self_repair, dormant, nonlinear; commas between."),
    ] = None,
    finders: Annotated[str | None, typer.Option("--finders", help="With commas; default: all of them.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws frames, clips and controls.")] = 0,
    draws: Annotated[int, typer.Option("--draws", min=2, help="Draws of every control.")] = 10,
    peels: Annotated[int, typer.Option("--peels", min=0, help="Subspaces peeled off at most; 0: degeneracy is left out.")] = 4,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for planted.json, tables, figures and page.")] = Path("runs/planted"),
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; default: one a core. The numbers are the same.")
    ] = None,
    json_: Json = False,
) -> None:
    """Score finders, edits and controls on networks whose causal subspace is known. A method that fails here is not to be believed."""
    from jepascope.cli.commands import planted_command

    planted_command(networks, finders, seed, draws, out, workers, json_, peels)


@app.command(epilog="Example:  jepascope report runs/demo")
@answered
def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]) -> None:
    """Build the HTML report again from a run folder alone."""
    from jepascope.cli.commands import report_command

    report_command(folder)


@app.command(epilog="Example:  jepascope models --json")
@answered
def models(json_: Json = False) -> None:
    """List known checkpoints: size, clips, memory, predictor or head, and how to get each."""
    from jepascope.cli.models import models_command

    models_command(json_)


@app.command(epilog="Example:  jepascope doctor")
@answered
def doctor(json_: Json = False) -> None:
    """Check the installation: versions, devices, memory, disk, shipped weights."""
    from jepascope.cli.commands import doctor_command

    doctor_command(json_)


@app.command(epilog="Examples:  jepascope train nano --out my-nano --device cuda   |   jepascope train nano-wide --out wide --seconds 3600")
@answered
def train(
    recipe: Annotated[str, typer.Argument(help="nano or nano-wide.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for checkpoints, curves, and at the end the encoder and its card.")],
    device: Device = "cpu",
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps; default: the recipe's.")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=2, help="Clips a step; default: the recipe's.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=1, help="Stop after this long; the same command goes on.")] = None,
) -> None:
    """Train a nano encoder again from scratch; resumable. The result is a folder for --model, with a model card."""
    from jepascope.cli.commands import train_command

    train_command(recipe, out, device, steps, batch, seconds)
