"""Interventions: edits, their controls and the judge at every layer -> effects and matching tables."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import torch

from jepascope.activations.moments import Moments
from jepascope.activations.site import Site
from jepascope.discovery.finders import find_shuffled
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.controls import CONTROLS, ControlDraw, matched_controls
from jepascope.intervention.edits import class_means
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.run import Scenes
from jepascope.study.bench import Bench

ELSEWHERE = ("random",)  # the control that runs at layers no claim is made for


def probe_judge(bench: Bench) -> ProbeJudge:
    """The held-out probe: trained on split judge at the last layer, strength chosen by cross-validation there."""
    judge, last, spec = bench.judge, bench.encoder.card.depth, bench.spec
    inputs = {last: judge.pooled(last, spec.tokens)}
    paths = dense_probes(inputs, bench.labels(judge), bench.scenes(judge), bench.folds, seed=spec.seed)
    return ProbeJudge(paths[last].probe, spec.tokens)


def scenes_at(bench: Bench, layer: int) -> Scenes:
    means = class_means(bench.fit.pooled(layer, bench.spec.tokens), bench.labels(bench.fit), len(bench.classes))
    return Scenes(bench.test, bench.twins, bench.labels(bench.test), bench.labels(bench.twins), means, bench.donor)


def controls_at(
    bench: Bench, layer: int, subspaces: Mapping[str, Subspace], names: tuple[str, ...], draws: int
) -> dict[str, list[ControlDraw]]:
    """Matched controls of every finder. Draws avoid all finders' subspaces where there is room, so that finders share ``random``."""
    spec, fit = bench.spec, bench.fit
    covariance = fit.moments(layer, spec.tokens).covariance
    everything = torch.cat([subspace.basis for subspace in subspaces.values()], dim=1)
    room = bench.encoder.card.width - int(torch.linalg.matrix_rank(everything))
    avoid = everything if room >= 2 * spec.full_rank else None
    pooled = Moments.of(fit.pooled(layer, spec.tokens)).covariance
    found = {}
    for finder, subspace in subspaces.items():
        shuffled = None
        if "shuffled" in names:
            data = bench.labelled(layer, finder=finder)
            shuffled = find_shuffled(finder, data, subspace.rank, draws, spec.seed, layer=layer)
        found[finder] = matched_controls(subspace, covariance, draws, spec.seed, shuffled, avoid, names, pooled)
    return found


def run_layer(
    bench: Bench, layer: int, subspaces: Mapping[str, Subspace], judge: ProbeJudge, best: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects and matching of one layer; each edit is a part of its own on disk, so that a killed run loses one at most."""
    spec, run = bench.spec, bench.run
    controls: dict[str, list[ControlDraw]] | None = None
    effects, matching = [], []
    for edit in spec.edits if best else ("ablate",):
        names = [f"parts/{table}-layer{layer}-{edit}{'-best' if best else ''}" for table in ("effects", "matching")]
        if not all(run.has(f"{name}.parquet") for name in names):
            if controls is None:
                controls = controls_at(
                    bench, layer, subspaces, CONTROLS if best else ELSEWHERE, spec.draws if best else spec.draws_elsewhere
                )
            tick = bench.progress.start(f"{edit} at layer {layer}" + (" with every control" if best else ""))
            tables = intervene(
                bench.encoder, Site(layer, spec.tokens), scenes_at(bench, layer), subspaces, controls, judge, (edit,), progress=tick
            )
            for name, table in zip(names, tables, strict=True):
                run.write_table(name, table)
        effects.append(run.table(names[0]))
        matching.append(run.table(names[1]))
    return pd.concat(effects, ignore_index=True), pd.concat(matching, ignore_index=True)


def run_interventions(bench: Bench, best: int, subspaces: Mapping[int, Mapping[str, Subspace]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best layer in full, the others by ablation against the random control."""
    judge = probe_judge(bench)
    parts = [run_layer(bench, layer, found, judge, layer == best) for layer, found in sorted(subspaces.items())]
    return pd.concat([effects for effects, _ in parts], ignore_index=True), pd.concat(
        [matching for _, matching in parts], ignore_index=True
    )
