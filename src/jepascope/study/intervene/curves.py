"""CE of everything that was edited, by who reads it at which layer; and by dose at the best layer, beside a few draws of two controls."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jepascope.catalog import file_name
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import FLOORS, SURVEYED
from jepascope.intervention.edit_entry import COMPARED
from jepascope.intervention.judge_entry import JUDGES
from jepascope.intervention.natural import natural_doses
from jepascope.intervention.screen import screen_table
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import controls_at
from jepascope.study.steps.at_best import PORT_DRAWS


def run_statistics(
    captures: Captures, effects: pd.DataFrame, off_target_effects: pd.DataFrame, first_order: pd.DataFrame, fits: pd.DataFrame
) -> tuple[pd.DataFrame, ...]:
    """CE of everything that was edited, by the study's own judges; the screen of all layers; and CE by the judges of every layer."""
    seed, resamples = captures.spec.seed, captures.spec.resamples
    table, screened = ce_table(effects, seed, resamples, first_order, fits), screen_table(effects, first_order, seed, resamples)
    return table, screened, reads_table(captures, effects, off_target_effects)


def reads_table(captures: Captures, effects: pd.DataFrame, off_target_effects: pd.DataFrame) -> pd.DataFrame:
    """CE by the probes of each later layer, the last one among them, of every finder and of random directions."""
    spec = captures.spec
    last = effects[effects["judge"].isin([name for name in spec.judges if JUDGES.entry(name).layers == "all"])]
    rows = pd.concat([last, off_target_effects[off_target_effects["read"] == ""]], ignore_index=True)
    wanted = rows["edit"].isin(COMPARED) & rows["control"].isin(("subspace", *SURVEYED)) & (rows["dose"] == spec.edit_doses[0])
    table = ce_table(rows[wanted], spec.seed, spec.resamples)[TABLES["reads"].written]
    return table.sort_values(["layer", "edit", "judge", "finder", "control", "read_layer"], kind="stable", ignore_index=True)


def dose_effects(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], edit: str) -> pd.DataFrame:
    """Scene by scene, of one edit; portability reads the ablation's again."""
    layer = context.site.layer

    def work() -> tuple[pd.DataFrame, ...]:
        controls = controls_at(captures, context, subspaces, FLOORS, PORT_DRAWS)
        tick = captures.progress.start(f"doses of {edit} at layer {layer}")
        return context.edit(subspaces, controls, (edit,), captures.spec.doses, [context.judge], tick)[:1]

    return captures.run.part(f"layer{layer}-{file_name(edit)}-doses", ("effects",), work)[0]


def run_curves(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE by dose, and what dose 1 is in units of the natural change."""
    spec = captures.spec
    effects = pd.concat([dose_effects(captures, context, subspaces, edit) for edit in spec.edits], ignore_index=True)
    curves = ce_table(effects, spec.seed, spec.resamples)[TABLES["curves"].written]
    return curves, natural_doses(context.site, context.scenes, subspaces, spec.edits, spec.seed, spec.resamples)
