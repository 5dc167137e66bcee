"""The same study on another clip set, the read-out of its last layer, and what finders find in some of its clips."""

from __future__ import annotations

from dataclasses import replace

import torch

from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import dense_probes, l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadData
from jepascope.intervention.judges import ProbeJudge
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.intervene.judges import angle_decoder


def elsewhere(captures: Captures, clips: str, layer: int) -> Captures:
    """The same study on another clip set, at one layer; its captures are kept beside the study's own."""
    changes = {"clips": clips, "layers": (), "best_layer": layer, "judges": ("probe",), "port_clips": (), "token_map": False}
    spec = captures.spec.model_copy(update=changes)
    return Captures.of_run(Run(captures.run.path / "clips" / clips, spec), captures.encoder, captures.progress, store=captures.store)


def last_layer_probe(captures: Captures) -> ProbeJudge:
    """The judge that claims are made in, alone: a dense probe of the last layer, trained on split ``judge``."""
    spec, depth, judge = captures.spec, captures.encoder.card.depth, captures.judge
    pooled = {depth: judge.pooled(depth, spec.tokens)}
    path = dense_probes(pooled, captures.labels(judge), captures.scenes(judge), captures.folds, seed=spec.seed)[depth]
    return ProbeJudge(path.probe, spec.tokens, "probe", depth)


def main_judge(captures: Captures) -> ProbeJudge:
    """The same with a read-out of the angle, where the variable is one."""
    depth = captures.encoder.card.depth
    return replace(last_layer_probe(captures), decoder=angle_decoder(captures, captures.judge.pooled(depth, captures.spec.tokens)))


def find_in(name: str, rank: int, folds: int, seed: int, data: Labelled) -> Subspace:
    """What a finder finds in some clips; a sparse probe's path is fitted to them alone."""
    path = None
    if needing("path", [name]):  # few clips may hold too few of a class for the study's folds
        groups = data.groups
        scarce = min(len(groups[data.y == label].unique()) for label in range(data.classes)) if groups is not None else 0
        several = groups is not None and len(groups.unique()) < len(groups)
        fewest = scarce if several else int(torch.bincount(data.y).min())
        if several and fewest < 2:
            raise BadData(
                f"All clips of a class in this half are of one scene or video, and {name} chooses its strength by leaving some out."
            )
        path = l1_paths({name: data.x}, data.y, groups if several else None, min(folds, fewest), seed=seed)[name]
    return find(name, replace(data, path=path), rank, seed)
