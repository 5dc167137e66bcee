"""Dose curves at the best layer: every edit at several doses, beside a few draws of the random and the variance control."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jepascope.catalog import file_name
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.natural import natural_doses
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.intervene.layers import controls_at
from jepascope.study.steps.intervene import PORT_DRAWS

BESIDE = ("random", "variance")
COLUMNS = TABLES["curves"].written


def dose_effects(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], edit: str) -> pd.DataFrame:
    """Scene by scene, of one edit; portability reads the ablation's again."""
    layer = context.site.layer

    def work() -> tuple[pd.DataFrame, ...]:
        controls = controls_at(captures, context, subspaces, BESIDE, PORT_DRAWS)
        tick = captures.progress.start(f"doses of {edit} at layer {layer}")
        return context.edit(subspaces, controls, (edit,), captures.spec.doses, [context.judge], tick)[:1]

    return captures.run.part(f"layer{layer}-{file_name(edit)}-doses", ("effects",), work)[0]


def run_curves(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE by dose, and what dose 1 is in units of the natural change."""
    spec = captures.spec
    effects = pd.concat([dose_effects(captures, context, subspaces, edit) for edit in spec.edits], ignore_index=True)
    curves = ce_table(effects, spec.seed, spec.resamples)[COLUMNS]
    return curves, natural_doses(context.site, context.scenes, subspaces, spec.edits, spec.seed, spec.resamples)
