"""Edits and controls at one layer: in full (every edit, control and judge), or surveyed (ablation against a few random draws)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pandas as pd
import torch

from jepascope.activations.moments import Moments
from jepascope.activations.site import SELECTIONS, Site
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find_shuffled
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.conditions import merged
from jepascope.intervention.controls import CONTROLS, ControlDraw, matched_controls
from jepascope.intervention.effects import intervene
from jepascope.intervention.forecast import ForecastJudge, run_forecast
from jepascope.intervention.forecast_tables import forecast_rows, forecast_table
from jepascope.intervention.run import Unedited, read_unedited
from jepascope.intervention.scenes import Scenes
from jepascope.study.bench import Bench
from jepascope.study.stage_two.judges import Panel
from jepascope.study.stage_two.requested import fixed_controls, self_swaps, untrained_effects
from jepascope.study.stage_two.scenes import beginnings, head_judge, head_scenes, scenes_at

SURVEYED = ("random",)  # the control that runs at layers no claim is made for
TABLES = ("effects", "matching", "witnesses")


def controls_at(
    bench: Bench, layer: int, subspaces: Mapping[str, Subspace], names: tuple[str, ...], draws: int
) -> dict[str, list[ControlDraw]]:
    """Matched controls of every finder. Draws avoid all finders' subspaces where there is room, so that finders share ``random``.

    A subspace without a reference to what found it has no ``shuffled`` control (see ``without_shuffles``).
    """
    spec, fit = bench.spec, bench.fit
    tokens = spec.edited_tokens if spec.edited_tokens in SELECTIONS else "all"
    covariance = fit.moments(layer, tokens).covariance
    everything = torch.cat([subspace.basis for subspace in subspaces.values()], dim=1)
    room = bench.encoder.card.width - int(torch.linalg.matrix_rank(everything))
    avoid = everything if room >= 2 * max(spec.full_rank, *(subspace.rank for subspace in subspaces.values())) else None
    pooled = Moments.of(fit.pooled(layer, spec.tokens)).covariance
    found = {}
    for finder, subspace in subspaces.items():
        shuffled = None
        source = bench.shuffles(layer, finder, subspace) if "shuffled" in names else None
        own = names if source is not None else tuple(name for name in names if name != "shuffled")
        if source is not None:
            shuffled = find_shuffled(*source, subspace.rank, draws, spec.seed, layer=layer)
        drawn = matched_controls(subspace, covariance, draws, spec.seed, shuffled, avoid, own, pooled)
        found[finder] = [*drawn, *(fixed_controls(bench, layer, subspace, covariance) if names == CONTROLS else ())]
    return found


def without_shuffles(bench: Bench, subspaces: Mapping[str, Subspace]) -> dict[str, str]:
    """Subspaces that have no ``shuffled`` control, and why."""
    why = {}
    for name, subspace in subspaces.items():
        taken = bench.taken is not None and name in bench.taken.subspaces
        if subspace.found_by is None:
            why[name] = "its file does not say which finder found it, and that finder does not find it again"
        elif taken and needing("suffix", [subspace.found_by.finder]):
            why[name] = "its finder would have to be trained in the other run's clips for every draw"
    return why


def unedited_at(bench: Bench, layer: int, panel: Panel, full: bool = True) -> Callable[[], Unedited]:
    """What the panel reads of the test scenes and their partners unedited: once for everything that is run at a layer."""
    site = Site(layer, bench.spec.tokens)
    return bench.once(
        f"unedited {layer} {full}", lambda: read_unedited(bench.encoder, site, scenes_at(bench, layer), panel.at(layer, full))
    )


def run_layer(bench: Bench, layer: int, subspaces: Mapping[str, Subspace], panel: Panel, full: bool) -> dict[str, pd.DataFrame]:
    """Effects, matching and witnesses of one layer; each edit is a part of its own on disk, so that a killed run loses one at most."""
    spec = bench.spec
    site, scenes = Site(layer, spec.edited_tokens), scenes_at(bench, layer)
    judges = panel.at(layer, full)
    names, draws = (CONTROLS, spec.draws) if full else (SURVEYED, spec.draws_elsewhere)
    controls = bench.once(f"controls {layer} {full}", lambda: controls_at(bench, layer, subspaces, names, draws))
    unedited = unedited_at(bench, layer, panel, full)
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for edit in spec.edits if full else ("ablate",):

        def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
            tick = bench.progress.start(f"{edit} at layer {layer}" + (" with every control" if full else ""))
            effects, matching = intervene(
                bench.encoder,
                site,
                scenes,
                subspaces,
                controls(),
                judges,
                (edit,),
                spec.edit_doses if full else (1.0,),
                progress=tick,
                ablate_to=spec.ablate_to,
                unedited=unedited(),
            )
            if edit == "swap" and "self_swap" in spec.extra_controls:
                swapped = self_swaps(bench, site, scenes, subspaces, panel.last(), unedited())
                effects = pd.concat([effects, swapped], ignore_index=True)
            main = (effects["read_layer"] == panel.depth) & (effects["read"] == "")
            return effects[main], matching, effects[~main]

        part = f"layer{layer}-{edit}{'-full' if full else ''}"
        for name, table in zip(TABLES, bench.part(part, TABLES, work), strict=True):
            found[name].append(table)
    if full and "untrained" in spec.extra_controls:

        def untrained() -> tuple[pd.DataFrame, ...]:
            return (untrained_effects(bench, layer, subspaces, pd.concat(found["effects"], ignore_index=True)),)

        found["effects"] += bench.part(f"layer{layer}-untrained", ("effects",), untrained)
    return {name: pd.concat(tables, ignore_index=True) for name, tables in found.items()}


def run_predictor(bench: Bench, layer: int, subspaces: Mapping[str, Subspace], judge: ForecastJudge) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same edits and controls of beginnings, judged by the predictor: effects, and forecasts in their own units."""
    spec, site = bench.spec, Site(layer, bench.spec.edited_tokens)
    whole = scenes_at(bench, layer)
    controls = bench.once(f"controls {layer} True", lambda: controls_at(bench, layer, subspaces, CONTROLS, spec.draws))
    begun = bench.once(f"beginnings {layer}", lambda: beginnings(bench, whole, judge.early))
    effects: list[pd.DataFrame] = []
    forecasts: list[pd.DataFrame] = []
    for edit in spec.edits:

        def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
            conditions = merged(subspaces, controls(), spec.edit_doses, edit)
            tick, total = bench.progress.start(f"{edit} at layer {layer}, by the predictor"), len(conditions) * len(whole)
            foreseen = run_forecast(
                judge, site, whole, begun(), conditions, edit, progress=lambda done: tick(done, total), ablate_to=spec.ablate_to
            )
            finders = list(subspaces)
            return (
                forecast_rows(site, whole, conditions, edit, foreseen, finders, bench.encoder.card.depth),
                forecast_table(site, judge.context, whole, conditions, edit, foreseen, finders, spec.seed, spec.resamples),
            )

        for table, kept in zip(
            bench.part(f"layer{layer}-{edit}-predictor", ("effects", "forecasts"), work), (effects, forecasts), strict=True
        ):
            kept.append(table)
    references = pd.concat(forecasts, ignore_index=True)
    # the references are the same beside every edit
    return pd.concat(effects, ignore_index=True), references.drop_duplicates(["finder", "edit", "control", "dose", "rank"])


def run_head(bench: Bench, layer: int, subspaces: Mapping[str, Subspace]) -> pd.DataFrame:
    """The same edits and controls of the scenes that the task head can name, judged by it: effects."""
    spec, site, judge = bench.spec, Site(layer, bench.spec.edited_tokens), head_judge(bench)
    scenes: Scenes = replace(head_scenes(bench, scenes_at(bench, layer)), others={})
    controls = bench.once(f"controls {layer} True", lambda: controls_at(bench, layer, subspaces, CONTROLS, spec.draws))
    unedited = bench.once(f"head unedited {layer}", lambda: read_unedited(bench.encoder, site, scenes, [judge]))
    found: list[pd.DataFrame] = []
    for edit in spec.edits:

        def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
            tick = bench.progress.start(f"{edit} at layer {layer}, by the task head")
            effects, _ = intervene(
                bench.encoder,
                site,
                scenes,
                subspaces,
                controls(),
                [judge],
                (edit,),
                spec.edit_doses,
                progress=tick,
                ablate_to=spec.ablate_to,
                unedited=unedited(),
            )
            return (effects,)

        found += bench.part(f"layer{layer}-{edit}-head", ("effects",), work)
    return pd.concat(found, ignore_index=True)
