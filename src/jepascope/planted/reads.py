"""Edit layer x read layer on planted networks: a repaired effect fades along the layers as the construction says."""

from __future__ import annotations

import pandas as pd

from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.readouts import LinearProbe
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.planted.encoder import DEPTH, READ, PlantedEncoder
from jepascope.encoders.planted.expected import expected_effect
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.controls import matched_controls
from jepascope.intervention.effects import intervene
from jepascope.intervention.judges import ProbeJudge
from jepascope.planted.bench import PlantedBench, labels, scene_ids

COLUMNS = ["network", "finder", "control", "edit", "read_layer", "value", "low", "high", "n", "draws", "expected", "inside"]
TOLERANCE = 2e-3  # of a CE: the rounding of float32 and of the judge's solver, where an interval has no width


def planted_reads(bench: PlantedBench[PlantedEncoder], draws: int, seed: int = 0, resamples: int = 500) -> pd.DataFrame:
    """The causal subspace ablated and read at every layer after it, beside the value from the equations and random directions.

    Judges see the output plane R alone: a probe of the whole of an inner layer would find the class in planes that no block has read yet.
    """
    judges = _output_judges(bench)
    truth = {"truth": Subspace(bench.encoder.causal, bench.mean, {"finder": "truth"})}
    controls = {"truth": matched_controls(truth["truth"], bench.covariance, draws, seed, names=("random",))}
    effects, _ = intervene(bench.encoder, bench.site, bench.scenes, truth, controls, judges, ("ablate",), batch=512)
    table = ce_table(effects.drop(columns="numerator_direct"), seed, resamples)
    expected = {
        layer: expected_effect(bench.encoder, "ablate", bench.encoder.causal, bench.mean, read_layer=layer)
        for layer in range(READ, DEPTH + 1)
    }
    return beside_expected(table.assign(network=bench.encoder.network.name), table["read_layer"].map(expected))[COLUMNS]


def beside_expected(table: pd.DataFrame, expected: pd.Series) -> pd.DataFrame:
    """``expected``, and ``inside``, whether it lies in the interval, in the rows of the subspaces themselves (NA where nothing is)."""
    table = table.assign(expected=expected.where(table["control"] == "subspace"))
    own = table["expected"].notna()
    within = (table["low"] - TOLERANCE <= table["expected"]) & (table["expected"] <= table["high"] + TOLERANCE)
    return table.assign(inside=within.astype("boolean").where(own, pd.NA))


def _output_judges(bench: PlantedBench[PlantedEncoder]) -> list[ProbeJudge]:
    """One a layer from the reading block on, trained on judge clips' coordinates in R."""
    plane = bench.encoder.planes["R"].float().cpu()
    inside = {layer: bench.judged.pooled(layer) @ plane for layer in range(READ, DEPTH + 1)}
    paths = dense_probes(inside, labels(bench.judged), scene_ids(bench.judged))
    return [ProbeJudge(LinearProbe(path.probe.weights @ plane.T, path.probe.bias), layer=layer) for layer, path in paths.items()]
