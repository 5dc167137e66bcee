"""Edits and controls at one layer: in full (every edit, control and judge), or surveyed (ablation against a few random draws)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd
import torch

from jepascope.activations.moments import Moments
from jepascope.catalog import file_name
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import Finder, find_shuffled
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.conditions import merged
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import CONTROLS, MATCHED
from jepascope.intervention.controls import ControlDraw, matched_controls
from jepascope.intervention.forecast import ForecastJudge, run_forecast
from jepascope.intervention.forecast_tables import forecast_rows, forecast_table
from jepascope.intervention.scenes import Scenes
from jepascope.study.captures import Captures
from jepascope.study.intervene.judges import JudgeSet
from jepascope.study.intervene.requested import fixed_controls, self_swaps, untrained_effects
from jepascope.study.intervene.scenes import beginnings, head_judge, head_scenes
from jepascope.study.spec import StudySpec

SURVEYED = ("random",)  # the control that runs at layers no claim is made for
TABLES = ("effects", "matching", "witnesses")

Tables = dict[str, list[pd.DataFrame]]


def every_control(spec: StudySpec) -> tuple[str, ...]:
    """The matched controls, and those that the study asks for and that are drawn as they are."""
    return (*MATCHED, *(name for name in spec.extra_controls if CONTROLS.entry(name).made == "drawn"))


def controls_at(
    captures: Captures,
    context: InterventionContext,
    subspaces: Mapping[str, Subspace],
    names: tuple[str, ...],
    draws: int,
    sources: Mapping[str, tuple[str | Finder, Labelled]] | None = None,
) -> dict[str, list[ControlDraw]]:
    """Matched controls of every finder. Draws avoid all finders' subspaces where there is room, so that finders share ``random``.

    ``sources``: what found each subspace, and in which clips; by default what it refers to itself. One of which that is not known has no
    ``shuffled`` control (see ``without_shuffles``).
    """
    spec, layer, covariance, full = captures.spec, context.site.layer, context.covariance, set(MATCHED) <= set(names)
    everything = torch.cat([subspace.basis for subspace in subspaces.values()], dim=1)
    room = captures.encoder.card.width - int(torch.linalg.matrix_rank(everything))
    avoid = (
        everything if room >= 2 * max(spec.rank or len(captures.classes) - 1, *(subspace.rank for subspace in subspaces.values())) else None
    )
    pooled = Moments.of(captures.fit.pooled(layer, spec.tokens)).covariance
    found = {}
    for finder, subspace in subspaces.items():
        shuffled = None
        source = None
        if "shuffled" in names:
            source = captures.shuffles(layer, finder, subspace) if sources is None else sources.get(finder)
        own = names if source is not None else tuple(name for name in names if name != "shuffled")
        if source is not None:
            shuffled = find_shuffled(*source, subspace.rank, draws, spec.seed, layer=layer)
        drawn = matched_controls(subspace, covariance, draws, spec.seed, shuffled, avoid, own, pooled)
        found[finder] = [*drawn, *(fixed_controls(captures, layer, subspace, covariance) if full else ())]
    return found


def without_shuffles(captures: Captures, subspaces: Mapping[str, Subspace]) -> dict[str, str]:
    """Subspaces that have no ``shuffled`` control, and why."""
    why = {}
    for name, subspace in subspaces.items():
        taken = captures.imported is not None and name in captures.imported.subspaces
        if subspace.found_by is None:
            why[name] = "its file does not say which finder found it, and that finder does not find it again"
        elif taken and needing("suffix", [subspace.found_by.finder]):
            why[name] = "its finder would have to be trained in the other run's clips for every draw"
    return why


@dataclass(frozen=True, eq=False)
class LayerEdits:
    """All edits of some subspaces at one layer. Each edit by each judge is a part of its own on disk, so that a killed run loses one."""

    captures: Captures
    context: InterventionContext
    subspaces: Mapping[str, Subspace]
    full: bool

    @property
    def layer(self) -> int:
        return self.context.site.layer

    @cached_property
    def controls(self) -> dict[str, list[ControlDraw]]:
        spec = self.captures.spec
        names, draws = (every_control(spec), spec.draws) if self.full else (SURVEYED, spec.draws_elsewhere)
        return controls_at(self.captures, self.context, self.subspaces, names, draws)

    def by_probes(self, panel: JudgeSet) -> Tables:
        """Effects, matching and witnesses."""
        captures, spec, context, found = self.captures, self.captures.spec, self.context, Tables({name: [] for name in TABLES})
        doses = spec.edit_doses if self.full else (1.0,)
        for edit in spec.edits if self.full else ("ablate",):

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                tick = captures.progress.start(f"{edit} at layer {self.layer}" + (" with every control" if self.full else ""))
                effects, matching = context.edit(self.subspaces, self.controls, (edit,), doses, progress=tick)
                if edit == "swap" and "self_swap" in spec.extra_controls:
                    effects = pd.concat([effects, self_swaps(captures, context, self.subspaces, panel.last())], ignore_index=True)
                main = (effects["read_layer"] == panel.depth) & (effects["read"] == "")
                return effects[main], matching, effects[~main]

            part = f"layer{self.layer}-{file_name(edit)}{'-full' if self.full else ''}"
            for name, table in zip(TABLES, captures.run.part(part, TABLES, work), strict=True):
                found[name].append(table)
        if self.full and "untrained" in spec.extra_controls:

            def untrained() -> tuple[pd.DataFrame, ...]:
                return (untrained_effects(captures, self.layer, self.subspaces, pd.concat(found["effects"], ignore_index=True)),)

            found["effects"] += captures.run.part(f"layer{self.layer}-untrained", ("effects",), untrained)
        return found

    def by_predictor(self, judge: ForecastJudge) -> Tables:
        """The same edits and controls of beginnings: effects, and forecasts in their own units."""
        captures, spec, site, whole = self.captures, self.captures.spec, self.context.site, self.context.scenes
        found = Tables(effects=[], forecasts=[])
        begun: list[Scenes] = []  # captured where an edit is not there yet, once

        for edit in spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                conditions = merged(self.subspaces, self.controls, spec.edit_doses, edit)
                if not begun:
                    begun.append(beginnings(captures, whole, judge.early))
                tick, total = captures.progress.start(f"{edit} at layer {self.layer}, by the predictor"), len(conditions) * len(whole)
                foreseen = run_forecast(
                    judge, site, whole, begun[0], conditions, edit, progress=lambda done: tick(done, total), ablate_to=spec.ablate_to
                )
                finders = list(self.subspaces)
                return (
                    forecast_rows(site, whole, conditions, edit, foreseen, finders, self.context.depth),
                    forecast_table(site, judge.context, whole, conditions, edit, foreseen, finders, spec.seed, spec.resamples),
                )

            part = captures.run.part(f"layer{self.layer}-{file_name(edit)}-predictor", ("effects", "forecasts"), work)
            for name, table in zip(found, part, strict=True):
                found[name].append(table)
        # the references are the same beside every edit
        references = pd.concat(found["forecasts"], ignore_index=True).drop_duplicates(["finder", "edit", "control", "dose", "rank"])
        return {**found, "forecasts": [references]}

    def by_head(self) -> Tables:
        """The same edits and controls of the scenes that the task head can name, judged by it: effects."""
        captures, spec = self.captures, self.captures.spec
        scenes = replace(head_scenes(captures, self.context.scenes), others={})
        context = replace(self.context, scenes=scenes, judges=[head_judge(captures)])
        found: list[pd.DataFrame] = []
        for edit in spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                tick = captures.progress.start(f"{edit} at layer {self.layer}, by the task head")
                return context.edit(self.subspaces, self.controls, (edit,), spec.edit_doses, progress=tick)[:1]

            found += captures.run.part(f"layer{self.layer}-{file_name(edit)}-head", ("effects",), work)
        return {"effects": found}
