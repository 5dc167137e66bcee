"""Subspaces of another run in this study: read, checked, copied beside its own, and what their controls are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from jepascope.activations.moments import Moments
from jepascope.catalog import file_name
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument, RunFolderError
from jepascope.findings.numbers import json_number as number
from jepascope.portability.retained import one_dose
from jepascope.study.captures import Captures
from jepascope.study.discover.subspaces import as_found
from jepascope.study.files import read_json, writing
from jepascope.study.fits import check_room
from jepascope.study.folder import Run
from jepascope.study.spec import StudySpec
from jepascope.study.videos.carried import CarriedRun
from jepascope.study.videos.carried_by import carried_by

FOLDER = "taken"  # below a run's subspaces


@dataclass(frozen=True, eq=False)
class ImportedSubspaces:
    """The other run as this study uses it: ``subspaces`` by the names of tables, ablated to the mean of this study's fit clips.

    ``captures`` is the other run's own: its labels are permuted for the ``shuffled`` control, its read-out is tried here, and the halves
    of its clips say how far its subspaces agree with themselves.
    """

    run: CarriedRun
    here: Captures
    layer: int
    subspaces: dict[str, Subspace]

    @cached_property
    def captures(self) -> Captures:
        return Captures.of_run(Run(self.run.path, self.run.spec), self.here.encoder, self.here.progress)

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
        there = self.captures
        data = there.labelled(self.layer, finder=finder, of=there.fit)
        if not needing("path", [finder]):
            return data
        path = l1_paths({self.layer: data.x}, data.y, data.groups, there.folds, seed=there.spec.seed)[self.layer]
        return replace(data, path=path)


def check_taken(spec: StudySpec, encoder: VideoEncoder) -> None:
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
        found = _read(file)
        if found.width != encoder.card.width:
            raise BadArgument(
                f"'{file}' has width {found.width}, encoder '{encoder.card.name}' {encoder.card.width}; put the run's own back."
            )
        check_room(f"'{file}'", found.rank, found.width)


def taken_along(captures: Captures) -> ImportedSubspaces | None:
    """What the study takes from another run; copies lie in the run folder. None where it takes nothing."""
    run, spec = carried_by(captures.spec), captures.spec
    if run is None:
        return None
    layer = spec.best_layer
    assert layer is not None
    mean = Moments.of(captures.fit.pooled(layer, spec.tokens)).mean.float()
    taken = ImportedSubspaces(run, captures, layer, {})
    for finder in run.spec.finders:
        theirs = _read(run.file(finder, layer))
        if not needing("suffix", [finder]):
            theirs = as_found(taken.captures, finder, layer, theirs, partial(taken.labelled, finder))
        where = {**theirs.provenance, "model": captures.encoder.card.name, "found_on": run.clips, "found_in_run": run.path.name}
        used = replace(theirs, mean=mean, provenance=where)
        copy = captures.run.path / "subspaces" / FOLDER / f"{file_name(finder)}-layer{layer}.safetensors"
        if not copy.exists():
            with writing(copy) as temporary:
                used.save(temporary)
        taken.subspaces[run.name(finder)] = used
    return taken


def _read(path: Path) -> Subspace:
    try:
        return Subspace.load(path)
    except RunFolderError as error:
        raise BadArgument(str(error)) from None


def taken_figures(taken: ImportedSubspaces | None, portability: pd.DataFrame) -> dict[str, Any]:
    """What summary.json says of them, beside their effects: where they are from, and what they retain.

    Of ablation, or of swaps where that has no interval; at the one dose at which it is reported.
    """
    if taken is None:
        return {}
    rows = portability[(portability["metric"] == "rce") & portability["a"].isin(taken.subspaces)]
    rows = one_dose(rows).assign(unread=lambda found: found["low"].isna())
    rows = rows.sort_values(["unread", "edit"], kind="stable").drop_duplicates("a")
    keys = ("value", "low", "high", "excess_low", "excess_high", "floor_random", "floor_variance", "dose")
    return {
        "carried": {
            "run": taken.run.path.name,
            "clips": taken.run.clips,
            "layer": taken.layer,
            "finders": {said: finder for finder, said in taken.finders.items()},
            "ranks": {name: one.rank for name, one in taken.subspaces.items()},
            "rce": {
                row["a"]: {"edit": row["edit"], "saturated": bool(row["saturated"]), **{key: number(row[key]) for key in keys}}
                for row in rows.to_dict("records")
            },
        }
    }


def class_columns(taken: ImportedSubspaces) -> torch.Tensor | None:
    """For each class of this study its place among the other run's classes; None where one is missing there."""
    theirs = taken.captures.classes
    if not set(taken.here.classes) <= set(theirs):
        return None
    return torch.tensor([theirs.index(name) for name in taken.here.classes])
