"""Subspaces of another run in a study of videos: read, checked, copied, used in place of its own, and what controls they get."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from jepascope.activations.moments import Moments
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument, RunFolderError
from jepascope.findings.numbers import json_number as number
from jepascope.intervention.context import InterventionContext
from jepascope.intervention.edit_entry import COMPARED
from jepascope.portability.retained import one_dose
from jepascope.stats import Interval
from jepascope.study.captures import Captures
from jepascope.study.discover.subspaces import as_found, keep
from jepascope.study.edited_layers import check_room
from jepascope.study.files import read_json, subspace_name
from jepascope.study.folder import Run
from jepascope.study.given import given_in
from jepascope.study.intervene.curves import dose_effects
from jepascope.study.intervene.judges import last_layer_probe
from jepascope.study.port.compared import Ported, aligned, ceilings_of, finders_at, readout_row, refits_of, retained
from jepascope.study.port.found_elsewhere import ACROSS
from jepascope.study.spec import StudySpec
from jepascope.study.videos.carried import CarriedRun
from jepascope.study.videos.carried_by import carried_by

FOLDER = "taken"  # below a run's subspaces


@dataclass(frozen=True, eq=False)
class ImportedSubspaces:
    """The other run as this study uses it: ``subspaces`` by the names of tables, ablated to the mean of this study's fit clips.

    ``captures`` are this study's, ``theirs`` the other run's own: its labels are permuted for the ``shuffled`` control, its read-out is
    tried here, and the halves of its clips say how far its subspaces agree with themselves.
    """

    run: CarriedRun
    captures: Captures
    layer: int
    subspaces: dict[str, Subspace]

    @cached_property
    def theirs(self) -> Captures:
        return Captures.of_run(Run(self.run.path, self.run.spec, heals=False), self.captures.encoder, self.captures.progress)

    @property
    def finders(self) -> dict[str, str]:
        """Names of tables by finder."""
        return {finder: self.run.name(finder) for finder in self.run.spec.finders}

    def shuffles(self, finder: str) -> tuple[str, Labelled] | None:
        """A finder and the clips that its subspace was found in, for the same finder on permuted labels; None where it would have to be
        trained through the network for every draw."""
        return None if needing("suffix", [finder]) else (finder, self.labelled(finder))

    def labelled(self, finder: str) -> Labelled:
        """The other run's fit clips at the layer, with a sparse path where the finder needs one (fitted here, at this layer alone)."""
        there = self.theirs
        data = given_in(there, self.layer, finder=finder, of=there.fit)
        if not needing("path", [finder]):
            return data
        path = l1_paths({self.layer: data.x}, data.y, data.groups, there.folds, seed=there.spec.seed)[self.layer]
        return replace(data, path=path)


def check_imported(spec: StudySpec, encoder: VideoEncoder) -> None:
    """Refuse (BadArgument) subspaces of another encoder, other tokens or too large a rank, before there is a folder."""
    run = carried_by(spec)
    if run is None:
        return
    known = read_json(run.path / "provenance.json", {}).get("encoder", {}).get("digest")
    if known != encoder.card.digest:
        raise BadArgument(
            f"'{run.path}' is a run of another encoder than '{encoder.card.name}'; subspaces are of one encoder's latents alone."
        )
    if run.spec.tokens != spec.tokens:
        raise BadArgument(f"'{run.path}' pools {run.spec.tokens} tokens, and this study {spec.tokens}; run one of the two again.")
    assert spec.best_layer is not None
    for finder in run.spec.finders:
        file = run.file(finder, spec.best_layer)
        subspace = _read(file)
        if subspace.width != encoder.card.width:
            raise BadArgument(
                f"'{file}' has width {subspace.width}, encoder '{encoder.card.name}' {encoder.card.width}; put the run's own back."
            )
        check_room(f"'{file}'", subspace.rank, subspace.width)


def imported_along(captures: Captures) -> ImportedSubspaces | None:
    """What the study takes from another run; copies lie in the run folder. None where it takes nothing."""
    run, spec = carried_by(captures.spec), captures.spec
    if run is None:
        return None
    layer = spec.best_layer
    assert layer is not None
    mean = Moments.of(captures.fit.pooled(layer, spec.tokens)).mean.float()
    imported = ImportedSubspaces(run, captures, layer, {})
    for finder in run.spec.finders:
        theirs = _read(run.file(finder, layer))
        if not needing("suffix", [finder]):
            theirs = as_found(imported.theirs, finder, layer, theirs, partial(imported.labelled, finder))
        where = {**theirs.provenance, "model": captures.encoder.card.name, "found_on": run.clips, "found_in_run": run.path.name}
        used = replace(theirs, mean=mean, provenance=where)
        copy = subspace_name(finder, layer, FOLDER)
        if not captures.run.has(copy):
            keep(captures.run, used, copy)
        imported.subspaces[run.name(finder)] = used
    return imported


def _read(path: Path) -> Subspace:
    try:
        return Subspace.load(path)
    except RunFolderError as error:
        raise BadArgument(str(error)) from None


def ported(
    imported: ImportedSubspaces, context: InterventionContext, native: Mapping[str, Subspace], ceilings: Mapping[str, Interval]
) -> Ported:
    """Every finder that both runs have: "<finder> (<the other run's clips>)" used in place of what it finds on these videos.

    Ablated, and swapped with clips of another class, on the videos' own test clips (the dose curves hold both, each beside controls of its
    own), read by their own read-out. Of few videos ablation may have no margin to take from, and swaps say more.
    """
    captures, there, layer = imported.captures, imported.theirs, imported.layer
    pairs = [(used, finder) for finder, used in imported.finders.items() if finder in native]
    everything = {**native, **imported.subspaces}
    finders = finders_at(there, {finder: imported.subspaces[used].rank for used, finder in pairs})
    theirs = {imported.run.name(finder): ceiling for finder, ceiling in ceilings_of(there, layer, finders).items()}
    beside = refits_of(captures, layer, {finder: native[finder].rank for _, finder in pairs}, captures.fit, native=True)
    given = refits_of(there, layer, {finder: imported.subspaces[used].rank for used, finder in pairs}, there.fit)
    known = beside | {used: given[finder] for used, finder in pairs if finder in given}
    found = aligned(captures, ACROSS, layer, everything, pairs, {**ceilings, **theirs}, known)
    edits = [edit for edit in COMPARED if edit in captures.spec.edits]
    effects = pd.concat([dose_effects(captures, context, everything, edit) for edit in edits], ignore_index=True)
    found += retained(captures, ACROSS, effects, pairs)
    if not {*captures.classes} <= {*there.classes}:
        captures.progress.say(f"The read-out of '{imported.run.path.name}' is not tried: it knows other classes.")
        return found
    columns = torch.tensor([there.classes.index(name) for name in captures.classes])
    return found + Ported(readout=[readout_row(captures, last_layer_probe(there), imported.run.clips, columns)])


def imported_figures(imported: ImportedSubspaces | None, portability: pd.DataFrame) -> dict[str, Any]:
    """What summary.json says of them, beside their effects: where they are from, and what they retain.

    Of ablation, or of swaps where that has no interval; at the one dose at which it is reported.
    """
    if imported is None:
        return {}
    rows = one_dose(portability[(portability["metric"] == "rce") & portability["a"].isin(imported.subspaces)])
    rows = rows.assign(unread=rows["low"].isna()).sort_values(["unread", "edit"], kind="stable").drop_duplicates("a")
    keys = ("value", "low", "high", "excess_low", "excess_high", "floor_random", "floor_variance", "dose")
    return {
        "carried": {
            "run": imported.run.path.name,
            "clips": imported.run.clips,
            "layer": imported.layer,
            "finders": {name: finder for finder, name in imported.finders.items()},
            "ranks": {name: subspace.rank for name, subspace in imported.subspaces.items()},
            "rce": {
                row["a"]: {"edit": row["edit"], "saturated": bool(row["saturated"]), **{key: number(row[key]) for key in keys}}
                for row in rows.to_dict("records")
            },
        }
    }
