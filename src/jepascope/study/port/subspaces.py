"""Two runs of one encoder: the other run's subspaces used in this one -> portability and angles tables."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pandas as pd

from jepascope.activations.site import Site
from jepascope.errors import BadArgument
from jepascope.intervention.effects import intervene
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import angle_rows, angle_table, portability_table, readings_rows, sas_rows
from jepascope.study.counts import PORT_DRAWS
from jepascope.study.port.sides import Side
from jepascope.study.stage_three.clip_sets import Finders, ceilings_of
from jepascope.study.stage_three.ground import find_in, last_layer_probe
from jepascope.study.stage_two.curves import BESIDE
from jepascope.study.stage_two.layers import controls_at
from jepascope.study.stage_two.scenes import scenes_at

ACROSS = "run"


def run_subspaces_table(a: Side, b: Side) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every finder that both runs have, at this run's best layer: "<finder> (<other folder>)" in place of this run's own.

    Ablated on this run's test scenes, to the mean of its clips, read by its own read-out. Raises BadArgument where they share no finder.
    """
    bench, layer, spec = a.bench, a.best, a.bench.spec
    common: list[str] = [name for name in spec.finders if name in b.bench.spec.finders]
    if not common:
        raise BadArgument(f"The two runs have no finder in common ({', '.join(spec.finders)}; {', '.join(b.bench.spec.finders)}).")
    finders: Finders = {name: partial(find_in, name, spec.rank_of(name), bench.folds, spec.seed) for name in common}
    native = {name: finder(bench.labelled(layer, finder=name, of=bench.fit)) for name, finder in finders.items()}
    theirs = {}
    for name in common:
        other = b.bench
        data = other.labelled(layer, finder=name, of=other.fit)
        found = find_in(name, other.spec.rank_of(name), other.folds, other.spec.seed, data)
        theirs[f"{name} ({b.path.name})"] = replace(found, mean=native[name].mean)
    pairs = list(zip(theirs, native, strict=True))
    everything = native | theirs
    own = ceilings_of(bench, layer, finders)
    fit, test = bench.fit.pooled(layer, spec.tokens), bench.test_pooled(layer, spec.tokens)
    rows = sas_rows(everything, ACROSS, layer, own | {there: own[here] for there, here in pairs}, pairs)
    rows += readings_rows(everything, ACROSS, layer, fit, test, pairs, spec.seed, spec.resamples)
    effects, _ = intervene(
        bench.encoder,
        Site(layer, spec.tokens),
        scenes_at(bench, layer),
        everything,
        controls_at(bench, layer, native, BESIDE, PORT_DRAWS),
        [last_layer_probe(bench)],
        ("ablate",),
        spec.doses,
        progress=bench.progress.start("the other run's subspaces used here"),
    )
    rows += rce_rows(effects, [(here, there) for there, here in pairs], ACROSS, spec.seed, spec.resamples)
    return portability_table(rows), angle_table(angle_rows(everything, ACROSS, layer, pairs))
