"""Subspaces of every finder at every layer that is intervened on -> subspaces/<finder>-layer<l>.safetensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from jepascope.activations.site import Site
from jepascope.catalog import file_name
from jepascope.discovery.finders import find, found_again
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace, digest_of
from jepascope.study.captures import Captures
from jepascope.study.files import writing


def subspace_path(captures: Captures, finder: str, layer: int) -> Path:
    return captures.run.path / "subspaces" / f"{file_name(finder)}-layer{layer}.safetensors"


def as_found(captures: Captures, finder: str, layer: int, stored: Subspace, data: Callable[[], Labelled]) -> Subspace:
    """What a run folder keeps under a finder's name, with a reference to that finder only where it is due.

    The file says so itself, of the run's own fit labels and site; or the finder finds it again in ``data`` (files of version 0.1 say
    nothing). A file that someone put in its place has none, and so no ``shuffled`` control.
    """
    spec, said = captures.spec, stored.found_by
    labels = digest_of(torch.tensor(captures.clips.split("fit").labels(spec.variable)[0]))
    if said is not None and (said.finder, said.where, said.labels) == (finder, str(Site(layer, spec.tokens)), labels):
        return stored
    found = found_again(stored, finder, data(), spec.rank_of(finder), spec.seed)
    return replace(stored, found_by=None) if isinstance(found, str) else found


def _of_the_run(captures: Captures, finder: str, layer: int) -> Subspace | None:
    """What the study beside found for the same variable, tokens and rank: rounding on another machine must not make it another one."""
    beside = captures.parent
    if beside is None or (beside.spec.variable, beside.spec.tokens, beside.spec.seed) != (
        captures.spec.variable,
        captures.spec.tokens,
        captures.spec.seed,
    ):
        return None
    file = subspace_path(beside, finder, layer)
    if not file.exists():
        return None
    found = Subspace.load(file)
    return found if found.rank == captures.spec.rank_of(finder) else None


def run_subspaces(captures: Captures, layers: Iterable[int]) -> dict[int, dict[str, Subspace]]:
    """Found on split fit, saved, and read back where they are there already."""
    spec, fit = captures.spec, captures.fit
    wanted = [(layer, finder) for layer in sorted(set(layers)) for finder in spec.finders]
    tick = captures.progress.start("find subspaces")
    found: dict[int, dict[str, Subspace]] = {}
    for done, (layer, finder) in enumerate(wanted):
        file = subspace_path(captures, finder, layer)
        if not file.exists() and (theirs := _of_the_run(captures, finder, layer)) is not None:
            with writing(file) as temporary:
                theirs.save(temporary)
        if not file.exists():
            where: dict[str, Any] = {
                "layer": layer,
                "tokens": spec.tokens,
                "model": captures.encoder.card.name,
                "clips_digest": fit.clips.digest,
            }
            data = captures.labelled(layer, finder=finder)
            subspace = find(finder, data, spec.rank_of(finder), spec.seed, **where)
            with writing(file) as temporary:
                subspace.save(temporary)
        stored = Subspace.load(file)
        used = as_found(captures, finder, layer, stored, partial(captures.labelled, layer, finder=finder))
        if used.found_by != stored.found_by and used.found_by is not None:
            with writing(file) as temporary:
                used.save(temporary)
        found.setdefault(layer, {})[finder] = used
        tick(done + 1, len(wanted))
    return found
