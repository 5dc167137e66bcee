"""``jepascope``: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepascope.cli.terminal import answered

app = typer.Typer(
    name="jepascope",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Find the causal state variables in the latents of frozen video encoders, intervene on them, and measure whether they carry over.",
    epilog="First: [bold]jepascope run[/bold] (shipped nano encoder, about two minutes on two cores, no network).",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Device = Annotated[str, typer.Option("--device", envvar="JEPASCOPE_DEVICE", help="cpu, cuda, cuda:1, mps, ...")]
SpecName = Annotated[str | None, typer.Argument(metavar="[SPEC]", help="A preset (demo, quick, full) or a YAML file; default: demo.")]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        envvar="JEPASCOPE_MODEL",
        help="nano, nano-wide, a local folder, or a hub name such as facebook/vjepa2-vitl-fpc64-256.",
    ),
]
Clips = Annotated[str | None, typer.Option("--clips", help="Clip set: directions8.")]
Variable = Annotated[str | None, typer.Option("--variable", help="State variable: direction or shape.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Seeds clips, splits, controls and resampling.")]
Frames = Annotated[int | None, typer.Option("--frames", help="Frames a clip; default: what the model was made for.")]
Size = Annotated[int | None, typer.Option("--size", help="Pixels a side; default: what the model was made for.")]
Layers = Annotated[
    str | None, typer.Option("--layers", help="Layers to intervene on besides the best one: 'all' or numbers such as 3,7,11.")
]
BestLayer = Annotated[
    int | None, typer.Option("--best-layer", help="The layer that the claim is made for; default: chosen on the fit split.")
]
Finders = Annotated[str | None, typer.Option("--finders", help="Of diff_means, class_pca, l1_probe, with commas.")]
Draws = Annotated[int | None, typer.Option("--draws", help="Draws of every control at the best layer.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Any other field of the spec: --set test_scenes=80. Repeatable.")]


@app.command(
    epilog="Examples:  jepascope run   |   jepascope run quick --out /tmp/look   |   jepascope run --model ./vjepa2-vitl --frames 16 --layers 7"
)
@answered
def run(
    spec: SpecName = None,
    model: Model = None,
    clips: Clips = None,
    variable: Variable = None,
    seed: Seed = None,
    frames: Frames = None,
    size: Size = None,
    layers: Layers = None,
    best_layer: BestLayer = None,
    finders: Finders = None,
    draws: Draws = None,
    set_: Set = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", envvar="JEPASCOPE_OUT", help="Run folder; default: runs/<model>-<clips>-<digest>.")
    ] = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Run the whole pipeline: capture, discover, intervene, port, report. Stop it any time; the same command goes on."""
    from jepascope.cli.commands import run_command, spec_from

    given = {"model": model, "clips": clips, "variable": variable, "seed": seed, "frames": frames, "size": size}
    run_command(
        spec_from(spec, {**given, "layers": layers, "best_layer": best_layer, "finders": finders, "draws": draws}, set_), out, device, json_
    )


@app.command(
    epilog="Examples:  jepascope plan   |   jepascope plan full   |   jepascope plan --model facebook/vjepa2-vitl-fpc64-256 --frames 16 --layers 7 --device cuda"
)
@answered
def plan(
    spec: SpecName = None,
    model: Model = None,
    clips: Clips = None,
    variable: Variable = None,
    seed: Seed = None,
    frames: Frames = None,
    size: Size = None,
    layers: Layers = None,
    best_layer: BestLayer = None,
    finders: Finders = None,
    draws: Draws = None,
    set_: Set = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Say what a study would run: conditions, forwards, memory, disk and time. Loads no model."""
    from jepascope.cli.commands import plan_command, spec_from

    given = {"model": model, "clips": clips, "variable": variable, "seed": seed, "frames": frames, "size": size}
    plan_command(
        spec_from(spec, {**given, "layers": layers, "best_layer": best_layer, "finders": finders, "draws": draws}, set_), device, json_
    )


@app.command(epilog="Example:  jepascope report runs/demo")
@answered
def report(folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")]) -> None:
    """Build the HTML report again from a run folder alone."""
    from jepascope.cli.commands import report_command

    report_command(folder)


@app.command(epilog="Example:  jepascope models --json")
@answered
def models(json_: Json = False) -> None:
    """List known checkpoints: size, memory, predictor, and how to get each."""
    from jepascope.cli.commands import models_command

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


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", is_eager=True, help="Print the version.")] = False,
) -> None:
    if show:
        from importlib.metadata import version as installed

        typer.echo(f"jepascope {installed('jepascope')}")
        raise typer.Exit


def main() -> None:
    """Entry point."""
    app()
