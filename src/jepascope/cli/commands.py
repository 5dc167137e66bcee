"""What the commands do with their options: build a spec, call the library, print. Nothing is computed here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
import yaml

from jepascope.cli.terminal import bars, console
from jepascope.errors import BadArgument, quoted
from jepascope.study.machine import Machine, open_encoder

if TYPE_CHECKING:
    from rich.table import Table

    from jepascope.study.spec import StudySpec

RUN_OPTIONS = {"subspaces_from": "subspace"}
"""Options of run and plan that are not called as their field is."""

INTERVENE_OPTIONS = {
    "best_layer": "--layer",
    "edits": "--edit",
    "edit_doses": "--dose",
    "scope": "--tokens",
    "ablate_to": "--ablate-to",
    "swap_donor": "--donor",
    "finders": "--finders",
    "rank": "--rank",
    "extra_controls": "--controls",
    "judges": "--judges",
    "draws": "--draws",
    "context": "--context",
}
"""What fields of a spec are called on this command's line."""

LISTS = (
    "layers",
    "finders",
    "edits",
    "doses",
    "edit_doses",
    "judges",
    "extra_controls",
    "port_clips",
    "classes",
)  # fields that take several values, with commas on the command line


def spec_from(name: str | None, given: dict[str, Any], extra: list[str] | None) -> StudySpec:
    """A spec from a preset or file, with what the command line gives on top."""
    from jepascope.study.as_written import read_value
    from jepascope.study.spec import make_spec, spec_values

    values, source = spec_values(name)
    options = {key: value for key, value in given.items() if value is not None}
    called = {key: f"--{RUN_OPTIONS.get(key, key).replace('_', '-')}" for key in options}
    for item in extra or ():
        key, equals, text = item.partition("=")
        if not equals:
            raise BadArgument(f"--set {item}: write it as field=value.")
        try:
            options[key.strip()] = read_value(key.strip(), text)
            called[key.strip()] = f"--set {key.strip()}"
        except (yaml.YAMLError, ValueError, RecursionError):
            raise BadArgument(f"--set {item}: '{text}' is not a YAML value.") from None
    for name in ("labels", "clips"):
        if name in options:
            values.pop(f"{name}_digest", None)  # that of another file
    if "subspaces_from" in options:
        values.pop("subspaces_digest", None)
    for key in LISTS:
        if isinstance(options.get(key), str | int | float) and options[key] not in ("all", "survey"):
            options[key] = split(options[key])
    return make_spec({**values, **options}, source, called)


def run_command(spec: StudySpec, out: Path | None, machine: Machine, as_json: bool) -> None:
    from jepascope.encoders.at_hand import find
    from jepascope.study.folder import Run

    def check(known: StudySpec) -> Path:
        """Before anything slow: a folder that cannot be used is said at once."""
        folder = out or Path("runs") / f"{Path(known.model).name}-{known.clips_name}-{known.digest[:8]}"
        Run.check(folder, known)
        return folder

    find(spec.model)  # and a model that is not here
    folder = None if spec.of_videos else check(spec)
    with bars() as progress:
        if folder is None:  # which classes there are may have to be measured, and they are part of the study's name
            from jepascope.study.videos.foreseen import settled

            spec = settled(spec, progress)
            folder = check(spec)
        from jepascope.report.build import build_report
        from jepascope.study.run import run_study

        encoder = open_encoder(machine, spec.model, spec.frames, spec.size)
        summary = run_study(spec, folder, encoder, progress)
        report = build_report(folder)
    if as_json:
        typer.echo(json.dumps(summary))
        return
    out_console = console()
    out_console.print(summary["headline"], markup=False)
    if "footage" in summary:
        from jepascope.report.terminal import effect_table

        out_console.print(effect_table(folder, summary["best_layer"], "probe"))
        out_console.print("CE beside each control; brackets: 95 %, over videos. Ratio: CE over the mean of the draws (≥: a lower bound).")
    if any(row["leak"] for row in summary["leaks"].values()):
        from jepascope.findings.shortcuts import SHORTCUTS
        from jepascope.report.folder import read_run

        out_console.print(SHORTCUTS.claim(read_run(folder)).sentence, markup=False)
    out_console.print(f"{sum(summary['seconds'].values()):.0f} s of computing. Report: {report.resolve()}", markup=False)


def plan_command(spec: StudySpec, machine: Machine, as_json: bool) -> None:
    from rich.table import Table

    from jepascope.study.plan import make_plan

    plan = make_plan(spec, machine)
    if as_json:
        typer.echo(json.dumps(asdict(plan)))
        return
    table = Table("step", "forwards", "block passes", title=f"{spec.model} on {spec.clips_name}: {spec.variable}", title_justify="left")
    for step in plan.steps:
        table.add_row(step.name, f"{step.forwards:,}", f"{step.block_passes:,}")
    table.add_row("all", f"{plan.forwards:,}", f"{plan.block_passes:,}", style="bold")
    out = console()
    out.print(table)
    for line in plan.notes:
        out.print(line, markup=False)


def probe_command(folder: Path, variable: str | None, labels: Path | None, machine: Machine, as_json: bool) -> None:
    from jepascope.study.probe import probe_folder, probed_spec
    from jepascope.study.spec import saved_spec

    spec = saved_spec(folder)
    probed = probed_spec(spec, variable, labels)
    with bars() as progress:
        from jepascope.report.build import build_report
        from jepascope.study.probe import run_probe
        from jepascope.study.spec import saved_spec

        encoder = open_encoder(machine, spec.model, spec.frames, spec.size)
        summary = run_probe(folder, spec, probed, encoder, progress)
        report = build_report(folder) if (folder / "summary.json").exists() else None
    if as_json:
        typer.echo(json.dumps(summary))
        return
    out = console()
    out.print(layer_table(summary))
    out.print(summary["headline"], markup=False)
    out.print(f"Tables: {probe_folder(folder, spec, probed).resolve()}" + (f". Report: {report.resolve()}" if report else ""), markup=False)


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


def split(given: str | int | float) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in str(given).split(",") if part.strip()]


def intervene_command(folder: Path, changes: dict[str, Any], subspace: Path | None, machine: Machine, as_json: bool) -> None:
    from jepascope.study.intervene.command import best_layer_of, intervene_folder, intervened_spec
    from jepascope.study.spec import saved_spec

    if subspace is not None and changes["finders"] is not None:
        raise BadArgument("--subspace stands in place of the finders' subspaces; leave --finders out, or run it apart.")
    spec = saved_spec(folder)
    given = {key: split(value) if key in LISTS else value for key, value in changes.items() if value is not None}
    best = best_layer_of(folder) if changes["best_layer"] is None else int(changes["best_layer"])
    changed = intervened_spec(spec, best, given, subspace, INTERVENE_OPTIONS)
    with bars() as progress:
        from jepascope.report.build import build_report
        from jepascope.study.intervene.command import run_intervene

        encoder = open_encoder(machine, spec.model, spec.frames, spec.size)
        summary = run_intervene(folder, spec, changed, encoder, subspace, progress)
        report = build_report(folder) if (folder / "summary.json").exists() else None
    if as_json:
        typer.echo(json.dumps(summary))
        return
    from jepascope.findings.units import unit_of
    from jepascope.report.terminal import effect_table

    out, units = console(), f"{unit_of(changed.of_videos)}s"
    out.print(effect_table(intervene_folder(folder, changed)))
    out.print(summary["headline"], markup=False)
    out.print(
        "CE: ablate: share of the clean margin lost; else margin moved to the target over what the partner moves. Brackets: 95 %, over "
        f"{units} (and draws); of a control with fewer than 10 draws its least and largest draw, and nothing is compared "
        f"(largest axes and axes within classes are one of a kind: over {units}, 'above it' or 'below it'). Ratio: CE over the "
        "mean of the control's draws (≥: a lower bound, where theirs cannot be told from zero). p: one-sided place among the draws, "
        "(1 + draws at least as large) / (1 + draws), not corrected for the number of tests (p_holm in ce.parquet is). Outside its draws: "
        "the interval of the effect less one new draw is above zero (20 draws are the fewest that can say so); above the mean draw: only "
        "that of the effect less the mean draw is.",
        markup=False,
    )
    for name, why in summary["skipped"].items():
        out.print(f"Left out: {name} ({why}).", markup=False)
    out.print(f"Tables: {intervene_folder(folder, changed).resolve()}" + (f". Report: {report.resolve()}" if report else ""), markup=False)


def planted_command(
    networks: str | None, finders: str | None, seed: int, draws: int, out: Path, workers: int | None, as_json: bool, peels: int
) -> None:
    from rich.table import Column, Table

    with bars() as progress:
        from jepascope.discovery.finder_entry import FINDERS
        from jepascope.doctor import cores
        from jepascope.encoders.planted.networks import NETWORKS
        from jepascope.planted.scorecard import scorecard
        from jepascope.report.planted import build_planted, headline

        result = scorecard(listed(networks, NETWORKS), listed(finders, FINDERS), seed, draws, workers or cores(), progress, peels)
        result.write(out)
        page = build_planted(out)
    card = result.to_json()
    if as_json:
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
    for line in headline(card):
        terminal.print(line, markup=False)
    terminal.print(f"Page: {page.resolve()}", markup=False)


def listed(given: str | None, known: Iterable[str]) -> list[str]:
    """Names with commas between them; all that are known where none are given."""
    return list(known) if given is None else [name.strip() for name in given.split(",") if name.strip()]


def report_command(folder: Path) -> None:
    from jepascope.report.build import build_report

    typer.echo(str(build_report(folder).resolve()))


def doctor_command(as_json: bool) -> None:
    from jepascope.doctor import doctor

    checks = doctor()
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks]))
    else:
        out = console()
        marks = {True: "ok", False: "FAIL", None: "note"}
        for check in checks:
            out.print(
                f"{marks[check.ok]:>4}  {check.name}: {check.detail}" + (f"  -> {check.fix}" if check.fix and check.ok is not True else ""),
                markup=False,
            )
    if any(check.ok is False for check in checks):
        raise SystemExit(1)


def train_command(name: str, out: Path, device: str, steps: int | None, batch: int | None, seconds: float | None) -> None:
    from jepascope.encoders.nano.recipe import recipe_named

    recipe = recipe_named(name)
    recipe = replace(recipe, steps=steps or recipe.steps, batch=batch or recipe.batch)
    with bars() as progress:
        from jepascope.training.train import train_and_card

        started: list[Callable[[int, int], None]] = []

        def tick(done: int, total: int, loss: float) -> None:
            if not started:  # not before the first step, so that a refusal is all that is said
                started.append(progress.start(f"train {name}"))
            started[0](done, total)

        finished = train_and_card(recipe, out, device, seconds, tick)
    typer.echo(
        f"Encoder and card: {out.resolve()} (use it with --model {quoted(out.resolve())})"
        if finished
        else f"Stopped before the last step; the same command goes on. {out.resolve()}"
    )
