"""Edits and controls layer by layer: in full (every edit, control and judge), or screened (a few draws of each control)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from jepascope.catalog import file_name
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.conditions import merged
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.forecast import ForecastJudge, run_forecast
from jepascope.intervention.forecast_tables import COLUMNS as FORECAST_COLUMNS
from jepascope.intervention.forecast_tables import forecast_rows, forecast_table
from jepascope.intervention.judge_entry import JUDGES, MAIN
from jepascope.intervention.scenes import Scenes
from jepascope.intervention.surrogate import Planned, first_order_effects
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import MANY, SCREENED, context_at, controls_at, every_control, many_at
from jepascope.study.intervene.judges import JudgeSet, StudyJudges
from jepascope.study.intervene.scenes import beginnings, head_judge, head_scenes
from jepascope.study.sizes import draws_of, screened_edits

TABLES = ("effects", "matching", "witnesses")

Tables = dict[str, list[pd.DataFrame]]


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
        names = every_control(self.captures.spec, self.full)
        return controls_at(self.captures, self.context, self.subspaces, names, self.draws, fixed=True)

    def beside(self, edit: str, judge: str = MAIN) -> dict[str, list[ControlDraw]]:
        """Controls of one edit by one judge: the first of their draws where it has fewer."""
        spec = self.captures.spec

        def run(draw: ControlDraw) -> bool:
            return draw.draw < (draws_of(spec, edit, draw.name, judge) if self.full else self.draws)

        return {finder: list(filter(run, drawn)) for finder, drawn in self.controls.items()}

    @property
    def draws(self) -> int:
        """Of every control that are run."""
        return self.captures.spec.draws if self.full else self.captures.spec.draws_elsewhere

    @property
    def edits(self) -> tuple[str, ...]:
        return self.captures.spec.edits if self.full else screened_edits(self.captures.spec)

    @property
    def doses(self) -> tuple[float, ...]:
        return self.captures.spec.edit_doses if self.full else (1.0,)

    def planned(self) -> Planned:
        """What the surrogate is asked about: the same edits, and many more draws."""
        names = every_control(self.captures.spec, full=False)  # not of what stands beside: its draws say enough
        many = many_at(self.captures, self.context, self.subspaces, names, self.draws, MANY if self.full else SCREENED)
        return Planned(self.context, self.subspaces, self.controls, many, self.edits, self.doses, about_means=self.full)

    def _run_beside(self, edit: str) -> list[str]:
        """Controls on request that are run beside an edit ("": once, after all)."""
        entries = {name: CONTROLS.entry(name) for name in self.captures.spec.controls}
        return [name for name, entry in entries.items() if entry.made == "run" and entry.edit == edit]

    def by_probes(self, judges: JudgeSet) -> Tables:
        """Effects, matching and witnesses."""
        captures, context, tables = self.captures, self.context, Tables({name: [] for name in TABLES})
        for edit in self.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                tick = captures.progress.start(f"{edit} at layer {self.layer}" + (" with every control" if self.full else ""))
                effects, matching = context.edit(self.subspaces, self.beside(edit), (edit,), self.doses, progress=tick)
                for name in self._run_beside(edit) if self.full else ():
                    own = CONTROLS.load(name)(captures, context, self.subspaces, effects, judges)
                    effects = pd.concat([effects, own], ignore_index=True)
                main = (effects["read_layer"] == judges.depth) & (effects["read"] == "")
                return effects[main], matching, effects[~main]

            part = f"layer{self.layer}-{file_name(edit)}{'-full' if self.full else ''}"
            for name, table in zip(TABLES, captures.run.part(part, TABLES, work), strict=True):
                tables[name].append(table)
        for name in self._run_beside("") if self.full else ():

            def once(name: str = name) -> tuple[pd.DataFrame, ...]:
                return (CONTROLS.load(name)(captures, context, self.subspaces, pd.concat(tables["effects"], ignore_index=True), judges),)

            tables["effects"] += captures.run.part(f"layer{self.layer}-{file_name(name)}", ("effects",), once)
        return tables

    def by_predictor(self, judge: ForecastJudge) -> Tables:
        """The same edits and controls of beginnings: effects, and forecasts in their own units."""
        captures, spec, site, whole = self.captures, self.captures.spec, self.context.site, self.context.scenes
        tables = Tables(effects=[], forecasts=[])
        begun: list[Scenes] = []  # captured where an edit is not there yet, once

        for edit in spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                conditions = merged(self.subspaces, self.beside(edit, "predictor"), spec.edit_doses, edit)
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
            for name, table in zip(tables, part, strict=True):
                tables[name].append(table)
        # the references are the same beside every edit
        references = pd.concat(tables["forecasts"], ignore_index=True).drop_duplicates(["finder", "edit", "control", "dose", "rank"])
        return {**tables, "forecasts": [references]}

    def by_head(self) -> Tables:
        """The same edits and controls of the scenes that the task head can name, judged by it: effects."""
        captures, spec = self.captures, self.captures.spec
        scenes = replace(head_scenes(captures, self.context.scenes), others={})
        context = replace(self.context, scenes=scenes, judges=[head_judge(captures)])
        effects: list[pd.DataFrame] = []
        for edit in spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                tick = captures.progress.start(f"{edit} at layer {self.layer}, by the task head")
                return context.edit(self.subspaces, self.beside(edit), (edit,), spec.edit_doses, progress=tick)[:1]

            effects += captures.run.part(f"layer{self.layer}-{file_name(edit)}-head", ("effects",), work)
        return {"effects": effects}


def run_edits(
    captures: Captures, judges: StudyJudges, best: int, subspaces: Mapping[int, Mapping[str, Subspace]], context: InterventionContext
) -> tuple[pd.DataFrame, ...]:
    """Edits and controls at every layer: effects, matching, witnesses, forecasts and first-order effects. ``context``: of the best layer,
    which other steps use as well; those of the other layers are let go of, each when its layer is done."""
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in (*TABLES, "forecasts")}
    full = captures.edited.full(best)
    reads = {JUDGES.entry(name).reads for name in judges.names}
    layers = []
    for layer, at_layer in sorted(subspaces.items()):
        at = context if layer == best else context_at(captures, layer, judges.trained.at(layer, layer in full))
        layers.append(LayerEdits(captures, at, at_layer, layer in full))

    def first_order() -> tuple[pd.DataFrame, ...]:
        captures.progress.say("First-order effects of every edit at every layer, from one pass forward and back.")
        return (first_order_effects([edits.planned() for edits in layers]),)

    (surrogates,) = captures.run.part("first-order", ("first_order",), first_order)
    while layers:
        edits = layers.pop(0)
        layer = edits.layer
        made = [edits.by_probes(judges.trained)]
        if layer in full and "forecast" in reads:
            made.append(edits.by_predictor(judges.forecast))
        if layer in full and "head" in reads:
            made.append(edits.by_head())
        for name, parts in ((name, parts) for tables in made for name, parts in tables.items()):
            found[name].append(pd.concat(parts, ignore_index=True))
    if not found["forecasts"]:
        found["forecasts"].append(pd.DataFrame(columns=FORECAST_COLUMNS))
    return *(pd.concat(tables, ignore_index=True) for tables in found.values()), surrogates
