"""The panel: every judge of a study that reads pooled activations, trained on split ``judge``; and why others are left out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.ridge import RidgeProbe, ridge_probes
from jepascope.errors import BadData
from jepascope.intervention.judge_entry import JUDGES, reason_against
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.judges.own import trained
from jepascope.study.captures import Captures

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
        return self.own["probe", self.depth]

    def last(self) -> list[ProbeJudge]:
        """Everyone who reads the study's variable at the last layer, the main one first."""
        return [judge for (_, layer), judge in self.own.items() if layer == self.depth]

    def at(self, layer: int, full: bool) -> list[ProbeJudge]:
        """Who judges an edit at ``layer``: in full also the networks and the other variables, else linear probes alone."""
        later = [judge for (name, read), judge in self.own.items() if layer <= read < self.depth and (full or name == "probe")]
        return [*(self.last() if full else [self.main]), *later, *(self.others.values() if full else ())]


def panel(captures: Captures) -> JudgeSet:
    """Train all of them. Strengths of linear probes are chosen by cross-validation inside ``judge``."""
    judge, depth, spec = captures.judge, captures.encoder.card.depth, captures.spec
    first = min(captures.edited.needed, default=depth)
    pooled = {layer: judge.pooled(layer, spec.tokens) for layer in range(first, depth + 1)}
    y, scenes = captures.labels(judge), captures.scenes(judge)
    paths = dense_probes(pooled, y, scenes, captures.folds, seed=spec.seed)
    decoder = angle_decoder(captures, pooled[depth])
    others = [name for name in sorted(spec.judges, key=_order) if name != "probe" and JUDGES.entry(name).made == "trained"]
    others = [name for name in others if not reason_against(name, captures.encoder.card, spec)]
    own: dict[tuple[str, int], ProbeJudge] = {}
    for layer in range(depth, first - 1, -1):
        own["probe", layer] = ProbeJudge(paths[layer].probe, spec.tokens, "probe", layer, decoder=decoder if layer == depth else None)
        for name in others:
            if layer == depth or JUDGES.entry(name).layers == "all":
                own[name, layer] = ProbeJudge(trained(name, pooled[layer], y, spec.seed), spec.tokens, name, layer)
    return JudgeSet(own, _others(captures, pooled[depth], scenes), depth)


def angle_decoder(captures: Captures, pooled: Float[Tensor, "clips features"]) -> RidgeProbe | None:
    """Ridge to (cos, sin) on split ``judge``; None where the variable is no angle."""
    values = captures.values(captures.judge)
    if values is None or captures.variable.kind != "circular":
        return None
    return ridge_probes({0: pooled}, values, captures.scenes(captures.judge), captures.folds, seed=captures.spec.seed)[0].probe


def _others(captures: Captures, pooled: Tensor, scenes: Tensor) -> dict[str, ProbeJudge]:
    """Linear probes of every other factor of the scenes; what has too few clips of a class is left out, and said."""
    spec, clips = captures.spec, captures.judge.clips
    found = {}
    for name in other_variables(captures):
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
        found[name] = ProbeJudge(path[captures.encoder.card.depth].probe, spec.tokens, "probe", captures.encoder.card.depth, name)
    return found


def other_variables(captures: Captures) -> list[str]:
    """Factors of the scenes that are not what the study is about; of real videos none is known."""
    return [] if captures.given else captures.spec.other_variables


def skipped_judges(captures: Captures) -> dict[str, str]:
    """Judges that were asked for and cannot be had, with the reason."""
    why = {name: reason_against(name, captures.encoder.card, captures.spec) for name in sorted(captures.spec.judges, key=_order)}
    return {name: reason for name, reason in why.items() if reason}


def _order(name: str) -> int:
    return JUDGES.entry(name).order
