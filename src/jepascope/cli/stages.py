"""``run`` and ``plan``, and stage one by itself on a run folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jepascope.cli.app import STUDIES, Json, Out, app, takes_machine
from jepascope.cli.display import display
from jepascope.cli.options import takes_spec
from jepascope.cli.planned import DryRun, print_plan
from jepascope.cli.terminal import answered, bars, build_again, console, say, where
from jepascope.study.machine import Machine, opened_encoder

if TYPE_CHECKING:
    from rich.table import Table

    from jepascope.study.spec import StudySpec


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope run   |   jepascope run quick --out /tmp/look   |   "
    "jepascope run --variable speed   |   jepascope run --clips my-videos --subspace runs/demo   |   "
    "jepascope run --model ./vjepa2-vitl --frames 16 --layers 7",
)
@answered
@takes_machine
@takes_spec
def run(spec: StudySpec, *, out: Out = None, dry: DryRun = False, machine: Machine, json_: Json = False) -> None:
    """Run the whole pipeline: capture, discover, intervene, port, report. Stop it any time; the same command goes on."""
    if dry:
        show_plan(spec, machine, json_)
        return
    from jepascope.encoders.at_hand import find
    from jepascope.findings.names import NO_SHORTCUT
    from jepascope.study.files import read_json
    from jepascope.study.folder import Run
    from jepascope.study.pace import REPORT, Pace, expected_seconds
    from jepascope.study.seal import seal, sealed
    from jepascope.study.spec_file import check_whole

    find(spec.model)  # and a model that is not here
    if spec.of_videos:  # which classes there are may have to be measured, and they are part of the study's name
        from jepascope.study.videos.foreseen import settled

        with bars() as progress:
            spec = settled(spec, progress)
    folder = out or Path("runs") / f"{Path(spec.model).name}-{spec.clips_name}-{spec.digest[:8]}"
    Run.check(folder, spec)  # before anything slow: a folder that cannot be used is said at once
    check_whole(spec)
    summary = sealed(folder, spec, machine.dtype)
    if summary is None:
        with display(Pace(expected_seconds(spec, machine))) as progress:
            progress.first(f"{spec.model} on {spec.clips_name}: {spec.variable}, into {folder}")
            from jepascope.report.build import build_report
            from jepascope.study.run import run_study

            with opened_encoder(machine, spec.model, spec.frames, spec.size) as encoder:
                run_study(spec, folder, encoder, progress, progress.begun)
                progress.begun(REPORT)
                progress.start("the report")
                build_report(folder, encoder.fits)
            summary = read_json(folder / "summary.json")
            seal(folder, spec, machine.dtype)
    if json_:
        typer.echo(json.dumps(summary))
        return
    say(summary["headline"], *reply_lines(summary.get("replies", ())))
    if "footage" in summary:
        from jepascope.report.terminal import effect_table

        console().print(effect_table(folder, summary["best_layer"], "probe"))
        say("CE beside each control; brackets: 95 %, over videos. Ratio: CE over the mean of the draws (≥: a lower bound).")
    if any(row["leak"] for row in summary["leaks"].values()):
        say(*(claim["sentence"] for claim in read_json(folder / "claims.json")["claims"] if claim.get("name") == NO_SHORTCUT))
    say(f"{sum(summary['seconds'].values()):.0f} s of computing. Report: {folder.resolve() / 'report.html'}")


def reply_lines(replies: Iterable[Mapping[str, str]]) -> list[str]:
    """The six questions of the page's first screen: a word, a number, and the control that comes closest."""
    return [f"{reply['ask']:<16}{reply['word']:<20}{reply['number']:<9}{reply['control']}".rstrip() for reply in replies]


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope plan   |   jepascope plan full   |   "
    "jepascope plan --model facebook/vjepa2-vitl-fpc64-256 --frames 16 --layers 7 --device cuda",
)
@answered
@takes_machine
@takes_spec
def plan(spec: StudySpec, machine: Machine, json_: Json = False) -> None:
    """Say what a study would run: conditions, forwards, memory, disk and time. Loads no model."""
    show_plan(spec, machine, json_)


def show_plan(spec: StudySpec, machine: Machine, json_: bool) -> None:
    """What ``plan`` and ``run --dry-run`` print."""
    from jepascope.study.plan import make_plan

    print_plan(make_plan(spec, machine), spec, json_)


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope probe runs/demo --variable speed   |   jepascope probe runs/demo --labels mine.csv --variable weather",
)
@answered
@takes_machine
def probe(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    *,
    variable: Annotated[
        str | None,
        typer.Option(
            "--variable", help="direction, speed, position, size, shape, colour, or a column of --labels; default: the run's own."
        ),
    ] = None,
    labels: Annotated[Path | None, typer.Option("--labels", help="CSV with a column scene (or clip) and label columns.")] = None,
    machine: Machine,
    json_: Json = False,
) -> None:
    """Stage one alone on a run folder: probes, values, stability, token map, subspaces. Another variable needs no new capture."""
    from jepascope.study.probe import probe_folder, probed_spec, run_probe
    from jepascope.study.spec_file import saved_spec

    spec = saved_spec(folder)
    probed = probed_spec(spec, variable, labels)
    with bars() as progress, opened_encoder(machine, spec.model, spec.frames, spec.size) as encoder:
        summary = run_probe(folder, spec, probed, encoder, progress)
        report = build_again(folder)
    if json_:
        typer.echo(json.dumps(summary))
        return
    console().print(layer_table(summary))
    say(summary["headline"], where(probe_folder(folder, spec, probed), report))


def layer_table(summary: dict[str, Any]) -> Table:
    """What stage one reads at every layer: accuracies, and mean absolute errors of the value. * the layer that claims are made for."""
    from rich.table import Table

    from jepascope.findings.numbers import decimals as plain

    probe, values = summary["probe"], summary["values"]
    held = [(output, kind, at) for output, kinds in values.items() for kind, at in kinds.items()]
    numbers = [at for _, kind, at in held if kind == "clips" and summary["kind"] == "numeric"]
    table = Table("layer", "accuracy", "selectivity", "untrained", "L1 support", box=None, pad_edge=False, header_style="bold")
    for output, kind, at in held:
        unit = next(iter(at.values()))["unit"]
        table.add_column(f"{output}, {unit}" + ("" if kind == "clips" else f", held-out {kind}"))
        if kind == "clips" and summary["kind"] == "numeric":
            table.add_column(f"R² of {output}")
    for layer in map(str, summary["layers"]):
        figures = [probe[name].get(layer) for name in ("dense", "selectivity", "dense_untrained", "l1_support")]
        cells = []
        for _, _, at in held:
            cells.append(f"{at[layer]['error']:.3g}")
            if at in numbers:
                cells.append(plain(at[layer]["r2"]))
        table.add_row(
            f"{layer}*" if int(layer) == summary["best_layer"] else layer,
            *("" if figure is None else f"{figure:.3f}" for figure in figures),
            *cells,
        )
    return table
