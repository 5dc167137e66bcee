"""The rollouts of a study's test scenes, unedited and edited, and who reads them: probes of every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.suffix import chunks
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.fidelity import Probes, Unrolled, real_denominators
from jepascope.intervention.rollout import Driven, RolloutJudge, World, judge_name
from jepascope.intervention.scenes import Scenes
from jepascope.study.captures import Captures
from jepascope.study.intervene.judges import StudyJudges
from jepascope.study.intervene.scenes import beginning_of, beginnings

TRAINED_ON = {"rollout": "real", "code": "code"}  # by the reading


@dataclass(frozen=True)
class Stepped:
    """Latents of every step, pooled over places: those that really come ("real"), and those of unedited rollouts ("code")."""

    latents: Mapping[str, Float[Tensor, "clips steps width"]]
    y: Int[Tensor, " clips"]
    scenes: Int[Tensor, " clips"]

    @classmethod
    def of(cls, captures: Captures, world: World, layer: int, clips: Activations) -> Stepped:
        """Of clips of split ``judge``, run from their tokens at the layer."""
        part = captures.capture(clips.clips, "capture tokens of judge clips", sites=(layer,))
        begun = beginning_of(captures, part, world.early, "judge clips", (layer,))
        driven, read = Driven.of(world.encoder, part), dict[str, list[Tensor]](real=[], code=[])
        for rows in chunks(world.encoder.card, len(part)):
            with torch.inference_mode():
                whole, seen = (
                    encoder.run(of.tokens(layer, rows).to(encoder.device), layer)
                    for encoder, of in ((world.encoder, part), (world.early, begun))
                )
            read["real"].append(world.future(whole).mean(dim=2).cpu())
            read["code"].append(world.rolled(seen, driven.rows(rows)).mean(dim=2).cpu())
        return cls({name: torch.cat(pieces) for name, pieces in read.items()}, captures.labels(part), captures.scenes(part))

    def select(self, rows: Int[Tensor, " rows"]) -> Stepped:
        """Some of the clips."""
        return Stepped({name: latents[rows] for name, latents in self.latents.items()}, self.y[rows], self.scenes[rows])

    def probes(self, most_folds: int, seed: int) -> Probes:
        """Dense probes of every step, trained on these clips: of real latents, and of rollouts."""
        folds, found = min(most_folds, int(torch.bincount(self.y).min())), {}
        for name, latents in self.latents.items():
            steps = dict(enumerate(latents.unbind(dim=1), start=1))
            paths = dense_probes(steps, self.y, self.scenes, folds, seed=seed)
            found[name] = {step: path.probe for step, path in paths.items()}
        return found


@dataclass(frozen=True, eq=False)
class Rolled:
    """Rollouts from the beginnings of a context's scenes; what is made of them unedited is made once, when it is first asked for."""

    captures: Captures
    world: World
    context: InterventionContext

    @classmethod
    def of(cls, captures: Captures, judges: StudyJudges, context: InterventionContext) -> Rolled | None:
        """None where rollouts judge nothing: not asked for, or not to be had."""
        return cls(captures, judges.world, context) if "rollout" in judges.names else None

    @cached_property
    def begun(self) -> Scenes:
        return beginnings(self.captures, self.context.scenes, self.world.early)

    @cached_property
    def driven(self) -> Driven:
        return Driven.of(self.world.encoder, self.context.scenes.source)

    @cached_property
    def unrolled(self) -> Unrolled:
        return Unrolled.of(self.world, self.context.site, self.context.scenes, self.begun, self.driven)

    @cached_property
    def stepped(self) -> Stepped:
        """Of split ``judge``."""
        return self.stepped_of(self.captures.judge)

    def stepped_of(self, clips: Activations) -> Stepped:
        return Stepped.of(self.captures, self.world, self.context.site.layer, clips)

    @cached_property
    def probes(self) -> Probes:
        return self.stepped.probes(self.captures.folds, self.captures.spec.seed)

    @cached_property
    def early(self) -> InterventionContext:
        """The beginnings, read by the study's own probes of every step."""
        scenes = replace(self.begun, others={})
        return replace(self.context, encoder=self.world.early, scenes=scenes, judges=self.readers(self.probes), natural=None)

    def readers(self, probes: Probes, again: int | None = None) -> list[RolloutJudge]:
        """A judge for each reading and step; ``again``: which of those that are trained anew the probes are."""
        return [
            RolloutJudge(self.driven, self.world.steps, step, probe, reading, again)
            for reading, trained_on in TRAINED_ON.items()
            for step, probe in probes[trained_on].items()
        ]

    def effects(
        self,
        edit: str,
        subspaces: Mapping[str, Subspace],
        controls: Mapping[str, Sequence[ControlDraw]],
        tick: Callable[[int, int], None] | None = None,
    ) -> pd.DataFrame:
        """Scene by scene as the study's own probes read it, every reading and step; columns as in ``effects``."""
        made, _ = self.early.edit(subspaces, controls, (edit,), self.captures.spec.edit_doses, progress=tick)
        return self._beside_reality(made, self.probes, edit)

    def effects_read_anew(self, edit: str, subspaces: Mapping[str, Subspace], trained: Sequence[Probes]) -> list[pd.DataFrame]:
        """The same of subspaces alone, as each of ``trained`` reads it. All of them read the same rollouts."""
        readers = [reader for number, probes in enumerate(trained) for reader in self.readers(probes, number)]
        made, _ = replace(self.early, judges=readers).edit(subspaces, {}, (edit,), self.captures.spec.edit_doses)
        tables = []
        for number, probes in enumerate(trained):
            named = {reader.name: replace(reader, again=None).name for reader in readers if reader.again == number}
            own = made[made["judge"].isin(named)]
            tables.append(self._beside_reality(own.assign(judge=own["judge"].map(named)), probes, edit))
        return tables

    def _beside_reality(self, effects: pd.DataFrame, probes: Probes, edit: str) -> pd.DataFrame:
        """With rows of reading "future": those of "rollout" over what the real future moves."""
        parts = [effects]
        for step, probe in probes["real"].items():
            own = effects[effects["judge"] == judge_name("rollout", step)]
            below = real_denominators(self.unrolled, self.context.scenes, probe, step, edit).numpy()
            # condition by condition, all scenes
            parts.append(own.assign(judge=judge_name("future", step), denominator=np.tile(below, len(own) // len(below))))
        return pd.concat(parts, ignore_index=True)
