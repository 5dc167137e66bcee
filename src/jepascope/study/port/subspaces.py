"""Two runs of one encoder: the other run's subspaces used in this one -> portability and angles tables."""

from __future__ import annotations

from functools import partial

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import angle_rows, angle_table, portability_table, readings_rows, sas_rows
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.curves import BESIDE
from jepascope.study.intervene.layers import controls_at
from jepascope.study.port.clip_sets import Finders, ceilings_of
from jepascope.study.port.ground import find_in, last_layer_probe
from jepascope.study.port.sides import Side
from jepascope.study.steps.intervene import PORT_DRAWS

ACROSS = "run"


def run_subspaces_table(a: Side, b: Side, names: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every finder, at this run's best layer: "<finder> (<other folder>)" in place of this run's own.

    Ablated on this run's test scenes, to the mean of its clips, read by its own read-out.
    """
    captures, layer, spec = a.captures, a.best, a.captures.spec
    finders: Finders = {name: partial(find_in, name, spec.rank_of(name), captures.folds, spec.seed) for name in names}
    native = {name: a.subspace(name, layer, spec.rank_of(name)) for name in names}
    theirs = {}
    for name in names:
        found = b.subspace(name, layer, b.captures.spec.rank_of(name))
        where = {**found.provenance, "model": captures.encoder.card.name}  # the same weights, by whatever name
        theirs[f"{name} ({b.path.resolve().name})"] = Subspace(found.basis, native[name].mean, where)
    pairs = list(zip(theirs, native, strict=True))
    everything = native | theirs
    own = ceilings_of(captures, layer, finders)
    fit, test = captures.fit.pooled(layer, spec.tokens), captures.test_pooled(layer, spec.tokens)
    rows = sas_rows(everything, ACROSS, layer, own | {there: own[here] for there, here in pairs if here in own}, pairs)
    rows += readings_rows(everything, ACROSS, layer, fit, test, pairs, spec.seed, spec.resamples, captures.test_scenes)
    context = context_at(captures, layer, [last_layer_probe(captures)])
    controls, tick = (
        controls_at(captures, context, native, BESIDE, PORT_DRAWS),
        captures.progress.start("the other run's subspaces used here"),
    )
    effects, _ = context.edit(everything, controls, ("ablate",), spec.doses, progress=tick)
    rows += rce_rows(effects, [(here, there) for there, here in pairs], ACROSS, spec.seed, spec.resamples)
    return portability_table(rows), angle_table(angle_rows(everything, ACROSS, layer, pairs))
