"""The rollout as judge of a study: every edit beside its controls, step by step; unedited rollouts beside what really comes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from jepascope.catalog import file_name
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.fidelity import fidelity_table
from jepascope.intervention.rollout import APART
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.intervene.layers import LayerEdits
from jepascope.study.intervene.rolled import Rolled

TABLE = TABLES["rollouts"].written
UNREAD = ["numerator_direct", "kl", "angle_error", "angle_error_before"]  # columns of effects that say nothing of a rollout


def run_rollouts(
    captures: Captures, rolled: Rolled | None, context: InterventionContext, subspaces: Mapping[str, Subspace], fits: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE by the rollout of every edit, finder and control at the layer of the claims, step by step; how far rollouts can be believed.

    ``rolled`` is None where the encoder cannot be judged so. ``fits`` (table fits): what re-fits change.
    """
    if rolled is None:
        return pd.DataFrame(columns=TABLE), pd.DataFrame(columns=TABLES["fidelity"].written)
    spec, edits, tables = captures.spec, LayerEdits(captures, context, subspaces, full=True), list[pd.DataFrame]()
    for edit in spec.edits:

        def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
            tick = captures.progress.start(f"{edit} at layer {edits.layer}, by the rollout")
            effects = rolled.effects(edit, subspaces, edits.beside(edit, "rollout"), tick)
            table = ce_table(effects.drop(columns=UNREAD), spec.seed, spec.resamples, fits=fits)
            named = table["judge"].str.split(APART, expand=True)
            table = table.assign(judge=named[0], reading=named[1], step=named[2].astype(int), context=rolled.world.context)
            return (table[TABLE],)  # scene by scene, of every step, there would be too much to keep

        tables += captures.run.part(f"layer{edits.layer}-{file_name(edit)}-rollout", ("rollouts",), work)
    fidelity = fidelity_table(rolled.world, rolled.unrolled, context.scenes, rolled.probes, spec.seed, spec.resamples)
    return pd.concat(tables, ignore_index=True), fidelity
