"""Subspaces of every finder at every layer that is intervened on -> subspaces/<finder>-layer<l>.safetensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import torch

from jepascope.discovery.finders import find, found_again
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace, digest_of
from jepascope.encoders.part_names import RESIDUAL
from jepascope.study.captures import Captures
from jepascope.study.files import subspace_name
from jepascope.study.folder import Run
from jepascope.study.given import given_in


def keep(run: Run, subspace: Subspace, name: str) -> None:
    run.write(name, subspace.to_bytes())


def kept(run: Run, name: str) -> Subspace | None:
    """A subspace that lies in a run folder; RunFolderError where it cannot be read."""
    return Subspace.from_bytes(run.read(name), run.path / name) if run.has(name) else None


def as_found(captures: Captures, finder: str, layer: int, stored: Subspace, data: Callable[[], Labelled]) -> Subspace:
    """What a run folder keeps under a finder's name, with a reference to that finder only where it is due.

    The file says so itself, of the run's own fit labels and site; or the finder finds it again in ``data`` (files of version 0.1 say
    nothing). A file that someone put in its place has none, and so no ``shuffled`` control.
    """
    spec, reference = captures.spec, stored.found_by
    labels = digest_of(torch.tensor(captures.clips.split("fit").labels(spec.variable)[0]))
    if reference is not None and (reference.finder, reference.where, reference.labels) == (finder, str(captures.site(layer)), labels):
        return stored
    again = found_again(stored, finder, data(), spec.rank_of(finder), spec.seed)
    return replace(stored, found_by=None) if isinstance(again, str) else again


def _of_the_run(captures: Captures, finder: str, layer: int) -> Subspace | None:
    """What the study beside found for the same variable, tokens and rank: rounding on another machine must not make it another one."""
    spec, parent = captures.spec, captures.parent
    if parent is None or any(getattr(parent.spec, name) != getattr(spec, name) for name in ("variable", "tokens", "seed", "part")):
        return None
    subspace = kept(parent.run, subspace_name(finder, layer))
    return subspace if subspace is not None and subspace.rank == spec.rank_of(finder) else None


def run_subspaces(captures: Captures, layers: Iterable[int], rank: int | None = None) -> dict[int, dict[str, Subspace]]:
    """Found on split fit, saved, and read back where they are there already; ``rank``: the study's, which the captures know."""
    spec = captures.spec
    wanted = [(layer, finder) for layer in sorted(set(layers)) for finder in spec.finders]
    tick = captures.progress.start("find subspaces")
    subspaces: dict[int, dict[str, Subspace]] = {}
    for done, (layer, finder) in enumerate(wanted):
        name = subspace_name(finder, layer)
        if not captures.run.has(name) and (theirs := _of_the_run(captures, finder, layer)) is not None:
            keep(captures.run, theirs, name)
        if not captures.run.has(name):
            data, model = given_in(captures, layer, finder=finder), captures.encoder.card.name
            where = {"layer": layer, "tokens": spec.tokens, "model": model, "clips_digest": captures.fit.clips.digest}
            where |= {} if spec.part == RESIDUAL else {"part": spec.part}
            keep(captures.run, find(finder, data, spec.rank_of(finder), spec.seed, **where), name)
        stored = kept(captures.run, name)
        assert stored is not None  # it was just written
        used = as_found(captures, finder, layer, stored, partial(given_in, captures, layer, finder=finder))
        if used.found_by != stored.found_by and used.found_by is not None:
            keep(captures.run, used, name)
        subspaces.setdefault(layer, {})[finder] = used
        tick(done + 1, len(wanted))
    return subspaces
