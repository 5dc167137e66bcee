"""Finders: each takes labelled activations of the ``fit`` split and returns a Subspace. One file each, which declares it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from jepascope.catalog import attribute
from jepascope.discovery.arrays import as_whole
from jepascope.discovery.finder_entry import FINDERS
from jepascope.discovery.finders.directions import no_values
from jepascope.discovery.finders.own import Finder, finder_named
from jepascope.discovery.found_by import FoundBy, digest_of
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, JepascopeError

__all__ = ["FINDERS", "Finder", "Labelled", "check_finder", "find", "find_shuffled", "max_rank"]


def max_rank(name: str, classes: int, width: int, outputs: int = 0) -> int:
    """The highest rank that finder ``name`` can give: classes - 1 for what class means span, ``outputs`` (how many values the
    variable has) for one of values, width - 1 for the others."""
    bound = {"classes": classes - 1, "values": outputs, "width": width - 1}[FINDERS.entry(name).ranks]
    return min(bound, width - 1)


def find(name: str, data: Labelled, rank: int | None = None, seed: int = 0, **provenance: Any) -> Subspace:
    """The subspace that finder ``name`` finds; ``provenance`` (layer, tokens, ...) is added to what the finder says itself.

    The one place that says what a subspace was ``found_by``. Raises BadArgument for an unknown finder and for a rank that the labels or
    the width do not allow.
    """
    check_finder(name, data, rank)
    try:
        subspace = finder_named(name)(data, rank, seed)
    except JepascopeError as error:
        if data.where in str(error):
            raise
        raise type(error)(f"Finder '{name}' at {data.where}: {error}") from None
    found_by = FoundBy(name, rank, seed, data.where, digest_of(data.y), digest_of(subspace.basis))
    return replace(subspace, provenance={"finder": name, **subspace.provenance, **provenance}, found_by=found_by)


def find_shuffled(finder: str | Finder, data: Labelled, rank: int | None, draws: int, seed: int = 0, **provenance: Any) -> list[Subspace]:
    """The same finder, by name or as a function, on ``draws`` random permutations of labels and values together: the ``shuffled``
    control.

    A finder that declares a form of its own for it (``together``) takes all permutations in one batch, at the strength that the true
    labels chose.
    """
    together = ""
    if isinstance(finder, str):
        check_finder(finder, data, rank)
        together = FINDERS.entry(finder).together
    if draws < 1:
        raise BadArgument(f"A shuffled control needs at least one draw, not {draws}.")
    generator = torch.Generator().manual_seed(seed)
    permuted = [data.permuted(generator) for _ in range(draws)]
    if isinstance(finder, str) and together:
        with FINDERS.blamed(finder):
            batch = attribute(f"{FINDERS.entry(finder).run.partition(':')[0]}:{together}", f"finder '{finder}'")
            subspaces = batch(data, rank, permuted, seed)
    else:
        alone = finder_named(finder) if isinstance(finder, str) else finder
        subspaces = [alone(labels, rank, seed) for labels in permuted]
    origin = {"labels": "shuffled", "seed": seed, **provenance}
    return [replace(subspace, provenance={**subspace.provenance, "draw": draw, **origin}) for draw, subspace in enumerate(subspaces)]


def check_finder(name: str, data: Labelled, rank: int | None) -> None:
    """Refuse a finder that there is not, and a rank that it cannot give here."""
    of_values = FINDERS.entry(name).ranks == "values"
    data.check()
    most = max_rank(name, data.classes, data.width, data.outputs)
    if not most:
        raise no_values(name, data)
    if rank is not None and not 1 <= as_whole(rank, "rank") <= most:
        given = f"{data.outputs} value(s)" if of_values else f"{data.classes} classes"
        raise BadArgument(
            f"Finder '{name}' cannot give rank {rank} at {data.where}: {given} in width {data.width} allow "
            f"ranks 1..{most}; ask for {most} or less."
        )
