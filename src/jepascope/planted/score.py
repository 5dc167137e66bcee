"""Scoring one planted network: every finder's subspace, and the known ones, through every edit beside every control."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import nan
from typing import Any

import pandas as pd
import torch

from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find, find_shuffled, max_rank
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import PlantedEncoder
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.control_entry import AS_GIVEN, CONTROLS
from jepascope.intervention.controls import ControlDraw, matched_controls
from jepascope.intervention.edit_entry import USUAL
from jepascope.intervention.effects import intervene
from jepascope.planted.bench import PlantedBench, accuracy_inside
from jepascope.planted.degeneracy import PEELS, planted_degeneracy
from jepascope.planted.reads import beside_expected, planted_reads
from jepascope.planted.verdict import Measured, parts, verdict
from jepascope.portability.alignment import calibrated_sas
from jepascope.stats import Interval
from jepascope.study.progress import Progress, Silent

BATCH = 512  # edited clips at once: the networks are small
RESAMPLES = 500
COLUMNS = [
    *("network", "finder", "reference", "rank", "causal_rank", "sas_causal", "sas_inert"),
    *("accuracy", "accuracy_low", "accuracy_high", "accuracy_n", "chance", "natural_part", "rest", "verdict", "refusal"),
]


def joined(parts: Sequence[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """The tables of several, one below the other; empty ones left out, whose columns have no types, which pandas would have to guess."""
    every = {name: [part[name] for part in parts] for name in parts[0]}
    filled = {name: [table for table in tables if len(table)] or tables[:1] for name, tables in every.items()}
    return {name: pd.concat(tables, ignore_index=True) if len(tables[0]) else tables[0] for name, tables in filled.items()}


def score(
    benches: Sequence[PlantedBench[PlantedEncoder]],
    finders: Sequence[str],
    draws: int,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress | None = None,
    peels: int = PEELS,
) -> dict[str, pd.DataFrame]:
    """Scores of the finders named, at each network's causal subspace's own rank or their highest, then of the subspaces that are known.

    Tables: ``effects``: a row for each subspace, edit and control; ``subspaces``: a row for each finder or reference; ``reads``: the causal
    subspace ablated and read at every later layer; and those of ``planted_degeneracy``, with at most ``peels`` subspaces peeled off.
    A finder that refuses (say, because class means vanish and span too little) gets a row with its refusal, and no effects.
    """
    further = [
        {"reads": planted_reads(bench, draws, seed, resamples), **planted_degeneracy(bench, peels, seed, resamples)} for bench in benches
    ]
    return scored(benches, finders, draws, seed, resamples, progress) | joined(further)


def scored(
    benches: Sequence[PlantedBench[Any]],
    finders: Sequence[str],
    draws: int,
    seed: int = 0,
    resamples: int = RESAMPLES,
    progress: Progress | None = None,
) -> dict[str, pd.DataFrame]:
    """Tables ``effects`` and ``subspaces`` of any networks whose answer is known, by equations or because they were trained to it."""
    shown = progress or Silent()
    given = [_given(bench, finders, draws, seed, shown) for bench in benches]
    inside = accuracy_inside(
        {(i, name): (each.bench, space.basis) for i, each in enumerate(given) for name, space in each.everything.items()}
    )
    tick = shown.start("edits and controls")
    rows, tables = [], []
    for i, each in enumerate(given):
        table, halves = _effects(each, seed, resamples)
        network = each.bench.answer.name
        tables.append(table.assign(network=network))
        for name in [*finders, *each.references]:
            row = {"network": network, "finder": name, "reference": name in each.references}
            if name in each.refused:
                row.update(causal_rank=each.bench.answer.causal.shape[1], verdict="refuses", refusal=each.refused[name])
            else:
                row.update(_row(each, name, table, halves.get(name, (nan, nan)), inside[i, name]))
            rows.append(row)
        tick(i + 1, len(given))
    return {"effects": pd.concat(tables, ignore_index=True), "subspaces": pd.DataFrame(rows, columns=COLUMNS)}


@dataclass(frozen=True)
class _Given:
    """One network with everything that is run on it."""

    bench: PlantedBench[Any]
    found: dict[str, Subspace]
    references: dict[str, Subspace]
    refused: dict[str, str]
    controls: dict[str, list[ControlDraw]]

    @property
    def everything(self) -> dict[str, Subspace]:
        return {**self.found, **self.references}


def _given(bench: PlantedBench[Any], finders: Sequence[str], draws: int, seed: int, progress: Progress) -> _Given:
    tick = progress.start(f"find in {bench.answer.name}")
    data, rank = bench.data, bench.answer.causal.shape[1]
    if needing("path", finders):  # fitted once: the finder, its pattern and the controls of both start from it
        data = replace(data, path=l1_paths({data.where: data.x}, data.y, data.groups, seed=seed, onward=())[data.where])
    references = {name: Subspace(basis, bench.mean, {"finder": name}) for name, basis in bench.known.items()}
    found, refused, controls = {}, {}, {}
    for done, name in enumerate(finders):
        most = max_rank(name, data.classes, data.width, data.outputs)
        try:
            subspace = find(name, data, min(rank, most), seed)
            shuffled = find_shuffled(name, data, subspace.rank, draws, seed)
        except (BadArgument, BadData) as error:
            refused[name] = str(error)
        else:
            found[name] = subspace
            controls[name] = matched_controls(subspace, bench.covariance, draws, seed, shuffled)
        tick(done + 1, len(finders))
    for name, subspace in references.items():  # no finder, so no labels to shuffle
        complement = [control for control in AS_GIVEN if CONTROLS.entry(control).complement]
        controls[name] = matched_controls(subspace, bench.covariance, draws, seed, names=complement)
    return _Given(bench, found, references, refused, controls)


def _effects(given: _Given, seed: int, resamples: int) -> tuple[pd.DataFrame, dict[str, tuple[float, float]]]:
    """The table of effects, and CE(swap) of the natural part and of the rest of each subspace that has a rest."""
    bench, everything = given.bench, given.everything
    halves = {}
    for name, subspace in everything.items():
        natural, rest = parts(subspace.basis, bench.covariance)
        if rest.shape[1]:
            halves.update({(name, "natural"): natural, (name, "rest"): rest})
    effects, _ = intervene(bench.encoder, bench.site, bench.scenes, everything, given.controls, [bench.judge], batch=BATCH)
    # by which path an edit arrives is known here, so nothing is split into direct and indirect
    table = ce_table(effects.drop(columns="numerator_direct"), seed, resamples).drop(columns=["direct", "direct_low", "direct_high"])
    alone = {" | ".join(key): Subspace(basis, bench.mean, {}) for key, basis in halves.items() if basis.shape[1]}
    ce = {}
    if alone:
        swapped, _ = intervene(bench.encoder, bench.site, bench.scenes, alone, {}, [bench.judge], ("swap",), batch=BATCH)
        sums = swapped.groupby("finder")[["numerator", "denominator"]].sum()
        ce = (sums["numerator"] / sums["denominator"]).to_dict()
    by_part = {name: (ce.get(f"{name} | natural", 0.0), ce.get(f"{name} | rest", 0.0)) for name, _ in halves}
    expected = {
        (name, edit): nan if bench.answer.expected is None else bench.answer.expected(edit, subspace, bench.scenes.class_means)
        for name, subspace in everything.items()
        for edit in USUAL
    }
    return beside_expected(table, pd.Series(zip(table["finder"], table["edit"], strict=True)).map(expected)), by_part


def _row(given: _Given, name: str, table: pd.DataFrame, halves: tuple[float, float], inside: Interval) -> dict[str, object]:
    bench, answer, subspace = given.bench, given.bench.answer, given.everything[name]
    own = table[(table["finder"] == name) & (table["control"] == "subspace")].set_index("edit")["low"]
    counts = torch.bincount(bench.scenes.label)
    measured = Measured(
        rank=subspace.rank,
        causal_rank=answer.causal.shape[1],
        sas_causal=calibrated_sas(subspace.basis, answer.causal),
        sas_inert=calibrated_sas(subspace.basis, answer.inert),
        ablate_low=float(own["ablate"]),
        swap_low=float(own["swap"]),
        natural_part=halves[0],
        rest=halves[1],
        accuracy_low=inside.low,
        chance=float(counts.max() / counts.sum()),
        has_decoy=answer.decoy,
    )
    return {
        **{key: value for key, value in asdict(measured).items() if key in COLUMNS},
        "accuracy": inside.value,
        "accuracy_high": inside.high,
        "accuracy_n": inside.n,
        "verdict": verdict(measured),
        "refusal": "",
    }
