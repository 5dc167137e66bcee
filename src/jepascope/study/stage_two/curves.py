"""Dose curves at the best layer: every edit at several doses, beside a few draws of the random and the variance control."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from jepascope.activations.site import Site
from jepascope.catalog import file_name
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.effects import intervene
from jepascope.intervention.natural import natural_doses
from jepascope.schema import TABLES
from jepascope.study.bench import Bench
from jepascope.study.counts import PORT_DRAWS
from jepascope.study.stage_two.judges import Panel
from jepascope.study.stage_two.layers import controls_at, unedited_at
from jepascope.study.stage_two.scenes import scenes_at

BESIDE = ("random", "variance")
COLUMNS = TABLES["curves"].written


def dose_effects(bench: Bench, layer: int, subspaces: Mapping[str, Subspace], panel: Callable[[], Panel], edit: str) -> pd.DataFrame:
    """Scene by scene, of one edit; portability reads the ablation's again."""
    spec = bench.spec

    def work() -> tuple[pd.DataFrame, ...]:
        controls = controls_at(bench, layer, subspaces, BESIDE, PORT_DRAWS)
        tick = bench.progress.start(f"doses of {edit} at layer {layer}")
        site, scenes = Site(layer, spec.tokens), scenes_at(bench, layer)
        return intervene(
            bench.encoder,
            site,
            scenes,
            subspaces,
            controls,
            [panel().main],
            (edit,),
            spec.doses,
            progress=tick,
            unedited=unedited_at(bench, layer, panel())(),
        )[:1]

    return bench.part(f"layer{layer}-{file_name(edit)}-doses", ("effects",), work)[0]


def run_curves(
    bench: Bench, layer: int, subspaces: Mapping[str, Subspace], panel: Callable[[], Panel]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE by dose, and what dose 1 is in units of the natural change."""
    spec = bench.spec
    effects = pd.concat([dose_effects(bench, layer, subspaces, panel, edit) for edit in spec.edits], ignore_index=True)
    curves = ce_table(effects, spec.seed, spec.resamples)[COLUMNS]
    natural = natural_doses(Site(layer, spec.tokens), scenes_at(bench, layer), subspaces, spec.edits, spec.seed, spec.resamples)
    return curves, natural
