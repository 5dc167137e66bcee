"""Explorer: a finished run, opened to edit its test clips one at a time with the study's own subspaces, controls and judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import RunFolderError
from jepascope.explore.measured import main_effects
from jepascope.explore.scene import ShownScene
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.controls import ControlDraw
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.forecast import ForecastJudge
from jepascope.intervention.judge_entry import JUDGES
from jepascope.report.folder import RunFolder, read_run
from jepascope.study.captures import Captures
from jepascope.study.discover.dimensions import take_rank
from jepascope.study.discover.subspaces import as_found, kept
from jepascope.study.files import mended_with, subspace_name
from jepascope.study.given import given_in
from jepascope.study.intervene.contexts import context_at, controls_at, every_control
from jepascope.study.intervene.judges import JudgeSet, StudyJudges
from jepascope.study.machine import Machine, opened_encoder
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import saved_spec

DRAWS = 5
"""Of every control beside an edit, the first ones of the study's own: each takes a pass of its own whenever the dose is moved."""


@dataclass(frozen=True, eq=False)
class EditedSite:
    """A layer that can be edited: what its edits need, the finders' subspaces, and the draws of their controls."""

    context: InterventionContext
    subspaces: Mapping[str, Subspace]
    controls: Mapping[str, list[ControlDraw]]


@dataclass(frozen=True, eq=False)
class Explorer:
    """``tables``: what the study measured; ``best``: the layer that its claims are made for."""

    captures: Captures
    tables: RunFolder
    best: int
    _sites: dict[int, EditedSite] = field(default_factory=dict)
    _scenes: dict[int, ShownScene] = field(default_factory=dict)

    @property
    def encoder(self) -> VideoEncoder:
        return self.captures.encoder

    @cached_property
    def layers(self) -> tuple[int, ...]:
        """Those whose subspaces the run keeps."""
        return tuple(sorted({*self.captures.edited.named, self.best}))

    @cached_property
    def edits(self) -> tuple[str, ...]:
        """Of ours all that the variable allows, and those of others that the study ran. Resampling takes from all scenes at once, and is
        left out."""
        spec, known = self.captures.spec, {**EDITS.own, **{name: EDITS.entry(name) for name in self.captures.spec.edits}}
        angle = self.captures.variable.kind == "circular"
        allowed = [name for name, entry in known.items() if angle or "angle" not in entry.needs]
        return tuple(name for name in allowed if name != "ablate" or spec.ablate_to != "resample")

    @cached_property
    def judges(self) -> JudgeSet:
        """Those that read pooled activations, trained as the study trained them."""
        return self._judges.trained

    @cached_property
    def _judges(self) -> StudyJudges:
        return StudyJudges(self.captures, self.best)

    @cached_property
    def forecast(self) -> ForecastJudge | None:
        """The encoder's own predictor; None where the study has no such judge."""
        asked = any(JUDGES.entry(name).reads == "forecast" for name in self._judges.names)
        return self._judges.forecast if asked else None

    def at(self, layer: int) -> EditedSite:
        """The controls of the layer: all that have draws at that of the claims, those of a survey at the others."""
        if layer not in self._sites:
            captures, spec, full = self.captures, self.captures.spec, layer == self.best
            subspaces = {finder: self._subspace(finder, layer) for finder in spec.finders}
            context = context_at(captures, layer, self.judges.at(layer, True))
            names = every_control(spec, full)
            draws = min(DRAWS, spec.draws if full else spec.draws_elsewhere)
            self._sites[layer] = EditedSite(context, subspaces, controls_at(captures, context, subspaces, names, draws, fixed=True))
        return self._sites[layer]

    def _subspace(self, finder: str, layer: int) -> Subspace:
        """As the run keeps it."""
        run, name = self.captures.run, subspace_name(finder, layer)
        stored = kept(run, name)
        if stored is None:
            raise RunFolderError(f"'{run.path}' has no {name}, and so nothing to edit there. {mended_with(run.path)}")
        return as_found(self.captures, finder, layer, stored, partial(given_in, self.captures, layer, finder=finder))

    @property
    def count(self) -> int:
        """Test clips that the study intervened on."""
        return len(self.captures.test)

    def scene(self, clip: int) -> ShownScene:
        """One of them, from 0."""
        if clip not in self._scenes:
            self._scenes[clip] = ShownScene.of(self.captures, clip)
        return self._scenes[clip]

    @cached_property
    def effects(self) -> pd.DataFrame:
        """See ``main_effects``."""
        table = self.tables.tables["effects"]
        assert table is not None
        return main_effects(table)


@contextmanager
def exploring(run: Path, machine: Machine, progress: Progress | None = None) -> Iterator[Explorer]:
    """A finished run folder. RunFolderError, in one sentence, for one that is not finished, or of a version that kept less."""
    spec, tables, best = finished(run)
    machine = replace(machine, engine="local", workers=1)  # one clip at a time leaves nothing to share out
    with opened_encoder(machine, spec.model, spec.frames, spec.size) as encoder, opened(run, spec, encoder, heals=False) as folder:
        captures = Captures.of_run(folder, encoder, progress or Silent())
        take_rank(captures, folder)
        yield Explorer(captures, tables, best)


def finished(run: Path) -> tuple[StudySpec, RunFolder, int]:
    """Spec, tables and the layer of the claims of a run whose edits are done; RunFolderError for another one."""
    spec, tables = saved_spec(run), read_run(run)
    best, table = tables.summary.get("best_layer"), tables.tables.get("effects")
    if table is None or best is None or main_effects(table).empty:
        raise RunFolderError(f"'{run}' has no effects of edits, so there is nothing to explore. {mended_with(run)}")
    return spec, tables, int(best)
