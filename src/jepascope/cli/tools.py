"""Commands beside the pipeline: networks with a known answer, pages, models, the installation, training."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from jepascope.cli.app import GROUND, HELP, MATERIAL, PAGES, Device, Json, app
from jepascope.cli.options import split
from jepascope.cli.terminal import answered, bars, console, say
from jepascope.errors import plain, quoted


@app.command(
    rich_help_panel=GROUND,
    epilog="Examples:  jepascope planted   |   jepascope planted --networks clean,decoy --finders diff_means,das --json",
)
@answered
def planted(
    networks: Annotated[
        str | None,
        typer.Option(
            "--networks",
            help="Of clean, decoy, correlated, degenerate, self_repair, dormant, nonlinear (all of them by default), and of those that try "
            "verdicts on degeneracy: staged, contrast, quiet, triple, saturating, conjunction, exclusive, normed, routed, unequal, "
            "distributed, gated, attended; commas between.",
        ),
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
    from rich.table import Column, Table

    with bars() as progress:
        from jepascope.discovery.finder_entry import FINDERS
        from jepascope.encoders.planted.networks import NETWORKS
        from jepascope.hardware import cores
        from jepascope.planted.scorecard import scorecard
        from jepascope.report.planted import build_planted, headline

        result = scorecard(_listed(networks, NETWORKS), _listed(finders, FINDERS), seed, draws, workers or cores(), progress, peels)
        result.write(out)
        page = build_planted(out)
    card = result.to_json()
    if json_:
        typer.echo(json.dumps(card))
        return
    terminal = console()
    for name, network in card["networks"].items():
        table = Table(
            *("subspace", "rank", "SAS causal", "inert", "probe", "ablate", "expected", "swap", "expected"),
            Column("verdict", no_wrap=True),
            title=f"{name}: {network['about']}",
            title_justify="left",
            box=None,
            pad_edge=False,
            header_style="bold",
        )
        for finder, row in network["subspaces"].items():
            edits = [row["edits"].get(edit, {}).get(key) for edit in ("ablate", "swap") for key in ("value", "expected")]
            figures = [row["sas_causal"], row["sas_inert"], row["accuracy"], *edits]
            rank = "" if row["rank"] is None else f"{row['rank']:.0f}"
            table.add_row(finder, rank, *("" if figure is None else f"{figure + 0.0:.2f}" for figure in figures), row["verdict"])
        terminal.print(table)
        terminal.print()
    say(*headline(card), f"Page: {page.resolve()}")


@app.command(rich_help_panel=PAGES, epilog="Examples:  jepascope report runs/demo   |   jepascope report runs/demo --one-page demo.pdf")
@answered
def report(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    one_page: Annotated[
        Path | None, typer.Option("--one-page", metavar="FILE", help="Its first screen as a .pdf or .png instead, for a talk or a mail.")
    ] = None,
) -> None:
    """Build the HTML report again from a run folder alone."""
    if one_page is not None:
        from jepascope.report.one_page import build_one_page

        typer.echo(plain(str(build_one_page(folder, one_page).resolve())))
        return
    from jepascope.report.build import build_report

    typer.echo(plain(str(build_report(folder).resolve())))


@app.command(rich_help_panel=PAGES, epilog="Examples:  jepascope check runs/demo   |   jepascope check runs/demo --json")
@answered
def check(folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")], *, json_: Json = False) -> None:
    """Say which files of a run are as they were written: tables, subspaces, JSON and captured activations."""
    from jepascope.study.whole import UNCHECKED, file_states, repair

    states = file_states(folder)
    bad = [state for state in states if not state.whole]
    if json_:
        typer.echo(json.dumps([asdict(state) for state in states]))
    else:
        unchecked = sum(state.meaning == UNCHECKED for state in states)
        say(*(f"{state.name}: {state.meaning}" for state in bad))
        say(f"{len(states) - len(bad) - unchecked} of {len(states)} files are as they were written.")
        if unchecked:
            say(f"{unchecked} cannot be checked: {UNCHECKED}.")
        if bad:
            say(f"Make them again with: {repair(folder)}")
    if bad:
        raise SystemExit(1)


@app.command(
    rich_help_panel=MATERIAL, epilog="Examples:  jepascope models   |   jepascope models ./vjepa2-vitl-ssv2   |   jepascope models --json"
)
@answered
def models(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", help="One that is here: its sizes, what its predictor forecasts, what its task head can judge."),
    ] = None,
    json_: Json = False,
) -> None:
    """List known checkpoints: size, clips, memory, predictor or head, and how to get each. Of one: the labels of its head in pairs."""
    from jepascope.cli.models import model_command, models_command

    if model is None:
        models_command(json_)
    else:
        model_command(model, json_)


@app.command(rich_help_panel=HELP, epilog="Example:  jepascope doctor")
@answered
def doctor(json_: Json = False) -> None:
    """Check the installation: versions, devices, memory, disk, shipped weights."""
    from jepascope.doctor import doctor as checked

    checks = checked()
    if json_:
        typer.echo(json.dumps([asdict(check) for check in checks]))
    else:
        marks = {True: "ok", False: "FAIL", None: "note"}
        for check in checks:
            fix = f"  -> {check.fix}" if check.fix and check.ok is not True else ""
            say(f"{marks[check.ok]:>4}  {check.name}: {check.detail}{fix}")
    if any(check.ok is False for check in checks):
        raise SystemExit(1)


@app.command(
    rich_help_panel=MATERIAL,
    epilog="Examples:  jepascope train nano --out my-nano --device cuda   |   jepascope train nano-wide --out wide --seconds 3600",
)
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
    from jepascope.encoders.nano.recipe import recipe_named

    known = recipe_named(recipe)
    wanted = replace(known, steps=steps or known.steps, batch=batch or known.batch)
    with bars() as progress:
        from jepascope.training.train import train_and_card

        started: list[Callable[[int, int], None]] = []

        def tick(done: int, total: int, loss: float) -> None:
            if not started:  # not before the first step, so that a refusal is all that is said
                started.append(progress.start(f"train {recipe}"))
            started[0](done, total)

        finished = train_and_card(wanted, out, device, seconds, tick)
    say(
        f"Encoder and card: {out.resolve()} (use it with --model {quoted(out.resolve())})"
        if finished
        else f"Stopped before the last step; the same command goes on. {out.resolve()}"
    )


def _listed(given: str | None, known: Iterable[str]) -> list[str]:
    """Names with commas between them; all that are known where none are given."""
    return list(known) if given is None else split(given)
