"""``jepascope``: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepascope.cli.options import takes_spec
from jepascope.cli.terminal import answered

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec

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
Out = Annotated[
    Path | None, typer.Option("--out", "-o", envvar="JEPASCOPE_OUT", help="Run folder; default: runs/<model>-<clips>-<digest>.")
]


@app.command(
    epilog="Examples:  jepascope run   |   jepascope run quick --out /tmp/look   |   "
    "jepascope run --variable speed   |   jepascope run --model ./vjepa2-vitl --frames 16 --layers 7"
)
@answered
@takes_spec
def run(spec: StudySpec, out: Out = None, device: Device = "cpu", json_: Json = False) -> None:
    """Run the whole pipeline: capture, discover, intervene, port, report. Stop it any time; the same command goes on."""
    from jepascope.cli.commands import run_command

    run_command(spec, out, device, json_)


@app.command(
    epilog="Examples:  jepascope plan   |   jepascope plan full   |   "
    "jepascope plan --model facebook/vjepa2-vitl-fpc64-256 --frames 16 --layers 7 --device cuda"
)
@answered
@takes_spec
def plan(spec: StudySpec, device: Device = "cpu", json_: Json = False) -> None:
    """Say what a study would run: conditions, forwards, memory, disk and time. Loads no model."""
    from jepascope.cli.commands import plan_command

    plan_command(spec, device, json_)


@app.command(
    epilog="Examples:  jepascope probe runs/demo --variable speed   |   jepascope probe runs/demo --labels mine.csv --variable weather"
)
@answered
def probe(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    variable: Annotated[
        str | None,
        typer.Option(
            "--variable", help="direction, speed, position, size, shape, colour, or a column of --labels; default: the run's own."
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="CSV with a column scene (or clip) and label columns.")] = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Stage one alone on a run folder: probes, values, stability, token map, subspaces. Another variable needs no new capture."""
    from jepascope.cli.commands import probe_command

    probe_command(folder, variable, labels, device, json_)


@app.command(
    epilog="Examples:  jepascope intervene runs/demo --layer 3 --edit swap --dose 0.5,1,2   |   "
    "jepascope intervene runs/demo --tokens background   |   jepascope intervene runs/demo --edit rotate,steer   |   "
    "jepascope intervene runs/demo --subspace mine.safetensors --controls top_pca,nuisance,self_swap,untrained"
)
@answered
def intervene(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    layer: Annotated[int | None, typer.Option("--layer", help="Layer to edit; default: the run's best one.")] = None,
    edit: Annotated[str | None, typer.Option("--edit", help="Of ablate, swap, steer, rotate, with commas; default: the run's.")] = None,
    dose: Annotated[str | None, typer.Option("--dose", help="Doses, with commas; 1 is the whole or natural change.")] = None,
    tokens: Annotated[
        str | None,
        typer.Option(
            "--tokens", help="Tokens to edit: all, object, background (as many), or tubelets such as time:0-1. Default: the run's."
        ),
    ] = None,
    ablate_to: Annotated[str | None, typer.Option("--ablate-to", help="mean, zero, or resample (another scene's).")] = None,
    donor: Annotated[str | None, typer.Option("--donor", help="What swaps take from: twin, or class (a clip of another class).")] = None,
    finders: Annotated[str | None, typer.Option("--finders", help="With commas; default: the run's.")] = None,
    rank: Annotated[int | None, typer.Option("--rank", min=1, help="Rank of every subspace; default: the run's.")] = None,
    subspace: Annotated[Path | None, typer.Option("--subspace", help="A subspace's safetensors file, in place of the finders'.")] = None,
    controls: Annotated[
        str | None, typer.Option("--controls", help="Beside the four matched ones: top_pca, nuisance, self_swap, untrained, with commas.")
    ] = None,
    judges: Annotated[str | None, typer.Option("--judges", help="Of probe, mlp, predictor, head, with commas; default: the run's.")] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=2, help="Draws of every control; 200 for a permutation p of 0.005.")] = None,
    context: Annotated[int | None, typer.Option("--context", min=1, help="Tubelets that the predictor is shown; default: half.")] = None,
    device: Device = "cpu",
    json_: Json = False,
) -> None:
    """Stage two alone on a run folder: any layer, edit, dose, token scope, judge and control, beside the four matched controls."""
    from jepascope.cli.commands import intervene_command

    changes = {
        "best_layer": layer,
        "edits": edit,
        "edit_doses": dose,
        "scope": tokens,
        "ablate_to": ablate_to,
        "swap_donor": donor,
        "finders": finders,
        "rank": rank,
        "extra_controls": controls,
        "judges": judges,
        "draws": draws,
        "context": context,
    }
    intervene_command(folder, changes, subspace, device, json_)


@app.command(epilog="Examples:  jepascope planted   |   jepascope planted --networks clean,decoy --finders diff_means,das --json")
@answered
def planted(
    networks: Annotated[
        str | None, typer.Option("--networks", help="Of clean, decoy, degenerate, self_repair, dormant, nonlinear, with commas.")
    ] = None,
    finders: Annotated[str | None, typer.Option("--finders", help="With commas; default: all of them.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Draws frames, clips and controls.")] = 0,
    draws: Annotated[int, typer.Option("--draws", min=2, help="Draws of every control.")] = 10,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for planted.json, tables, figures and page.")] = Path("runs/planted"),
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes; default: one a core. The numbers are the same.")
    ] = None,
    json_: Json = False,
) -> None:
    """Score finders, edits and controls on networks whose causal subspace is known. A method that fails here is not to be believed."""
    from jepascope.cli.commands import planted_command

    planted_command(networks, finders, seed, draws, out, workers, json_)


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
