"""``intervene``: stage two by itself on a run folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from jepascope.cli.app import STUDIES, Json, app, option_names, takes_machine
from jepascope.cli.options import edit_options, takes_edits
from jepascope.cli.terminal import answered, bars, build_again, console, say, where
from jepascope.errors import BadArgument
from jepascope.study.machine import Machine, opened_encoder


@app.command(
    rich_help_panel=STUDIES,
    epilog="Examples:  jepascope intervene runs/demo --layer 3 --edit swap --dose 0.5,1,2   |   "
    "jepascope intervene runs/demo --tokens background   |   jepascope intervene runs/demo --edit rotate,steer   |   "
    "jepascope intervene runs/demo --subspace mine.safetensors --controls nuisance,self_swap",
)
@answered
@takes_machine
@takes_edits
def intervene(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    edits: dict[str, Any],
    machine: Machine,
    json_: Json = False,
) -> None:
    """Stage two alone on a run folder: any layer, edit, dose, token scope, judge and control, beside the matched controls."""
    from jepascope.study.intervene.command import best_layer_of, intervene_folder, intervened_spec, run_intervene
    from jepascope.study.spec_file import saved_spec

    subspace = edits.pop("subspace", None)
    if subspace is not None and "finders" in edits:
        raise BadArgument("--subspace stands in place of the finders' subspaces; leave --finders out, or run it apart.")
    spec = saved_spec(folder)
    best = best_layer_of(folder) if "best_layer" not in edits else int(edits["best_layer"])
    changed = intervened_spec(spec, best, edits, subspace, option_names(edit_options))
    with bars() as progress, opened_encoder(machine, spec.model, spec.frames, spec.size) as encoder:
        summary = run_intervene(folder, spec, changed, encoder, subspace, progress)
        report = build_again(folder)
    if json_:
        typer.echo(json.dumps(summary))
        return
    from jepascope.findings.names import unit_of
    from jepascope.report.terminal import effect_table

    made, units = intervene_folder(folder, changed), f"{unit_of(changed.of_videos)}s"
    console().print(effect_table(made))
    say(
        summary["headline"],
        "CE: ablate: share of the clean margin lost; else margin moved to the target over what the partner moves. Brackets: 95 %, over "
        f"{units} (and draws); of a control with fewer than 10 draws its least and largest draw, and nothing is compared "
        f"(largest axes and axes within classes are one of a kind: over {units}, 'above it' or 'below it'). Ratio: CE over the "
        "mean of the control's draws (≥: a lower bound, where theirs cannot be told from zero). p: one-sided place among the draws, "
        "(1 + draws at least as large) / (1 + draws), not corrected for the number of tests (p_holm in ce.parquet is). Outside its draws: "
        "the interval of the effect less one new draw is above zero (20 draws are the fewest that can say so); above the mean draw: only "
        "that of the effect less the mean draw is.",
        *(f"Left out: {name} ({why})." for name, why in summary["skipped"].items()),
        where(made, report),
    )
