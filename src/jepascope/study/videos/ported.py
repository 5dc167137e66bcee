"""Another run's subspaces in place of the study's own on real videos: alignment, readings, retained effect, and its read-out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import angle_rows, readings_rows, sas_rows
from jepascope.stats import Interval
from jepascope.study.intervene.curves import dose_effects
from jepascope.study.port.clip_sets import ACROSS, Carried, ceilings_of, readout_row
from jepascope.study.port.ground import find_in, last_layer_probe
from jepascope.study.videos.taken import ImportedSubspaces, class_columns

EDITS = ("ablate", "swap")


def ported(
    imported: ImportedSubspaces, context: InterventionContext, native: Mapping[str, Subspace], ceilings: Mapping[str, Interval]
) -> Carried:
    """Every finder that both runs have: "<finder> (<the other run's clips>)" used in place of what it finds on these videos.

    Ablated, and swapped with clips of another class, on the videos' own test clips (the dose curves hold both, each beside controls of its
    own), read by their own read-out. Of few videos ablation may have no margin to take from, and swaps say more.
    """
    here, layer, spec = imported.here, imported.layer, imported.here.spec
    pairs = [(said, finder) for finder, said in imported.finders.items() if finder in native]
    everything = {**native, **imported.subspaces}
    there = imported.captures
    finders = {
        finder: partial(find_in, finder, imported.subspaces[said].rank, there.folds, there.spec.seed)
        for finder, said in imported.finders.items()
        if finder in native
    }
    both = {**ceilings, **{imported.run.name(name): one for name, one in ceilings_of(there, layer, finders).items()}}
    fit, test = here.fit.pooled(layer, spec.tokens), here.test_pooled(layer, spec.tokens)
    edits = [edit for edit in EDITS if edit in spec.edits]
    effects = pd.concat([dose_effects(here, context, everything, edit) for edit in edits], ignore_index=True)
    columns = class_columns(imported)
    readout = []
    if columns is None:
        here.progress.say(f"The read-out of '{imported.run.path.name}' is not tried: it knows other classes.")
    else:
        readout.append(readout_row(here, last_layer_probe(there), imported.run.clips, columns))
    return Carried(
        [
            *sas_rows(everything, ACROSS, layer, both, pairs),
            *readings_rows(everything, ACROSS, layer, fit, test, pairs, spec.seed, spec.resamples, here.test_scenes),
            *rce_rows(effects, [(b, a) for a, b in pairs], ACROSS, spec.seed, spec.resamples),
        ],
        angle_rows(everything, ACROSS, layer, pairs),
        readout,
    )
