"""The judges of a study: those that read pooled activations, trained on split ``judge``, the others, and why some are left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.ridge import RidgeProbe, ridge_probes
from jepascope.errors import BadData
from jepascope.intervention.forecast import ForecastJudge
from jepascope.intervention.judge_entry import JUDGES, MAIN, reason_against
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.judges.own import trained
from jepascope.intervention.judges.predictor import context_of
from jepascope.intervention.rollout import World
from jepascope.study.captures import Captures
from jepascope.study.intervene.scenes import early_encoder, judge_futures

FEWEST = 2  # judge clips of each class that a read-out of another variable needs


@dataclass(frozen=True)
class JudgeSet:
    """``own``: the study's variable, by name ("probe", "mlp") and layer. ``others``: other variables at the last layer."""

    own: dict[tuple[str, int], ProbeJudge]
    others: dict[str, ProbeJudge]
    depth: int

    @property
    def main(self) -> ProbeJudge:
        """The one that claims are made in: the linear probe at the last layer."""
        return self.own[MAIN, self.depth]

    def last(self) -> list[ProbeJudge]:
        """Everyone who reads the study's variable at the last layer, the main one first."""
        return [judge for (_, layer), judge in self.own.items() if layer == self.depth]

    def at(self, layer: int, full: bool) -> list[ProbeJudge]:
        """Who judges an edit at ``layer``: in full also the networks and the other variables, else linear probes alone."""
        later = [judge for (name, read), judge in self.own.items() if layer <= read < self.depth and (full or name == MAIN)]
        return [*(self.last() if full else [self.main]), *later, *(self.others.values() if full else ())]


def train_judges(captures: Captures) -> JudgeSet:
    """Train all of them. Strengths of linear probes are chosen by cross-validation inside ``judge``."""
    judge, depth, spec = captures.judge, captures.encoder.card.depth, captures.spec
    first = min(captures.edited.needed, default=depth)
    pooled = {layer: judge.pooled(layer, spec.tokens) for layer in range(first, depth + 1)}
    y, scenes = captures.labels(judge), captures.scenes(judge)
    paths = dense_probes(pooled, y, scenes, captures.folds, seed=spec.seed)
    decoder = angle_decoder(captures, pooled[depth])
    others = [name for name in sorted(spec.judges, key=_order) if name != MAIN and JUDGES.entry(name).made == "trained"]
    others = [name for name in others if not reason_against(name, captures.encoder.card, spec)]
    own: dict[tuple[str, int], ProbeJudge] = {}
    for layer in range(depth, first - 1, -1):
        own[MAIN, layer] = ProbeJudge(paths[layer].probe, spec.tokens, MAIN, layer, decoder=decoder if layer == depth else None)
        for name in others:
            if layer == depth or JUDGES.entry(name).layers == "all":
                own[name, layer] = ProbeJudge(trained(name, pooled[layer], y, spec.seed), spec.tokens, name, layer)
    return JudgeSet(own, _others(captures, pooled[depth], scenes), depth)


def last_layer_probe(captures: Captures) -> ProbeJudge:
    """The judge that claims are made in, alone: a dense probe of the last layer, trained on split ``judge``."""
    spec, judge = captures.spec, captures.judge
    pooled = judge.pooled(captures.encoder.card.depth, spec.tokens)
    probe = trained_probe(pooled, captures.labels(judge), captures.scenes(judge), spec.tokens, captures.folds, spec.seed)
    return replace(probe, layer=captures.encoder.card.depth)


def trained_probe(
    pooled: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], scenes: Int[Tensor, " clips"], tokens: str, folds: int, seed: int
) -> ProbeJudge:
    """A dense probe of the last layer of some clips; its strength is chosen by cross-validation among them."""
    return ProbeJudge(dense_probes({0: pooled}, y, scenes, folds, seed=seed)[0].probe, tokens)


def main_judge(captures: Captures) -> ProbeJudge:
    """The same with a read-out of the angle, where the variable is one."""
    pooled = captures.judge.pooled(captures.encoder.card.depth, captures.spec.tokens)
    return replace(last_layer_probe(captures), decoder=angle_decoder(captures, pooled))


def angle_decoder(captures: Captures, pooled: Float[Tensor, "clips features"]) -> RidgeProbe | None:
    """Ridge to (cos, sin) on split ``judge``; None where the variable is no angle."""
    values = captures.values(captures.judge)
    if values is None or captures.variable.kind != "circular":
        return None
    return ridge_probes({0: pooled}, values, captures.scenes(captures.judge), captures.folds, seed=captures.spec.seed)[0].probe


def _others(captures: Captures, pooled: Tensor, scenes: Tensor) -> dict[str, ProbeJudge]:
    """Linear probes of every other factor of the scenes; what has too few clips of a class is left out, and said."""
    spec, clips = captures.spec, captures.judge.clips
    judges = {}
    for name in captures.other_variables:
        y = torch.tensor(clips.labels(name)[0])
        counts = torch.bincount(y, minlength=len(clips.variable(name).classes))
        if int(counts.min()) < FEWEST:
            captures.progress.say(f"{name} is not read: split judge has {int(counts.min())} clip(s) of its rarest class.")
            continue
        folds = min(captures.folds, int(counts.min()))
        try:
            path = dense_probes({captures.encoder.card.depth: pooled}, y, scenes, folds, seed=spec.seed)
        except BadData as error:
            captures.progress.say(f"{name} is not read: {error}")
            continue
        judges[name] = ProbeJudge(path[captures.encoder.card.depth].probe, spec.tokens, MAIN, captures.encoder.card.depth, name)
    return judges


def _order(name: str) -> int:
    return JUDGES.entry(name).order


class StudyJudges:
    """The judges of a study, trained when first asked for; ``skipped``: those that were asked for and cannot be had, with the reason."""

    def __init__(self, captures: Captures, best: int) -> None:
        self.captures, self.best = captures, best
        spec = captures.spec
        why = {name: reason_against(name, captures.encoder.card, spec) for name in sorted(spec.judges, key=_order)}
        self.skipped = {name: reason for name, reason in why.items() if reason}

    @property
    def names(self) -> tuple[str, ...]:
        """Who is asked."""
        return tuple(name for name in self.captures.spec.judges if name not in self.skipped)

    @cached_property
    def trained(self) -> JudgeSet:
        return train_judges(self.captures)

    @cached_property
    def world(self) -> World:
        """The encoder of whole clips and of their beginnings, from which rollouts start."""
        encoder = self.captures.encoder
        return World(encoder, early_encoder(encoder, context_of(self.captures.spec, encoder.card)))

    @cached_property
    def forecast(self) -> ForecastJudge:
        captures = self.captures
        whole = ForecastJudge(captures.encoder, self.world.early)
        circular = captures.variable.kind == "circular"
        decoder = angle_decoder(captures, judge_futures(captures, whole, self.best)) if circular else None
        return ForecastJudge(whole.encoder, whole.early, decoder)
