"""FinderEntry: what every finder declares of itself. Imports no torch, so that a spec is checked against it at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from jepascope.catalog import Catalog, Entry

Need = Literal["path", "suffix"]


@dataclass(frozen=True, kw_only=True)
class FinderEntry(Entry):
    """``takes``: "arrays" for a function ``(X, y, rank, seed) -> directions`` of NumPy arrays, "labelled" for one ``(data: Labelled, rank,
    seed) -> Subspace``. ``ranks``: what bounds the rank: the variable's "classes" (less one), its "values" (as many as a value has numbers;
    none for names), or the encoder's "width". ``needs``: "path" for a finder that starts from an L1 path, "suffix" for one that is trained
    through the network after the site, by twins. ``spans_means``: whether at rank classes - 1 it spans the class means, so that all that
    do are one: a theorem. ``together``: the function of its module that finds for many permutations of the labels in one batch.
    ``closed_form``: a formula without search, so that hundreds of permutations cost little (many draws of ``shuffled`` that are never run).
    ``peels``: it is what further subspaces are peeled off with, where there are "twins" or of "labels" alone.
    """

    takes: Literal["arrays", "labelled"] = "arrays"
    ranks: Literal["classes", "values", "width"] = "width"
    needs: tuple[Need, ...] = ()
    spans_means: bool = False
    together: str = ""
    closed_form: bool = False
    peels: Literal["", "twins", "labels"] = ""

    @property
    def permuted_cheaply(self) -> bool:
        """Whether tens of permutations of the labels cost little: a formula, or all in one batch without passes."""
        return self.closed_form or bool(self.together and "suffix" not in self.needs)


FINDERS = Catalog("finder", FinderEntry, "jepascope.discovery.finders")


def needing(need: Need, finders: Iterable[str]) -> list[str]:
    """Those of some finders that need an L1 path, or the network after the site."""
    return [name for name in finders if need in FINDERS.entry(name).needs]


def found_cheaply(finder: str, finders: Sequence[str]) -> bool:
    """Whether a finder is run again beside the study's own run of it: where it is a formula; the first of them, which claims are made of,
    also where it is a search, but for one that is trained through the network."""
    entry = FINDERS.entry(finder)
    return entry.closed_form or (finder == finders[0] and "suffix" not in entry.needs)


def peeled_by(rendered: bool) -> str:
    """The finder that subspaces are peeled off with: trained exchanges where twins can be ``rendered``, else the classifiers that iterated
    erasure is made of."""
    return next(name for name, entry in FINDERS.own.items() if entry.peels == ("twins" if rendered else "labels"))
