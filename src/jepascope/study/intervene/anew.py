"""What subspaces and read-outs are found anew in: clips of new seeds; where none can be made, the study's own with a part left out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.clips.presets import preset
from jepascope.discovery.labelled import Labelled
from jepascope.encoders.part_names import RESIDUAL
from jepascope.intervention.refits import LEFT_OUT, NEW
from jepascope.stats import FEWEST_GROUPS, fewest_scenes, groups_of
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.steps.intervene import FIRST_SEED_ANEW


@dataclass(frozen=True)
class Anew:
    """``fit``: what finders are given at the site. Of the judge clips (``rows`` of ``judge``): pooled activations of the last layer, labels
    and scenes."""

    fit: Labelled
    pooled: Float[Tensor, "clips width"]
    y: Int[Tensor, " clips"]
    scenes: Int[Tensor, " clips"]
    judge: Activations
    rows: Int[Tensor, " clips"]

    def without(self, fit: Int[np.ndarray, " fit"], judge: Int[np.ndarray, " clips"], group: int) -> Anew:
        """The same without a group of the clips of each split."""
        kept = torch.from_numpy(np.flatnonzero(judge != group))
        part = self.fit.select(torch.from_numpy(fit != group))
        return Anew(part, self.pooled[kept], self.y[kept], self.scenes[kept], self.judge, self.rows[kept])


def found_anew(captures: Captures, layer: int) -> tuple[str, list[Anew]]:
    """How, and in what: as often as the study asks for. None, and said, where the splits have too few scenes of a class."""
    asked = captures.spec.fits
    if not asked:
        return LEFT_OUT, []
    if captures.spec.renewable:
        return NEW, [_of_seed(captures, layer, seed) for seed in range(FIRST_SEED_ANEW, FIRST_SEED_ANEW + asked)]
    whole = anew_of(captures, layer, captures.fit, captures.judge)
    # one scene of every class has to be left
    most = min(fewest_scenes(captures.labels(part).numpy(), captures.scenes(part).numpy()) for part in (captures.fit, captures.judge)) - 1
    if most < FEWEST_GROUPS:
        captures.progress.say(
            f"Nothing is found anew: a class has {most + 1} scene(s) in split fit or judge, and {FEWEST_GROUPS + 1} are the fewest; "
            "intervals are then of these subspaces and this read-out alone."
        )
        return LEFT_OUT, []
    groups = min(asked, most)
    fit, judge = (
        groups_of(captures.labels(part).numpy(), captures.scenes(part).numpy(), groups, captures.spec.seed)
        for part in (captures.fit, captures.judge)
    )
    return LEFT_OUT, [whole.without(fit, judge, group) for group in range(groups)]


def _of_seed(captures: Captures, layer: int, seed: int) -> Anew:
    """The study's clip set under another seed: as many scenes of each split, none of them the study's."""
    spec, card = captures.spec, captures.encoder.card
    clips = preset(spec.clips, spec.seed + seed, per_class=spec.clips_per_class).at(card.frames, card.size)
    parts = {"fit": spec.part, "judge": RESIDUAL}
    fit, judge = (captures.capture(clips.split(split), "capture clips of new seeds", part=part) for split, part in parts.items())
    return anew_of(captures, layer, fit, judge)


def anew_of(captures: Captures, layer: int, fit: Activations, judge: Activations) -> Anew:
    """Two captured splits at a layer."""
    data = replace(given_in(captures, layer, finder="diff_means", of=fit), path=None)
    pooled = judge.pooled(captures.encoder.card.depth, captures.spec.tokens)
    return Anew(data, pooled, captures.labels(judge), captures.scenes(judge), judge, torch.arange(len(judge)))
