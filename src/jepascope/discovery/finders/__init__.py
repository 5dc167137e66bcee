"""Finders: each takes labelled activations of the ``fit`` split and returns a Subspace. One file each, which declares it.

A finder is run by its name: one of ours, an installed package's, or code of one's own, whose failures are said to be its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch

from jepascope.catalog import attribute
from jepascope.discovery.arrays import as_tensor, as_whole
from jepascope.discovery.finder_entry import FINDERS
from jepascope.discovery.finders.directions import no_values
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import FoundBy, Subspace, digest_of
from jepascope.errors import BadArgument, JepascopeError


@runtime_checkable
class Finder(Protocol):
    """The one signature. ``seed`` is for those that draw or cross-validate."""

    def __call__(self, data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace: ...


def finder_named(name: str) -> Finder:
    """What finds under a name, with the one signature."""
    entry, function = FINDERS.entry(name), FINDERS.load(name)
    if name in FINDERS.own:
        return function  # type: ignore[no-any-return]
    run = own_finder(function) if entry.takes == "arrays" else function

    def finder(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
        with FINDERS.blamed(name):
            subspace = run(data, rank, seed)
            if not isinstance(subspace, Subspace):
                raise BadArgument(f"it returns a {type(subspace).__name__}, not a Subspace; make one with Subspace.spanned_by")
            if subspace.width != data.width or rank not in (None, subspace.rank):
                raise BadArgument(
                    f"it returns rank {subspace.rank} in width {subspace.width}, not {rank or 'a rank of its own'} in width {data.width}"
                )
            return subspace

    return finder


def own_finder(function: Callable[..., Any]) -> Finder:
    """A function ``(X, y, rank, seed) -> directions`` as a finder: NumPy arrays (clips, width) and (clips) of class indices in, and
    (width, vectors) out, of which the ``rank`` leading ones are kept."""

    def finder(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
        directions = as_tensor(function(data.x.numpy(), data.y.numpy(), rank, seed), "What the finder returns (width, vectors)", 2)
        if len(directions) != data.width:
            raise BadArgument(f"The finder returns {tuple(directions.shape)}, not (width, vectors) with width {data.width}; transpose it.")
        return Subspace.spanned_by(directions, data.x.mean(dim=0), rank)

    return finder


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
    found_by = FoundBy(name, rank, seed, data.where, digest_of(data.y), digest_of(subspace.basis), here=True)
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


SAME = 0.999
"""SAS from which two subspaces of one rank count as one: rounding on another machine leaves more, and another finder gives less (but for
those whose span is the same by a theorem)."""

UNKNOWN = "nothing shows which finder found this subspace (a name in its provenance is a caller's word)"
"""Why a subspace without a reference has no ``shuffled`` control."""


def found_again(subspace: Subspace, finder: str | Finder, data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace | str:
    """``subspace`` with a reference to ``finder``, where that finds the same span on these labels; else why it does not, in words.

    ``rank`` and ``seed`` are those that the finder was given (default: the subspace's own rank). Of a function there is no reference.
    """
    name, rank = finder if isinstance(finder, str) else "the finder given", rank or subspace.rank
    try:
        again = find(finder, data, rank, seed) if isinstance(finder, str) else finder(data, rank, seed)
    except JepascopeError as error:
        return f"{name}, run again on the true labels, finds nothing ({str(error).rstrip('.')})"
    if again.basis.shape != subspace.basis.shape:
        return f"{name}, run again on the true labels, finds a subspace of rank {again.rank} in width {again.width}, not this one"
    if not same_span(again, subspace):
        shared = float((again.basis.T @ subspace.basis).square().sum()) / subspace.rank
        return f"{name}, run again on the true labels, finds another subspace (SAS {shared:.2f} with this one, not 1)"
    return referring(subspace, again)


def same_span(a: Subspace, b: Subspace) -> bool:
    """Whether two subspaces are one up to rounding."""
    return a.basis.shape == b.basis.shape and float((a.basis.T @ b.basis).square().sum()) >= SAME * a.rank


def referring(subspace: Subspace, again: Subspace) -> Subspace:
    """``subspace`` with the reference of ``found``, whose span is the same."""
    reference = again.found_by
    return replace(subspace, found_by=None if reference is None else replace(reference, basis=digest_of(subspace.basis)))
