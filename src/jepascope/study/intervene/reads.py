"""Edit layer x read layer: what frozen read-outs of every later layer make of an edit -> reads.parquet."""

from __future__ import annotations

import pandas as pd

from jepascope.intervention.causal_effect import ce_table
from jepascope.schema import TABLES
from jepascope.study.captures import Captures

EDITS = ("ablate", "swap")
COLUMNS = TABLES["reads"].written


def run_statistics(captures: Captures, effects: pd.DataFrame, off_target_effects: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """CE of everything that was edited, by the study's own judges; and by those of every layer."""
    return ce_table(effects, captures.spec.seed, captures.spec.resamples), reads_table(captures, effects, off_target_effects)


def reads_table(captures: Captures, effects: pd.DataFrame, off_target_effects: pd.DataFrame) -> pd.DataFrame:
    """CE by the probes of each later layer, the last one among them, of every finder and of random directions."""
    spec = captures.spec
    last = effects[effects["judge"].isin(("probe", "mlp"))]
    rows = pd.concat([last, off_target_effects[off_target_effects["read"] == ""]], ignore_index=True)
    wanted = rows["edit"].isin(EDITS) & rows["control"].isin(("subspace", "random")) & (rows["dose"] == spec.edit_doses[0])
    table = ce_table(rows[wanted], spec.seed, spec.resamples)[COLUMNS]
    return table.sort_values(["layer", "edit", "judge", "finder", "control", "read_layer"], kind="stable", ignore_index=True)
