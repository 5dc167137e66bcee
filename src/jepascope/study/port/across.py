"""Portability at the best layer: across finders, data seeds, layers and clip sets -> portability, angles and carried_readout tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from itertools import combinations, permutations

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.judges import ProbeJudge
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import Pair, angle_rows, angle_table, portability_table, readings_rows, sas_rows
from jepascope.study.captures import Captures
from jepascope.study.intervene.curves import dose_effects
from jepascope.study.port.clip_sets import READOUT_COLUMNS, Finders, Rows, carried_to, ceilings_of, readout_row
from jepascope.study.port.ground import find_in
from jepascope.study.videos.ported import ported
from jepascope.study.videos.taken import ImportedSubspaces

OTHER = "other seed"


def run_portability(
    captures: Captures,
    context: InterventionContext,
    subspaces: Mapping[int, Mapping[str, Subspace]],
    judge: ProbeJudge,
    imported: ImportedSubspaces | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """SAS, readings, RCE over a dose sweep and principal angles: of the finders' subspaces with each other, with their own on new scenes
    and at other layers, and with their own on other clip sets (scenes and clip sets not for labels of one's own, which they lack)."""
    spec, layer = captures.spec, context.site.layer
    here = subspaces[layer]
    tick = captures.progress.start("portability")
    finders = {name: partial(find_in, name, subspace.rank, captures.folds, spec.seed) for name, subspace in here.items()}
    own = ceilings_of(captures, layer, finders)
    tick(1, 5)
    seeds, layers = _of_other_seed(captures, layer, finders), _of_other_layers(subspaces, layer)
    tick(2, 5)
    rows: Rows = []
    angles: Rows = []
    everything = {**here, **{a: one for (a, _), one in (seeds | layers).items()}}
    ceilings = own | {a: own[b] for a, b in seeds | layers if b in own}
    fit, test = captures.fit.pooled(layer, spec.tokens), captures.test_pooled(layer, spec.tokens)
    for across, pairs in (("finder", list(combinations(here, 2))), ("data seed", list(seeds)), ("layer", list(layers))):
        rows += sas_rows(everything, across, layer, ceilings, pairs)
        rows += readings_rows(everything, across, layer, fit, test, pairs, spec.seed, spec.resamples, captures.test_scenes)
        angles += angle_rows(everything, across, layer, pairs)
    tick(3, 5)
    effects = _effects(captures, context, here, {a: one for (a, _), one in (seeds | layers).items()})
    for across, used in (("finder", [(b, a) for a, b in permutations(here, 2)]), ("data seed", _native(seeds)), ("layer", _native(layers))):
        rows += rce_rows(effects, used, across, spec.seed, spec.resamples)
    tick(4, 5)
    readout = [readout_row(captures, judge, spec.clips_name)]
    if imported is not None:
        carried = ported(imported, context, here, own)
        rows, angles, readout = rows + carried.portability, angles + carried.angles, readout + carried.readout
    for clips in spec.carried_to:
        carried = carried_to(captures, clips, layer, here, finders, own, judge)
        rows, angles, readout = rows + carried.portability, angles + carried.angles, readout + carried.readout
    tick(5, 5)
    return portability_table(rows), angle_table(angles), pd.DataFrame(readout, columns=READOUT_COLUMNS)


def _native(pairs: Mapping[Pair, Subspace]) -> list[Pair]:
    """As (native, used)."""
    return [(b, a) for a, b in pairs]


def _of_other_seed(captures: Captures, layer: int, finders: Finders) -> dict[Pair, Subspace]:
    """Each finder's own on the fit clips of another seed."""
    other = captures.other_fit
    if other is None:
        return {}
    return {(f"{name} ({OTHER})", name): finder(captures.labelled(layer, finder=name, of=other)) for name, finder in finders.items()}


def _of_other_layers(subspaces: Mapping[int, Mapping[str, Subspace]], layer: int) -> dict[Pair, Subspace]:
    """Each finder's own at the other layers of the study: the residual stream has one set of coordinates at all of them."""
    found = {}
    for elsewhere, there in subspaces.items():
        for name, subspace in there.items():
            if elsewhere != layer:
                said = {**subspace.provenance, "layer": layer, "found_at_layer": elsewhere}
                found[f"{name} (layer {elsewhere})", name] = replace(subspace, mean=subspaces[layer][name].mean, provenance=said)
    return found


def _effects(captures: Captures, context: InterventionContext, own: Mapping[str, Subspace], others: Mapping[str, Subspace]) -> pd.DataFrame:
    """Ablations over the doses: the finders' own with their controls (the dose curves have them), and subspaces found elsewhere."""
    taken = {} if captures.imported is None else captures.imported.subspaces
    effects = dose_effects(captures, context, {**own, **taken}, "ablate")
    if not others:
        return effects
    tick = captures.progress.start("dose sweep")
    theirs, _ = context.edit(others, {}, ("ablate",), captures.spec.doses, [context.judge], tick)
    return pd.concat([effects, theirs], ignore_index=True)
