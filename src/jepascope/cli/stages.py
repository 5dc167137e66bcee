"""``run`` and ``plan``, and the stages by themselves on a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepascope.cli.app import Json, Out, app, takes_machine
from jepascope.cli.options import takes_spec
from jepascope.cli.terminal import answered
from jepascope.cli.trust import trusts_code
from jepascope.intervention.control_entry import CONTROLS, on_request
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.judge_entry import JUDGES
from jepascope.study.machine import Machine

if TYPE_CHECKING:
    from jepascope.study.spec import StudySpec


@app.command(
    epilog="Examples:  jepascope run   |   jepascope run quick --out /tmp/look   |   "
    "jepascope run --variable speed   |   jepascope run --clips my-videos --subspace runs/demo   |   "
    "jepascope run --model ./vjepa2-vitl --frames 16 --layers 7"
)
@answered
@trusts_code
@takes_spec
@takes_machine
def run(spec: StudySpec, machine: Machine, out: Out = None, json_: Json = False) -> None:
    """Run the whole pipeline: capture, discover, intervene, port, report. Stop it any time; the same command goes on."""
    from jepascope.cli.commands import run_command

    run_command(spec, out, machine, json_)


@app.command(
    epilog="Examples:  jepascope plan   |   jepascope plan full   |   "
    "jepascope plan --model facebook/vjepa2-vitl-fpc64-256 --frames 16 --layers 7 --device cuda"
)
@answered
@trusts_code
@takes_spec
@takes_machine
def plan(spec: StudySpec, machine: Machine, json_: Json = False) -> None:
    """Say what a study would run: conditions, forwards, memory, disk and time. Loads no model."""
    from jepascope.cli.commands import plan_command

    plan_command(spec, machine, json_)


@app.command(
    epilog="Examples:  jepascope probe runs/demo --variable speed   |   jepascope probe runs/demo --labels mine.csv --variable weather"
)
@answered
@trusts_code
@takes_machine
def probe(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    machine: Machine,
    variable: Annotated[
        str | None,
        typer.Option(
            "--variable", help="direction, speed, position, size, shape, colour, or a column of --labels; default: the run's own."
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="CSV with a column scene (or clip) and label columns.")] = None,
    json_: Json = False,
) -> None:
    """Stage one alone on a run folder: probes, values, stability, token map, subspaces. Another variable needs no new capture."""
    from jepascope.cli.commands import probe_command

    probe_command(folder, variable, labels, machine, json_)


@app.command(
    epilog="Examples:  jepascope intervene runs/demo --layer 3 --edit swap --dose 0.5,1,2   |   "
    "jepascope intervene runs/demo --tokens background   |   jepascope intervene runs/demo --edit rotate,steer   |   "
    "jepascope intervene runs/demo --subspace mine.safetensors --controls top_pca,nuisance,self_swap,untrained"
)
@answered
@trusts_code
@takes_machine
def intervene(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    machine: Machine,
    layer: Annotated[int | None, typer.Option("--layer", help="Layer to edit; default: the run's best one.")] = None,
    edit: Annotated[str | None, typer.Option("--edit", help=f"Of {', '.join(EDITS)}, with commas; default: the run's.")] = None,
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
        str | None,
        typer.Option("--controls", help=f"Beside the matched ones: {', '.join(filter(on_request, CONTROLS))}, with commas."),
    ] = None,
    judges: Annotated[str | None, typer.Option("--judges", help=f"Of {', '.join(JUDGES)}, with commas; default: the run's.")] = None,
    draws: Annotated[int | None, typer.Option("--draws", min=2, help="Draws of every control; 200 for a permutation p of 0.005.")] = None,
    context: Annotated[int | None, typer.Option("--context", min=1, help="Tubelets that the predictor is shown; default: half.")] = None,
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
    intervene_command(folder, changes, subspace, machine, json_)
