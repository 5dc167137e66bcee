"""Stage one: everything that probes say about one variable, and the layer that claims are made for."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from jepascope.study.bench import Bench
from jepascope.study.resumable import Steps
from jepascope.study.steps.probes import best_layer, run_probes
from jepascope.study.steps.stability import run_stability
from jepascope.study.steps.token_map import run_token_map
from jepascope.study.steps.values import run_values


@dataclass(frozen=True)
class StageOne:
    """Its tables that later stages read. The others (readings, stability, frequencies, token_map) are only reported."""

    best: int
    probes: pd.DataFrame
    values: pd.DataFrame


def stage_one(bench: Bench, steps: Steps) -> StageOne:
    """Probes of classes and values, stability selection, the token map: each is made once and read from the folder after that."""
    (probes,) = steps.tables("probes", ("probes",), lambda: (run_probes(bench),))
    best = best_layer(bench, probes)
    values, _ = steps.tables("values", ("values", "readings"), lambda: run_values(bench, best))
    steps.tables("stability", ("stability", "frequencies"), lambda: run_stability(bench))
    steps.tables("token map", ("token_map",), lambda: (run_token_map(bench, best),))
    return StageOne(best, probes, values)
