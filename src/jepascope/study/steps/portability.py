"""Portability at the best layer: across finders and across data seeds -> portability and angles tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import permutations

import pandas as pd
import torch
from jaxtyping import Bool
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.finders import NEEDS_PATH, find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.effects import intervene
from jepascope.portability.alignment import split_half_ceiling
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import angle_rows, angle_table, portability_table, sas_rows
from jepascope.study.bench import Bench
from jepascope.study.stage_two.curves import dose_effects
from jepascope.study.stage_two.judges import Panel
from jepascope.study.stage_two.layers import unedited_at
from jepascope.study.stage_two.scenes import scenes_at

HALVINGS = 4  # random halvings of the fit clips behind each split-half ceiling
OTHER = "other seed"


def run_portability(
    bench: Bench, layer: int, subspaces: Mapping[str, Subspace], panel: Callable[[], Panel]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """SAS, RCE over a dose sweep and principal angles of the finders' subspaces with each other and with their own on new scenes
    (not for labels of one's own: new scenes have none)."""
    spec = bench.spec
    tick = bench.progress.start("portability")
    finders = {name: partial(_found, name, subspace.rank, bench.folds, spec.seed) for name, subspace in subspaces.items()}
    ceilings = {}
    for name, finder in finders.items():
        data = bench.labelled(layer, finder=name)
        ceilings[name] = split_half_ceiling(partial(_found_on, finder, data), data.y, HALVINGS, spec.seed)
    tick(1, 3)
    other = bench.other_fit
    elsewhere: dict[str, Subspace] = {}
    if other is not None:
        elsewhere = {name: finder(bench.labelled(layer, finder=name, of=other)) for name, finder in finders.items()}
    tick(2, 3)

    rows = sas_rows(subspaces, "finder", layer, ceilings)
    angles = angle_rows(subspaces, "finder", layer, spec.seed)
    for name in elsewhere:
        pair = {name: subspaces[name], f"{name} ({OTHER})": elsewhere[name]}
        own = {label: ceilings[name] for label in pair}
        rows += sas_rows(pair, "data seed", layer, own)
        angles += angle_rows(pair, "data seed", layer, spec.seed)

    effects = dose_effects(bench, layer, subspaces, panel, "ablate")
    if elsewhere:
        theirs, _ = intervene(
            bench.encoder,
            Site(layer, spec.tokens),
            scenes_at(bench, layer),
            {f"{name} ({OTHER})": subspace for name, subspace in elsewhere.items()},
            {},
            [panel().main],
            ("ablate",),
            spec.doses,
            progress=bench.progress.start("dose sweep"),
            unedited=unedited_at(bench, layer, panel())(),
        )
        effects = pd.concat([effects, theirs], ignore_index=True)
    across_finders = [(native, used) for used, native in permutations(subspaces, 2)]
    rows += rce_rows(effects, across_finders, "finder", spec.seed, spec.resamples)
    rows += rce_rows(effects, [(name, f"{name} ({OTHER})") for name in elsewhere], "data seed", spec.seed, spec.resamples)
    tick(3, 3)
    return portability_table(rows), angle_table(angles)


def _found(name: str, rank: int, folds: int, seed: int, data: Labelled) -> Subspace:
    path = None
    if name in NEEDS_PATH:  # half of the clips may hold too few of a class for the study's folds
        path = l1_paths({name: data.x}, data.y, None, min(folds, int(torch.bincount(data.y).min())), seed=seed)[name]
    return find(name, replace(data, path=path), rank, seed)


def _found_on(finder: Callable[[Labelled], Subspace], data: Labelled, clips: Bool[Tensor, " clips"]) -> Subspace:
    return finder(data.select(clips))
