"""Probes of every layer, beside untrained twins, raw pixels, control tasks and permuted labels -> probes.parquet; and the layer
that claims are made for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.layer_choice import chosen_layer, layer_shares
from jepascope.discovery.probes.paths import L1_ONWARD, ProbePath, dense_probes, l1_paths
from jepascope.discovery.probes.readings import chosen_probes
from jepascope.discovery.probes.selectivity import control_labels, permuted_hits, scene_types
from jepascope.encoders.base import Fits, one_by_one
from jepascope.errors import BadData
from jepascope.schema import TABLES
from jepascope.stats import Interval, proportion, scene_proportion, wilson
from jepascope.study.captures import Captures
from jepascope.study.discover.probed import Source, Target, count_sources, sources
from jepascope.study.edited_layers import candidate_layers
from jepascope.study.progress import Progress
from jepascope.study.spec import StudySpec

SOME: dict[str, object] = {"types": float("nan"), "type_columns": "", "layer_share": float("nan"), "open_ended": False}
"""Columns of some rows alone, and what others have there."""

Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Asked:
    """What every source is probed for, and how."""

    target: Target
    spec: StudySpec
    folds: int


def run_probes(captures: Captures) -> pd.DataFrame:
    """Every probe of the study; fitted on split fit, scored on split test."""
    asked = Asked(Target.of(captures.clips, captures.spec.variable), captures.spec, captures.folds)
    given = (sources(captures), count_sources(captures), asked, captures.progress)
    table = probe_table(*given, captures.encoder.fits, captures.keep_l1_paths)
    if "frame_differences" not in set(table["encoder"]):
        captures.progress.say("No clip moves: there are no frame differences to read, and pixels are the baseline.")
    return table


def probe_table(
    probed: Iterable[Source],
    count: int,
    asked: Asked,
    progress: Progress,
    fits: Fits = one_by_one,
    keep: Callable[[Mapping[int, ProbePath]], None] | None = None,
) -> pd.DataFrame:
    """Dense probes of every source (``count`` of them), and for the model L1 paths, control tasks and permuted labels. ``fits`` runs what
    is fitted to one source; ``keep`` takes the model's L1 paths at the study's token selection, for a caller that needs them again."""
    rows: Rows = []
    tick = progress.start(f"probes of every layer: {asked.target.name}")
    for done, (made, paths, without) in enumerate(fits(source_rows, ((asked, (source,)) for source in probed))):
        rows += made
        if without:
            progress.say(f"No control tasks for {asked.target.name}. {without}")
        if paths and keep:
            keep(paths)
        tick(done + 1, count)
    tick(count, count)
    table = pd.DataFrame([{**row, **{name: row.get(name, nothing) for name, nothing in SOME.items()}} for row in rows])
    return table[TABLES["probes"].written]


def source_rows(_: object, asked: Asked, source: Source) -> tuple[Rows, dict[int, ProbePath], str]:
    """All rows of one source; the L1 paths, where they are those of the study; and why there are no control tasks."""
    target, spec, folds = asked.target, asked.spec, asked.folds
    own, without, sparse = source.encoder == "model" and source.tokens == spec.tokens, "", dict[int, ProbePath]()
    dense = dense_probes(source.fit, target.fit_labels, target.fit_scenes, folds, seed=spec.seed)
    rows = probe_rows(dense, source.test, target.test_labels, target.test_scenes, **source.where)
    if source.encoder == "model":
        onward = L1_ONWARD if own else ()  # other tokens stop where all paths stopped before, and say so
        sparse = l1_paths(source.fit, target.fit_labels, target.fit_scenes, folds, seed=spec.seed, onward=onward)
        rows += probe_rows(sparse, source.test, target.test_labels, target.test_scenes, **source.where)
    if own:
        candidates = [layer for layer in candidate_layers(max(source.fit)) if layer in source.fit]
        strengths = sorted({dense[layer].choice.strength for layer in candidates}, reverse=True)
        at = {layer: source.fit[layer] for layer in candidates}
        shares = layer_shares(at, target.fit_labels, strengths, target.fit_scenes, folds, spec.seed) if at else {}
        for row in rows:
            if row["chosen"] and row["probe"] == "dense" and row["layer"] in shares:
                row["layer_share"] = shares[row["layer"]]
        try:
            rows += control_rows(source, target, folds, spec.control_seeds)
        except BadData as error:
            without = str(error)
        rows += permuted_rows(source, target, dense, spec.permutations, spec.seed)
    return rows, sparse if own else {}, without


def probe_rows(
    paths: Mapping[int, ProbePath],
    test: Mapping[int, Float[Tensor, "clips _"]],
    labels: Int[Tensor, " clips"],
    scenes: Int[Tensor, " clips"],
    **where: Hashable,
) -> Rows:
    """One row per layer and strength: accuracy on test clips with its Wilson interval, over scenes where these have several clips."""
    rows: Rows = []
    for layer, path in paths.items():
        for index, point in enumerate(path.points):
            rows.append(
                {
                    **where,
                    "layer": layer,
                    "probe": path.kind,
                    "strength": point.strength,
                    **_scored(scene_proportion(point.probe.right(test[layer], labels).numpy(), scenes.numpy()), labels),
                    "support": point.support if path.kind == "l1" else float("nan"),
                    "cv_accuracy": point.cv_accuracy,
                    "cv_se": point.cv_se,
                    "gap": point.gap,
                    "chosen": index == path.chosen,
                    "open_ended": path.kind == "l1" and not path.turned,
                }
            )
    return rows


def control_rows(source: Source, target: Target, folds: int, seeds: int) -> Rows:
    """Dense probes on control tasks: a random class for every type of scene (see ``discovery.probes.selectivity``).

    ``types`` is how many types there are and ``type_columns`` what they are combinations of. Each chooses its own strength, as the
    probe of the variable does. Raises BadData where the clips' other factors make no task.
    """
    if not seeds:
        return []
    factors, classes = target.factors, int(target.fit_labels.max()) + 1
    fit = np.arange(len(factors)) < len(target.fit)
    types = scene_types(factors, fit, target.variable.columns, classes)
    rows: Rows = []
    for seed in range(seeds):
        labels = control_labels(types, classes, seed)
        y, held = labels[: len(target.fit)], labels[len(target.fit) :]
        fewest = min(len(target.fit_scenes[y == label].unique()) for label in range(classes))
        paths = dense_probes(source.fit, y, target.fit_scenes, max(2, min(folds, fewest)), seed=seed)
        where = {**source.where, "encoder": "control_task", "seed": seed, "types": types.count, "type_columns": ", ".join(types.columns)}
        rows += [row for row in probe_rows(paths, source.test, held, target.test_scenes, **where) if row["chosen"]]
    return rows


def permuted_rows(source: Source, target: Target, dense: Mapping[int, ProbePath], draws: int, seed: int) -> Rows:
    """The dense probe trained on permuted labels, at the strength that the true labels chose, scored on true test labels."""
    if not draws:
        return []
    strengths = {layer: path.choice.strength for layer, path in dense.items()}
    hits = permuted_hits(source.fit, target.fit_labels, source.test, target.test_labels, strengths, draws, seed, groups=target.fit_scenes)
    return [
        {
            **source.where,
            "encoder": "permuted",
            "seed": draw,
            "layer": layer,
            "probe": "dense",
            "strength": strengths[layer],
            **_scored(share, target.test_labels),
            "chosen": True,
        }
        for layer, counts in hits.items()
        for draw, share in enumerate(_shares(counts, target.test_scenes))
    ]


def _shares(counts: Int[Tensor, " draws"], scenes: Int[Tensor, " clips"]) -> list[Interval]:
    """Of so many clips right in each draw. Which ones is not known here, so that scenes of several clips count as one unit each."""
    n, many = len(scenes), len(scenes.unique())
    shares = [proportion(count, n) for count in counts.tolist()]
    return shares if n == many else [Interval(share.value, *wilson(share.value, many), n) for share in shares]


def _scored(share: Interval, labels: Int[Tensor, " clips"]) -> dict[str, float]:
    """Accuracy beside chance, the share of the largest class among the clips scored."""
    chance = int(torch.bincount(labels).max()) / len(labels)
    return {"accuracy": share.value, "low": share.low, "high": share.high, "n": share.n, "chance": chance}


def best_layer(captures: Captures, probes: pd.DataFrame | None) -> int:
    """The layer that the claim is made for: the earliest whose dense accuracy, cross-validated inside ``fit``, lies within one
    standard error of the best.

    The earliest, because an edit near the end reaches the read-out by the residual stream, whatever the network computes with
    it. No test clip has a say. The first and the last layer are not candidates (see ``candidate_layers``). No probes are needed where the
    spec names it.
    """
    if captures.spec.best_layer is not None:
        return captures.spec.best_layer
    assert probes is not None
    own = chosen_probes(probes, encoder="model", tokens=captures.spec.tokens)
    scores = {int(row["layer"]): (float(row["cv_accuracy"]), float(row["cv_se"])) for row in own.to_dict("records")}
    return earliest_good(scores, captures.encoder.card.depth)


def earliest_of(paths: Mapping[int, ProbePath], depth: int) -> int:
    """The same of probes' paths at every layer."""
    return earliest_good({layer: (path.choice.cv_accuracy, path.choice.cv_se) for layer, path in paths.items()}, depth)


def earliest_good(scores: Mapping[int, tuple[float, float]], depth: int) -> int:
    """The earliest candidate whose score lies within one standard error of the best; ``scores``: (accuracy, standard error) by layer."""
    return chosen_layer(scores, candidate_layers(depth))
