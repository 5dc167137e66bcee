"""Running a finder by its name: one of ours, an installed package's, or code of one's own, whose failures are said to be its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from jepascope.discovery.arrays import as_tensor
from jepascope.discovery.finder_entry import FINDERS
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument


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
