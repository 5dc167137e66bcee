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


def subspace_path(bench: Captures, finder: str, layer: int) -> Path:
    return bench.run.path / "subspaces" / f"{file_name(finder)}-layer{layer}.safetensors"


def as_found(bench: Captures, finder: str, layer: int, stored: Subspace, data: Callable[[], Labelled]) -> Subspace:
    """What a run folder keeps under a finder's name, with a reference to that finder only where it is due.

    The file says so itself, of the run's own fit labels and site; or the finder finds it again in ``data`` (files of version 0.1 say
    nothing). A file that someone put in its place has none, and so no ``shuffled`` control.
    """
    spec, said = bench.spec, stored.found_by
    labels = digest_of(torch.tensor(bench.clips.split("fit").labels(spec.variable)[0]))
    if said is not None and (said.finder, said.where, said.labels) == (finder, str(Site(layer, spec.tokens)), labels):
        return stored
    found = found_again(stored, finder, data(), spec.rank_of(finder), spec.seed)
    return replace(stored, found_by=None) if isinstance(found, str) else found


def _of_the_run(bench: Captures, finder: str, layer: int) -> Subspace | None:
    """What the study beside found for the same variable, tokens and rank: rounding on another machine must not make it another one."""
    beside = bench.parent
    if beside is None or (beside.spec.variable, beside.spec.tokens, beside.spec.seed) != (
        bench.spec.variable,
        bench.spec.tokens,
        bench.spec.seed,
    ):
        return None
    file = subspace_path(beside, finder, layer)
    if not file.exists():
        return None
    found = Subspace.load(file)
    return found if found.rank == bench.spec.rank_of(finder) else None


def run_subspaces(bench: Captures, layers: Iterable[int]) -> dict[int, dict[str, Subspace]]:
    """Found on split fit, saved, and read back where they are there already."""
    spec, fit = bench.spec, bench.fit
    wanted = [(layer, finder) for layer in sorted(set(layers)) for finder in spec.finders]
    tick = bench.progress.start("find subspaces")
    found: dict[int, dict[str, Subspace]] = {}
    for done, (layer, finder) in enumerate(wanted):
        file = subspace_path(bench, finder, layer)
        if not file.exists() and (theirs := _of_the_run(bench, finder, layer)) is not None:
            with writing(file) as temporary:
                theirs.save(temporary)
        if not file.exists():
            where: dict[str, Any] = {
                "layer": layer,
                "tokens": spec.tokens,
                "model": bench.encoder.card.name,
                "clips_digest": fit.clips.digest,
            }
            data = bench.labelled(layer, finder=finder)
            subspace = find(finder, data, spec.rank_of(finder), spec.seed, **where)
            with writing(file) as temporary:
                subspace.save(temporary)
        stored = Subspace.load(file)
        used = as_found(bench, finder, layer, stored, partial(bench.labelled, layer, finder=finder))
        if used.found_by != stored.found_by and used.found_by is not None:
            with writing(file) as temporary:
                used.save(temporary)
        found.setdefault(layer, {})[finder] = used
        tick(done + 1, len(wanted))
    return found
