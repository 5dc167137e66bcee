"""Ridge probes of the variable's values at every layer, beside untrained twins and raw pixels -> values.parquet, readings.parquet."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import inf, nan

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.clips.variables import Variable
from jepascope.discovery.probes.arc_order import arc_order_test
from jepascope.discovery.probes.circular import Arcs, arc_floor, circular_errors, decoded_angle, held_out_arcs
from jepascope.discovery.probes.ridge import ridge_probes
from jepascope.discovery.probes.value_scores import ArcScore, ValueScore, constant_error, score_angle, score_arcs, score_number
from jepascope.encoders.base import Fits, Task, one_by_one
from jepascope.errors import BadData
from jepascope.schema import TABLES
from jepascope.stats import FEW, LEVEL, Interval, clustered, expanded_level, scene_sums, scene_weights, widened
from jepascope.study.captures import Captures
from jepascope.study.discover.probed import Source, Target, count_sources, sources
from jepascope.study.progress import Progress
from jepascope.study.spec import StudySpec

COLUMNS = TABLES["values"].written
READINGS = TABLES["readings"].written

Rows = list[dict[str, object]]
Predictions = dict[int, tuple[Float[Tensor, "test outputs"], float]]
"""Of each layer: what its probe gives for the test clips, and its strength."""


def run_values(captures: Captures, best: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Values and, for the model at the layer that claims are made for, every single reading. Empty for a categorical variable."""
    target = Target.of(captures.clips, captures.spec.variable)
    given = (sources(captures), count_sources(captures), target, best, captures.spec, captures.folds, captures.progress)
    return value_tables(*given, captures.encoder.fits)


@dataclass(frozen=True)
class Scoring:
    """What all sources of one target are scored with: one draw of scenes and one of arcs, and the floor of a perfect circle."""

    scenes: Float[np.ndarray, "resamples test"]
    arc: Int[Tensor, " test"] | None  # of circular variables
    arcs: Float[np.ndarray, "resamples test"] | None
    floor: float
    ids: Int[np.ndarray, " test"] | None = None  # of scenes, where some have several clips
    level: float = LEVEL  # of intervals over scenes; wider where a few scenes have several clips each

    @classmethod
    def of(cls, target: Target, resamples: int, seed: int) -> Scoring:
        fitted, held = target.numbers
        rng = np.random.default_rng(seed)
        ids = target.test_scenes.numpy()
        scenes = scene_weights(len(held), rng, ids, resamples)
        several = ids if clustered(ids) else None
        level = LEVEL if several is None else expanded_level(LEVEL, len(np.unique(ids)))
        if target.variable.kind != "circular":
            return cls(scenes, None, None, nan, several, level)
        arc = Arcs.of(decoded_angle(fitted)).index(decoded_angle(held))
        try:
            floor = arc_floor(fitted, held)
        except BadData:  # too few arcs, which ``read`` says
            floor = nan
        return cls(scenes, arc, scene_weights(len(held), rng, arc.numpy(), resamples), floor, several, level)

    def of_few(self, score: ValueScore, errors: Float[Tensor, " test"]) -> ValueScore:
        """The same with the interval that a few scenes of several clips allow; there is none of R^2 then."""
        many = 0 if self.ids is None else len(np.unique(self.ids))
        if self.ids is None or many >= FEW:
            return score
        of_scene = scene_sums((errors.double() - score.error.value).numpy() / len(errors), self.ids)
        most = 180.0 if self.arc is not None else inf
        return replace(score, error=widened(score.error, of_scene, bounds=(0, most)), r2=Interval(score.r2.value, nan, nan, score.r2.n))


def value_tables(
    probed: Iterable[Source],
    count: int,
    target: Target,
    best: int,
    spec: StudySpec,
    folds: int,
    progress: Progress,
    fits: Fits = one_by_one,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every source (``count`` of them) read for the target's values; fitted on split fit, scored on split test. ``fits`` runs the fits."""
    rows: Rows = []
    readings: Rows = []
    begun = deque[Source]()  # whose readings are not here yet

    def tasks() -> Iterator[tuple[Target, Task]]:
        for source in probed:
            begun.append(source)
            yield target, (source, folds, spec.seed)

    if target.fit_values is not None and target.test_values is not None:
        scoring = Scoring.of(target, spec.resamples, spec.seed)
        tick = progress.start(f"values at every layer: {target.name}")
        for done, (found, without) in enumerate(fits(_read, tasks())):
            source = begun.popleft()
            if without and done == 0:
                progress.say(f"No held-out arcs for {target.name}. {without}")
            rows += value_rows(found["clips"], target, scoring, **source.where, held_out="clips")
            if "arcs" in found:
                claimed = source.encoder == "model" and source.tokens == spec.tokens
                p_order = {best: order_p(source, target, best, spec.seed)} if claimed else {}
                rows += arc_rows(found, target, scoring, p_order, **source.where, held_out="arcs")
            if source.encoder == "model":
                for held_out, predictions in found.items():
                    where = {"layer": best, "tokens": source.tokens, "held_out": held_out}
                    readings += reading_rows(predictions[best][0], target, **where)
            tick(done + 1, count)
        tick(count, count)
    return pd.DataFrame(rows, columns=COLUMNS), pd.DataFrame(readings, columns=READINGS)


def _read(_: object, target: Target, source: Source, folds: int, seed: int) -> tuple[dict[str, Predictions], str]:
    """Predictions for the test clips by what was held out: clips, and for angles whole arcs; and why there are none of these."""
    without = ""
    values, held = target.numbers
    paths = ridge_probes(source.fit, values, target.fit_scenes, folds, seed=seed)
    predictions = {"clips": {layer: (path.probe.predict(source.test[layer]), path.strength) for layer, path in paths.items()}}
    if target.variable.kind == "circular":
        try:
            arcs = held_out_arcs(source.fit, values, source.test, held)
            predictions["arcs"] = {layer: (reading.predicted, reading.strength) for layer, reading in arcs.items()}
        except BadData as error:
            without = str(error)
    return predictions, without


def order_p(source: Source, target: Target, layer: int, seed: int) -> float:
    """p of the true circular order of the classes at one layer; NaN where angles are continuous."""
    fitted, held = target.numbers
    test = arc_order_test(source.fit[layer], fitted, source.test[layer], held, seed=seed, where=layer)
    return nan if test is None else test.p


def value_rows(predictions: Predictions, target: Target, scoring: Scoring, **where: object) -> Rows:
    """One row per layer and output."""
    variable, (fitted, true) = target.variable, target.numbers
    rows: Rows = []
    for layer, (predicted, strength) in predictions.items():
        if variable.kind == "circular":
            angle = scoring.of_few(
                score_angle(true, predicted, fitted, scoring.scenes, scoring.level),
                circular_errors(decoded_angle(true), decoded_angle(predicted)),
            )
            rows.append({**where, **_named(variable, 0), "layer": layer, "strength": strength, **_figures(angle)})
            continue
        for i in range(len(variable.outputs)):
            score = score_number(true[:, i], predicted[:, i], fitted[:, i], scoring.scenes, scoring.level)
            score = scoring.of_few(score, (true[:, i] - predicted[:, i]).abs().double())
            rows.append({**where, **_named(variable, i), "layer": layer, "strength": strength, **_figures(score)})
    return rows


def arc_rows(found: Mapping[str, Predictions], target: Target, scoring: Scoring, p_order: Mapping[int, float], **where: object) -> Rows:
    """One row per layer: held-out arcs, beside held-out clips and the floor."""
    fitted, true = target.numbers
    assert scoring.arc is not None and scoring.arcs is not None
    chance = constant_error(true, fitted)
    rows: Rows = []
    for layer, (predicted, strength) in found["arcs"].items():
        score = score_arcs(true, predicted, found["clips"][layer][0], scoring.arc, scoring.arcs)
        about = {"chance": chance, "floor": scoring.floor, "p_order": p_order.get(layer, nan)}
        rows.append({**where, **_named(target.variable, 0), "layer": layer, "strength": strength, **_figures(score), **about})
    return rows


def reading_rows(predicted: Float[Tensor, "test outputs"], target: Target, **where: object) -> Rows:
    """One row per test clip and output; angles in radians."""
    variable, (_, true) = target.variable, target.numbers
    if variable.kind == "circular":
        true, predicted = decoded_angle(true)[:, None], decoded_angle(predicted)[:, None]
    return [
        {**where, "output": output, "scene": scene, "true": t, "predicted": p}
        for i, output in enumerate(variable.outputs)
        for scene, t, p in zip(target.test_scenes.tolist(), true[:, i].tolist(), predicted[:, i].tolist(), strict=True)
    ]


def _named(variable: Variable, output: int) -> dict[str, str]:
    circular = variable.kind == "circular"
    return {
        "probe": "circular" if circular else "ridge",
        "output": variable.outputs[output],
        "unit": "degrees" if circular else variable.unit,
    }


def _figures(score: ValueScore | ArcScore) -> dict[str, float]:
    """The columns of a score; those that it has not are missing."""
    error = score.error
    figures: dict[str, float] = {"error": error.value, "low": error.low, "high": error.high, "n": error.n}
    if isinstance(score, ArcScore):
        return figures | {"gap": score.gap.value, "gap_low": score.gap.low, "gap_high": score.gap.high}
    r2 = score.r2
    return figures | {"chance": score.chance, "r2": r2.value, "r2_low": r2.low, "r2_high": r2.high}
