"""Portability at the best layer: across finders, data seeds, layers and clip sets -> portability, angles and carried_readout tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, permutations

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.judges import ProbeJudge
from jepascope.portability.rce_anew import SEED, over_fits
from jepascope.portability.refits import Refits
from jepascope.portability.tables import Pair
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.intervene.curves import dose_effects
from jepascope.study.port.compared import Finders, Ported, aligned, ceilings_of, finders_at, readout_row, refits_of, retained
from jepascope.study.port.equal_norm import at_equal_norm
from jepascope.study.port.found_elsewhere import carried_to
from jepascope.study.port.imported import ImportedSubspaces, ported

OTHER = "other seed"


def run_portability(
    captures: Captures,
    context: InterventionContext,
    subspaces: Mapping[int, Mapping[str, Subspace]],
    judge: ProbeJudge,
    fits: pd.DataFrame,
    imported: ImportedSubspaces | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """SAS, readings, RCE over a dose sweep and principal angles: of the finders' subspaces with each other, with their own on new scenes
    and at other layers, and with their own on other clip sets (scenes and clip sets not for labels of one's own, which they lack).

    ``fits``: what was found anew, which RCE across finders and data seeds is said of."""
    spec, layer = captures.spec, context.site.layer
    own = subspaces[layer]
    tick = captures.progress.start("portability")
    finders = finders_at(captures, {name: subspace.rank for name, subspace in own.items()})
    ceilings = ceilings_of(captures, layer, finders)
    tick(1, 5)
    seeds, layers = _of_other_seed(captures, layer, finders), _of_other_layers(subspaces, layer)
    tick(2, 5)
    others = {used: subspace for (used, _), subspace in (seeds | layers).items()}
    known = ceilings | {used: ceilings[native] for used, native in seeds | layers if native in ceilings}
    beside = _beside(captures, subspaces, layer)
    found = Ported()
    for across, pairs in (("finder", list(combinations(own, 2))), (SEED, list(seeds)), ("layer", list(layers))):
        found += aligned(captures, across, layer, {**own, **others}, pairs, known, beside)
    tick(3, 5)
    effects = _effects(captures, context, own, others)
    kinds: list[tuple[str, list[Pair]]] = [("finder", list(permutations(own, 2))), (SEED, list(seeds)), ("layer", list(layers))]
    for across, pairs in kinds:
        found += Ported(over_fits(retained(captures, across, effects, pairs).portability, fits))
    found += at_equal_norm(captures, context, {**own, **others}, kinds, beside, found.portability)
    tick(4, 5)
    found += Ported(readout=[readout_row(captures, judge, spec.clips_name)])
    if imported is not None:
        found += ported(imported, context, own, ceilings)
    for clips in spec.carried_to:
        found += carried_to(captures, clips, layer, own, finders, ceilings, judge, beside)
    tick(5, 5)
    return found.tables


def _of_other_seed(captures: Captures, layer: int, finders: Finders) -> dict[Pair, Subspace]:
    """Each finder's own on the fit clips of another seed."""
    other = captures.other_fit
    if other is None:
        return {}
    return {(f"{name} ({OTHER})", name): finder(given_in(captures, layer, finder=name, of=other)) for name, finder in finders.items()}


def _of_other_layers(subspaces: Mapping[int, Mapping[str, Subspace]], layer: int) -> dict[Pair, Subspace]:
    """Each finder's own at the other layers of the study: the residual stream has one set of coordinates at all of them."""
    found = {}
    for elsewhere, there in subspaces.items():
        for name, subspace in there.items():
            if elsewhere != layer:
                where = {**subspace.provenance, "layer": layer, "found_at_layer": elsewhere}
                found[f"{name} (layer {elsewhere})", name] = replace(subspace, mean=subspaces[layer][name].mean, provenance=where)
    return found


def _beside(captures: Captures, subspaces: Mapping[int, Mapping[str, Subspace]], layer: int) -> dict[str, Refits]:
    """What stands beside SAS, of every subspace by its name in tables."""
    ranks = {name: subspace.rank for name, subspace in subspaces[layer].items()}
    known = refits_of(captures, layer, ranks)
    if captures.other_fit is not None:
        known |= {f"{name} ({OTHER})": given for name, given in refits_of(captures, layer, ranks, captures.other_fit).items()}
    for elsewhere, there in subspaces.items():
        if elsewhere != layer:
            at = {name: subspace.rank for name, subspace in there.items()}
            known |= {f"{name} (layer {elsewhere})": given for name, given in refits_of(captures, elsewhere, at).items()}
    return known


def _effects(captures: Captures, context: InterventionContext, own: Mapping[str, Subspace], others: Mapping[str, Subspace]) -> pd.DataFrame:
    """Ablations over the doses: the finders' own with their controls (the dose curves have them), and subspaces found elsewhere."""
    imported = {} if captures.imported is None else captures.imported.subspaces
    effects = dose_effects(captures, context, {**own, **imported}, "ablate")
    if not others:
        return effects
    tick = captures.progress.start("dose sweep")
    theirs, _ = context.edit(others, {}, ("ablate",), captures.spec.doses, [context.judge], tick)
    return pd.concat([effects, theirs], ignore_index=True)
