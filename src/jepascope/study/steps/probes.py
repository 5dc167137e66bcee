"""Probes of every layer, beside untrained twins and raw pixels -> probes.parquet; and the layer that claims are made for."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import SELECTIONS
from jepascope.discovery.probes import ProbePath, dense_probes, l1_paths
from jepascope.stats import proportion
from jepascope.study.bench import Bench, candidate_layers

PIXEL_SIDE = 16  # pixels are averaged down to this many a side before they are probed


def probe_rows(
    paths: Mapping[int, ProbePath],
    test: Mapping[int, Float[Tensor, "clips width"]],
    labels: Int[Tensor, " clips"],
    classes: int,
    **where: Hashable,
) -> list[dict[str, object]]:
    """One row per layer and strength: accuracy on test clips with its Wilson interval."""
    rows: list[dict[str, object]] = []
    for layer, path in paths.items():
        for index, point in enumerate(path.points):
            scored = proportion(point.probe.correct(test[layer], labels), len(labels))
            rows.append(
                {
                    **where,
                    "layer": layer,
                    "probe": path.kind,
                    "strength": point.strength,
                    "accuracy": scored.value,
                    "low": scored.low,
                    "high": scored.high,
                    "n": scored.n,
                    "chance": 1 / classes,
                    "support": point.support if path.kind == "l1" else float("nan"),
                    "cv_accuracy": point.cv_accuracy,
                    "cv_se": point.cv_se,
                    "gap": point.gap,
                    "chosen": index == path.chosen,
                }
            )
    return rows


def dense_of(bench: Bench, activations: Activations, **where: Hashable) -> list[dict[str, object]]:
    """Dense probes of a baseline captured on fit and test clips together."""
    fit, test = activations.split("fit"), activations.split("test")
    layers = range(activations.encoder_card.depth + 1)
    rows: list[dict[str, object]] = []
    for tokens in SELECTIONS:
        inputs = {layer: fit.pooled(layer, tokens) for layer in layers}
        paths = dense_probes(inputs, bench.labels(fit), bench.scenes(fit), bench.folds, seed=bench.spec.seed)
        held = {layer: test.pooled(layer, tokens) for layer in layers}
        rows += probe_rows(paths, held, bench.labels(test), len(bench.classes), tokens=tokens, **where)
    return rows


def run_probes(bench: Bench) -> pd.DataFrame:
    """Every probe of the study; fitted on split fit, scored on split test."""
    spec, fit = bench.spec, bench.fit
    layers = range(bench.encoder.card.depth + 1)
    labels, groups = bench.labels(fit), bench.scenes(fit)
    rows: list[dict[str, object]] = []
    tick = bench.progress.start("probes of every layer")
    total = 2 * len(SELECTIONS) + spec.untrained_seeds + 1
    for tokens in SELECTIONS:
        inputs = {layer: fit.pooled(layer, tokens) for layer in layers}
        held = {layer: bench.test_pooled(layer, tokens) for layer in layers}
        for kind in (dense_probes, l1_paths):
            paths = kind(inputs, labels, groups, bench.folds, seed=spec.seed)
            where = {"encoder": "model", "seed": -1, "tokens": tokens}
            rows += probe_rows(paths, held, bench.test_labels, len(bench.classes), **where)
            tick(1 + 2 * SELECTIONS.index(tokens) + (kind is l1_paths), total)
    for seed in range(spec.untrained_seeds):
        rows += dense_of(bench, bench.untrained(seed), encoder="untrained", seed=seed)
        tick(2 * len(SELECTIONS) + seed + 1, total)
    rows += pixel_rows(bench)
    tick(total, total)
    first = ["encoder", "seed", "layer", "tokens", "probe", "strength"]
    table = pd.DataFrame(rows)
    return table[first + [column for column in table.columns if column not in first]]


def pixels_of(bench: Bench, differences: bool = False) -> Float[Tensor, "clips features"]:
    """Grey pixels of fit and test clips, averaged down, flattened; or their differences from frame to frame."""
    parts = []
    for _, video in bench.probed_clips.batches(64):
        grey = video.mean(dim=2)
        small = torch.nn.functional.adaptive_avg_pool2d(grey, min(PIXEL_SIDE, grey.shape[-1]))
        parts.append((small.diff(dim=1) if differences else small).flatten(1))
    return torch.cat(parts)


def pixel_rows(bench: Bench) -> list[dict[str, object]]:
    """The same probe on the pixels themselves and on frame differences (in row 'layer' 0: before any network)."""
    factors = bench.probed_clips.factors
    labels = torch.tensor(bench.probed_clips.labels(bench.spec.variable)[0])
    groups = torch.tensor(factors["scene"].to_numpy())
    fit = torch.tensor((factors["split"] == "fit").to_numpy(copy=True))
    rows: list[dict[str, object]] = []
    for name, differences in (("pixels", False), ("frame_differences", True)):
        features = pixels_of(bench, differences)
        paths = dense_probes({0: features[fit]}, labels[fit], groups[fit], bench.folds, seed=bench.spec.seed)
        where = {"encoder": name, "seed": -1, "tokens": "all"}
        rows += probe_rows(paths, {0: features[~fit]}, labels[~fit], len(bench.classes), **where)
    return rows


def best_layer(bench: Bench, probes: pd.DataFrame) -> int:
    """The layer that the claim is made for: the earliest whose dense accuracy, cross-validated inside ``fit``, lies within one
    standard error of the best.

    The earliest, because an edit near the end reaches the read-out by the residual stream, whatever the network computes with
    it. No test clip has a say. The first and the last layer are not candidates (see ``candidate_layers``).
    """
    if bench.spec.best_layer is not None:
        return bench.spec.best_layer
    own = probes[(probes["encoder"] == "model") & (probes["probe"] == "dense") & (probes["tokens"] == bench.spec.tokens) & probes["chosen"]]
    candidates = candidate_layers(bench.encoder.card.depth)
    scores = {int(row["layer"]): (float(row["cv_accuracy"]), float(row["cv_se"])) for row in own.to_dict("records")}
    best, se = max((scores[layer] for layer in candidates), key=lambda score: score[0])
    return min(layer for layer in candidates if scores[layer][0] >= best - se - 1e-9)
