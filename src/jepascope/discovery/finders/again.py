"""Whether a finder gives a subspace again: what its ``shuffled`` control, the same finder on permuted labels, rests on."""

from __future__ import annotations

from dataclasses import replace

from jepascope.discovery.finders import Finder, find
from jepascope.discovery.found_by import digest_of
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import JepascopeError

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


def referring(subspace: Subspace, found: Subspace) -> Subspace:
    """``subspace`` with the reference of ``found``, whose span is the same."""
    said = found.found_by
    return replace(subspace, found_by=None if said is None else replace(said, basis=digest_of(subspace.basis)))
