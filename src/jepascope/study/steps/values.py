"""Ridge probes of the variable's values at every layer, beside untrained twins and raw pixels -> values.parquet, readings.parquet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.probes.circular import decoded_angle, held_out_arcs
from jepascope.discovery.probes.ridge import ridge_probes
from jepascope.discovery.probes.value_scores import ValueScore, score_angle, score_number
from jepascope.errors import BadData
from jepascope.stats import scene_weights
from jepascope.study.bench import Bench
from jepascope.study.probed import Source, Target, count_sources, sources
from jepascope.study.progress import Progress
from jepascope.study.spec import StudySpec

COLUMNS = [
    *("encoder", "seed", "layer", "tokens", "probe", "held_out", "output", "unit", "error", "low", "high", "n", "chance"),
    *("r2", "r2_low", "r2_high", "strength"),
]
READINGS = ["layer", "tokens", "scene", "held_out", "output", "true", "predicted"]

Rows = list[dict[str, object]]
Predictions = dict[int, tuple[Float[Tensor, "test outputs"], float]]
"""Of each layer: what its probe gives for the test clips, and its strength."""


def run_values(bench: Bench, best: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values and, for the model at the layer that claims are made for, every single reading. Empty for a categorical variable."""
    target = Target.of(bench.clips, bench.spec.variable)
    return value_tables(sources(bench), count_sources(bench), target, best, bench.spec, bench.folds, bench.progress)


def value_tables(
    probed: Iterable[Source], count: int, target: Target, best: int, spec: StudySpec, folds: int, progress: Progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every source (``count`` of them) read for the target's values; fitted on split fit, scored on split test."""
    rows: Rows = []
    readings: Rows = []
    if target.fit_values is not None and target.test_values is not None:
        weights = scene_weights(len(target.test), np.random.default_rng(spec.seed), target.test_scenes.numpy(), spec.resamples)
        tick = progress.start(f"values at every layer: {target.name}")
        for done, source in enumerate(probed):
            for held_out, predictions in read(source, target, folds, spec.seed, progress if done == 0 else None).items():
                rows += value_rows(predictions, target, weights, **source.where, held_out=held_out)
                if source.encoder == "model":
                    where = {"layer": best, "tokens": source.tokens, "held_out": held_out}
                    readings += reading_rows(predictions[best][0], target, **where)
            tick(done + 1, count)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(readings, columns=READINGS)


def read(source: Source, target: Target, folds: int, seed: int, progress: Progress | None = None) -> dict[str, Predictions]:
    """Predictions for the test clips by what was held out: clips, and for angles whole arcs (left out, and said, where too few)."""
    values, held = target.fit_values, target.test_values
    assert values is not None and held is not None
    paths = ridge_probes(source.fit, values, target.fit_scenes, folds, seed=seed)
    found = {"clips": {layer: (path.probe.predict(source.test[layer]), path.strength) for layer, path in paths.items()}}
    if target.variable.kind == "circular":
        try:
            arcs = held_out_arcs(source.fit, values, source.test, held)
            found["arcs"] = {layer: (reading.predicted, reading.strength) for layer, reading in arcs.items()}
        except BadData as error:
            if progress:
                progress.say(f"No held-out arcs for {target.name}. {error}")
    return found


def value_rows(predictions: Predictions, target: Target, weights: Float[np.ndarray, "resamples test"], **where: object) -> Rows:
    """One row per layer and output."""
    variable, true, fitted = target.variable, target.test_values, target.fit_values
    assert true is not None and fitted is not None
    rows: Rows = []
    for layer, (predicted, strength) in predictions.items():
        if variable.kind == "circular":
            rows.append(_row(score_angle(true, predicted, weights), layer, "circular", variable.outputs[0], "degrees", strength, where))
            continue
        for i, output in enumerate(variable.outputs):
            score = score_number(true[:, i], predicted[:, i], fitted[:, i], weights)
            rows.append(_row(score, layer, "ridge", output, variable.unit, strength, where))
    return rows


def reading_rows(predicted: Float[Tensor, "test outputs"], target: Target, **where: object) -> Rows:
    """One row per test clip and output; angles in radians."""
    variable, true = target.variable, target.test_values
    assert true is not None
    if variable.kind == "circular":
        true, predicted = decoded_angle(true)[:, None], decoded_angle(predicted)[:, None]
    return [
        {**where, "output": output, "scene": scene, "true": t, "predicted": p}
        for i, output in enumerate(variable.outputs)
        for scene, t, p in zip(target.test_scenes.tolist(), true[:, i].tolist(), predicted[:, i].tolist(), strict=True)
    ]


def _row(
    score: ValueScore, layer: int, probe: str, output: str, unit: str, strength: float, where: Mapping[str, object]
) -> dict[str, object]:
    return {
        **where,
        "layer": layer,
        "probe": probe,
        "output": output,
        "unit": unit,
        "error": score.error.value,
        "low": score.error.low,
        "high": score.error.high,
        "n": score.error.n,
        "chance": score.chance,
        "r2": score.r2.value,
        "r2_low": score.r2.low,
        "r2_high": score.r2.high,
        "strength": strength,
    }
