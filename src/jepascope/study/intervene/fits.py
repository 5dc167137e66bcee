"""What a re-fit changes: subspaces and read-outs made anew with a part of their scenes left out -> fits.parquet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int

from jepascope.activations.activations import Activations
from jepascope.catalog import file_name
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find
from jepascope.discovery.subspace import Subspace
from jepascope.errors import JepascopeError
from jepascope.intervention.conditions import merged
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.forecast import ForecastJudge, run_forecast
from jepascope.intervention.forecast_tables import forecast_rows
from jepascope.intervention.judges import ProbeJudge
from jepascope.schema import TABLES
from jepascope.stats import FEWEST_GROUPS, fewest_scenes, groups_of
from jepascope.study.captures import Captures
from jepascope.study.intervene.judges import StudyJudges, trained_probe
from jepascope.study.intervene.requested import fixed_draws
from jepascope.study.intervene.scenes import beginnings

COLUMNS = TABLES["fits"].written
KEY = ["layer", "tokens", "finder", "rank", "edit", "control", "dose", "judge"]
FIT, JUDGE = "fit", "judge"
APART = " without "  # between a finder's name and the group that was left out


def run_fits(captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], judges: StudyJudges) -> pd.DataFrame:
    """CE of every finder's subspace found anew without each group of fit scenes, beside PCA of those that are left, and of the subspace
    itself read by a probe trained without each group of judge scenes. No rows where the splits have too few scenes of a class.

    What cannot be found anew has none: finders that are trained through the network, and subspaces that nothing is known of.
    """
    groups = _groups(captures)
    if not groups:
        return pd.DataFrame(columns=COLUMNS)
    refitted = Refits(captures, context, subspaces, groups)
    tables = [refitted.by_probe()]
    if "predictor" in judges.names:
        tables.append(refitted.by_predictor(judges.forecast))
    return pd.concat(tables, ignore_index=True)[COLUMNS]


def _groups(captures: Captures) -> int:
    """How many groups are left out in turn: as many as asked for, or as the classes allow; 0, and said, where that is too few."""
    asked = captures.spec.fit_groups
    if not asked:
        return 0
    # one scene of every class has to be left, and a read-out is cross-validated in what is left
    most = min(fewest_scenes(captures.labels(part).numpy(), captures.scenes(part).numpy()) for part in (captures.fit, captures.judge)) - 1
    if most < FEWEST_GROUPS:
        captures.progress.say(
            f"Nothing is found anew: a class has {most + 1} scene(s) in split fit or judge, and {FEWEST_GROUPS + 1} are the fewest; "
            "intervals are then of these subspaces and this read-out alone."
        )
        return 0
    return min(asked, most)


class Refits:
    """Subspaces and read-outs of one layer without each group of their scenes."""

    def __init__(self, captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], groups: int) -> None:
        self.captures, self.context, self.subspaces, self.groups = captures, context, subspaces, groups
        self.found: dict[str, Subspace] = {}
        self.beside: dict[str, list[ControlDraw]] = {}
        tick = captures.progress.start("find subspaces anew, a part of the fit scenes left out")
        for done, finder in enumerate(names := self._findable(), start=1):
            self._find(finder)
            tick(done, len(names))

    def _findable(self) -> list[str]:
        own = [name for name, subspace in self.subspaces.items() if subspace.found_by is not None and name in self.captures.spec.finders]
        trained = needing("suffix", own)
        for name in trained:
            self.captures.progress.say(f"{name} is not found anew: it is trained through the network, once for each group.")
        return [name for name in own if name not in trained]

    def _part(self, part: Activations) -> Int[np.ndarray, " clips"]:
        captures = self.captures
        return groups_of(captures.labels(part).numpy(), captures.scenes(part).numpy(), self.groups, captures.spec.seed)

    def _find(self, finder: str) -> None:
        """Without each group of fit scenes; beside each the controls in which nothing is random, found in the same clips."""
        captures, spec, layer = self.captures, self.captures.spec, self.context.site.layer
        data = replace(captures.labelled(layer, finder="diff_means"), path=None)
        dealt, rank = self._part(captures.fit), self.subspaces[finder].rank
        try:
            left = [data.select(torch.from_numpy(dealt != group)) for group in range(self.groups)]
            found = [find(finder, part, rank, spec.seed) for part in left]
        except JepascopeError as error:
            captures.progress.say(f"{finder} is not found anew: {error}")
            return
        for group, (part, subspace) in enumerate(zip(left, found, strict=True)):
            name = f"{finder}{APART}{group}"
            self.found[name] = subspace
            self.beside[name] = fixed_draws(part, subspace, spec.controls, self.context.covariance, spec.seed)

    def by_probe(self) -> pd.DataFrame:
        """By the judge that claims are made in, a part on disk for every edit."""
        made = [
            self.captures.run.part(f"fits-{file_name(edit)}", ("fits",), lambda edit=edit: (self.rows(edit),))  # type: ignore[misc]
            for edit in self.captures.spec.edits
        ]
        return pd.concat([table for (table,) in made], ignore_index=True)

    def rows(self, edit: str) -> pd.DataFrame:
        """One edit of the subspaces found anew; and of the study's own by read-outs trained anew."""
        context, doses = self.context, self.captures.spec.edit_doses
        own = {name: subspace for name, subspace in self.subspaces.items() if f"{name}{APART}0" in self.found}
        if not own:
            return pd.DataFrame(columns=COLUMNS)
        tick = self.captures.progress.start(f"{edit} of what was found anew at layer {context.site.layer}")
        effects, _ = context.edit(self.found, self.beside, (edit,), doses, [context.judge], tick)
        again, _ = replace(context, judges=[context.judge, *self.trained]).edit(own, {}, (edit,), doses)
        read = [_values(again[again["judge"] == judge.name], JUDGE, group) for group, judge in enumerate(self.trained)]
        return pd.concat([_by_fit(effects), *(rows.assign(judge=context.judge.name) for rows in read)], ignore_index=True)

    @cached_property
    def trained(self) -> list[ProbeJudge]:
        """Read-outs of the last layer, each without a group of judge scenes, named by it."""
        captures, judge, spec = self.captures, self.captures.judge, self.captures.spec
        dealt, depth = torch.from_numpy(self._part(judge)), captures.encoder.card.depth
        pooled, y, scenes = judge.pooled(depth, spec.tokens), captures.labels(judge), captures.scenes(judge)
        probes = []
        for group in range(self.groups):
            kept = dealt != group
            folds = min(captures.folds, int(torch.bincount(y[kept]).min()))
            probe = trained_probe(pooled[kept], y[kept], scenes[kept], spec.tokens, folds, spec.seed)
            probes.append(replace(probe, name=f"{self.context.judge.name}{APART}{group}", layer=depth))
        return probes

    def by_predictor(self, judge: ForecastJudge) -> pd.DataFrame:
        """By the encoder's own predictor, which is not fitted: the subspaces found anew."""
        captures, spec, context = self.captures, self.captures.spec, self.context
        tables: list[pd.DataFrame] = []
        for edit in spec.edits:

            def work(edit: str = edit) -> tuple[pd.DataFrame, ...]:
                conditions = merged(self.found, self.beside, spec.edit_doses, edit)
                begun = beginnings(captures, context.scenes, judge.early)
                foreseen = run_forecast(judge, context.site, context.scenes, begun, conditions, edit, ablate_to=spec.ablate_to)
                rows = forecast_rows(context.site, context.scenes, conditions, edit, foreseen, list(self.found), context.depth)
                return (_by_fit(rows),)

            if self.found:
                tables += captures.run.part(f"fits-{file_name(edit)}-predictor", ("fits",), work)
        return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=COLUMNS)


def _by_fit(effects: pd.DataFrame) -> pd.DataFrame:
    """CE of each subspace found anew, under its finder's name."""
    named = effects["finder"].str.rsplit(APART, n=1, expand=True)
    parts = [_values(rows, FIT, int(group)) for group, rows in effects.assign(finder=named[0]).groupby(named[1], sort=False)]
    return pd.concat(parts, ignore_index=True)


def _values(effects: pd.DataFrame, part: str, group: int) -> pd.DataFrame:
    """CE of every condition: the sum of numerators over that of denominators."""
    sums = effects.groupby(KEY, sort=False)[["numerator", "denominator"]].sum()
    value = sums["numerator"] / sums["denominator"]
    return value.reset_index(name="value").assign(part=part, group=group)[COLUMNS]
