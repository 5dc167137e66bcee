"""What a re-fit changes: subspaces found and read-outs trained anew -> fits.parquet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property
from math import inf, nan

import pandas as pd
import torch

from jepascope.catalog import file_name
from jepascope.discovery.finder_entry import found_cheaply
from jepascope.discovery.finders import find
from jepascope.discovery.subspace import Subspace
from jepascope.errors import JepascopeError
from jepascope.intervention.conditions import merged
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.fidelity import Probes
from jepascope.intervention.forecast import ForecastJudge, run_forecast
from jepascope.intervention.forecast_tables import forecast_rows
from jepascope.intervention.judges import ProbeJudge
from jepascope.intervention.refits import FIT, JUDGE
from jepascope.schema import TABLES
from jepascope.study.captures import Captures
from jepascope.study.intervene.anew import Anew, found_anew
from jepascope.study.intervene.judges import StudyJudges, trained_probe
from jepascope.study.intervene.requested import fixed_draws
from jepascope.study.intervene.rolled import Rolled
from jepascope.study.intervene.scenes import beginnings

COLUMNS = TABLES["fits"].written
KEY = ["layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge"]
APART = " again "  # between a finder's name and the number of the fit


def run_fits(
    captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], judges: StudyJudges, rolled: Rolled | None
) -> pd.DataFrame:
    """CE of every finder's subspace found anew, beside PCA of the same clips, and of the study's own subspace read by a probe trained anew.

    What cannot be found anew has none: finders that take a search each time (but for the study's first), and subspaces that nothing is
    known of.
    """
    how, parts = found_anew(captures, context.site.layer)
    refitted = Refits(captures, context, subspaces, parts)
    if not refitted.found:
        return pd.DataFrame(columns=COLUMNS)
    tables = [refitted.by_probe()]
    if "predictor" in judges.names:
        tables.append(refitted.by_predictor(judges.forecast))
    if rolled is not None:
        tables.append(refitted.by_rollout(rolled))
    return pd.concat(tables, ignore_index=True).assign(how=how)[COLUMNS]


class Refits:
    """Subspaces and read-outs of one layer, found anew in each of ``parts``."""

    def __init__(self, captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], parts: Sequence[Anew]) -> None:
        self.captures, self.context, self.subspaces, self.parts = captures, context, subspaces, parts
        self.found: dict[str, Subspace] = {}
        self.beside: dict[str, list[ControlDraw]] = {}
        tick = captures.progress.start("find subspaces anew")
        for done, finder in enumerate(names := self._findable() if parts else [], start=1):
            self._find(finder)
            tick(done, len(names))

    def _findable(self) -> list[str]:
        finders = self.captures.spec.finders
        own = [name for name, subspace in self.subspaces.items() if subspace.found_by is not None and name in finders]
        searched = [name for name in own if not found_cheaply(name, finders)]
        for name in searched:
            self.captures.progress.say(f"{name} is not found anew, which takes a search each time: its intervals are of this one subspace.")
        return [name for name in own if name not in searched]

    def _find(self, finder: str) -> None:
        """In each part; beside each the controls in which nothing is random, found in the same clips."""
        spec, rank = self.captures.spec, self.subspaces[finder].rank
        try:
            found = [find(finder, part.fit, rank, spec.seed) for part in self.parts]
        except JepascopeError as error:
            self.captures.progress.say(f"{finder} is not found anew: {error}")
            return
        for number, (part, subspace) in enumerate(zip(self.parts, found, strict=True)):
            name = f"{finder}{APART}{number}"
            self.found[name] = subspace
            self.beside[name] = fixed_draws(part.fit, subspace, spec.controls, self.context.covariance, spec.seed)

    @property
    def own(self) -> dict[str, Subspace]:
        """The study's own of what was found anew."""
        return {name: subspace for name, subspace in self.subspaces.items() if f"{name}{APART}0" in self.found}

    def by_probe(self) -> pd.DataFrame:
        """By the judge that claims are made in, a part on disk for every edit."""
        made = [
            self.captures.run.part(f"fits-{file_name(edit)}", ("fits",), lambda edit=edit: (self.rows(edit),))  # type: ignore[misc]
            for edit in self.captures.spec.edits
        ]
        return pd.concat([table for (table,) in made], ignore_index=True)

    def rows(self, edit: str) -> pd.DataFrame:
        """One edit of the subspaces found anew; and of the study's own by read-outs trained anew."""
        context, doses, own = self.context, self.captures.spec.edit_doses, self.own
        tick = self.captures.progress.start(f"{edit} of what was found anew at layer {context.site.layer}")
        effects, _ = context.edit(self.found, self.beside, (edit,), doses, [context.judge], tick)
        again, _ = self.read_anew.edit(own, {}, (edit,), doses)
        read = [_values(again[again["judge"] == judge.name], JUDGE, number) for number, judge in enumerate(self.trained)]
        return pd.concat([_by_fit(effects), *(rows.assign(judge=context.judge.name) for rows in read)], ignore_index=True)

    @cached_property
    def read_anew(self) -> InterventionContext:
        """The same scenes, read by the study's read-out and by those trained anew."""
        return replace(self.context, judges=[self.context.judge, *self.trained])

    @cached_property
    def trained(self) -> list[ProbeJudge]:
        """Read-outs of the last layer, one trained in each part, named by it."""
        spec, probes = self.captures.spec, []
        for number, part in enumerate(self.parts):
            folds = min(self.captures.folds, int(torch.bincount(part.y).min()))
            probe = trained_probe(part.pooled, part.y, part.scenes, spec.tokens, folds, spec.seed)
            probes.append(replace(probe, name=f"{self.context.judge.name}{APART}{number}", layer=self.captures.encoder.card.depth))
        return probes

    def by_predictor(self, judge: ForecastJudge) -> pd.DataFrame:
        """By the encoder's own predictor, which is not fitted: the subspaces found anew."""
        captures, spec, context = self.captures, self.captures.spec, self.context
        begun, tables = beginnings(captures, context.scenes, judge.early), list[pd.DataFrame]()
        for edit in spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                conditions = merged(self.found, self.beside, spec.edit_doses, edit)
                foreseen = run_forecast(judge, context.site, context.scenes, begun, conditions, edit, ablate_to=spec.ablate_to)
                rows = forecast_rows(context.site, context.scenes, conditions, edit, foreseen, list(self.found), context.depth)
                return (_by_fit(rows),)

            tables += captures.run.part(f"fits-{file_name(edit)}-predictor", ("fits",), work)
        return pd.concat(tables, ignore_index=True)

    def by_rollout(self, rolled: Rolled) -> pd.DataFrame:
        """By rollouts under the clips' own actions, every reading and step: the subspaces found anew, and the study's own by probes of
        rollouts trained anew."""
        captures, tables, trained = self.captures, list[pd.DataFrame](), cache(lambda: self._trained_on(rolled))
        for edit in captures.spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                tick = captures.progress.start(f"{edit} of what was found anew, by the rollout")
                found = _by_fit(rolled.effects(edit, self.found, self.beside, tick))
                again = rolled.effects_read_anew(edit, self.own, trained())
                read = [_values(effects, JUDGE, number) for number, effects in enumerate(again)]
                return (pd.concat([found, *read], ignore_index=True),)

            tables += captures.run.part(f"fits-{file_name(edit)}-rollout", ("fits",), work)
        return pd.concat(tables, ignore_index=True)

    def _trained_on(self, rolled: Rolled) -> list[Probes]:
        """Probes of every step of rollouts, trained in each part. The study's own clips are rolled out once."""
        captures, own = self.captures, self.captures.judge
        stepped = (rolled.stepped if part.judge is own else rolled.stepped_of(part.judge) for part in self.parts)
        return [of.select(part.rows).probes(captures.folds, captures.spec.seed) for of, part in zip(stepped, self.parts, strict=True)]


def _by_fit(effects: pd.DataFrame) -> pd.DataFrame:
    """CE of each subspace found anew, under its finder's name."""
    named = effects["finder"].str.rsplit(APART, n=1, expand=True)
    parts = [_values(rows, FIT, int(number)) for number, rows in effects.assign(finder=named[0]).groupby(named[1], sort=False)]
    return pd.concat(parts, ignore_index=True)


def _values(effects: pd.DataFrame, part: str, number: int) -> pd.DataFrame:
    """CE of every condition: the sum of numerators over that of denominators; none where these come to nothing."""
    sums = effects.groupby(KEY, sort=False)[["numerator", "denominator"]].sum()
    value = (sums["numerator"] / sums["denominator"]).replace([inf, -inf], nan)
    return value.reset_index(name="value").assign(part=part, fit=number, how="")[COLUMNS]
