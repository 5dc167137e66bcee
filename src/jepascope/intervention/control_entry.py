"""ControlEntry: what every control declares of itself. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from zlib import crc32

from jepascope.catalog import Catalog, Entry


@dataclass(frozen=True, kw_only=True)
class ControlEntry(Entry):
    """``made``: "drawn" by a function ``(subspace, covariance, free, draws, rng) -> bases`` (draws, width, rank), where ``free`` spans what
    is orthogonal to the subspaces studied (both are tensors); "found" by the finder, on permuted labels; "fixed" by a
    function ``(data: Labelled, rank, seed) -> basis`` in which nothing is random; or "run" by a step of the study of its own.

    One that is "run" is a function ``(captures, context, subspaces, effects, judges) -> effects``: beside the edit named ``edit``, or once
    after all edits; ``absent``: why it has no effects where there are none.

    ``asked``: it is run where a study names it, and not beside every effect. ``floor``: exchanges, transfers and reads elsewhere are held
    against it, at every dose; ``surveyed``: it is run also at layers that no claim is made for, and where a few plain draws do.

    ``matches``: what it shares with the subspace besides its rank. ``complement``: it is drawn orthogonal to the subspace. ``rescale``:
    each token's edit gets the norm of the true edit. ``carried``: it takes the true edit's own coordinates over to its directions, for
    every edit (V R U^T r), so that the norm of each token's edit and of the pooled shift are those of the true edit. ``searched``: each
    draw takes a search, so that thousands take seconds. ``beside``: claims do not lead with it, and it has draws enough to lie outside
    them, not for corrections. ``stream``: the number of its random stream; by default one made of its name.

    ``given``: of one that is "found", a function ``(data: Labelled, subspace) -> Labelled`` (``module:name``) that makes the clips that
    permuted labels are given to; by default the finder's own.

    ``words`` stand in heads of tables and legends, ``brief`` where there is room for a word alone (by default ``words``), ``doer`` in
    sentences ("what random directions do"); ``look`` is its colour, marker, dash and hatch in charts, by the names of
    ``report.charts.looks``.
    """

    made: Literal["drawn", "found", "fixed", "run"] = "drawn"
    edit: str = ""
    absent: str = ""
    asked: bool = True
    floor: bool = False
    surveyed: bool = False
    matches: Literal["rank", "variance", "norm", "shift"] = "rank"
    complement: bool = False
    rescale: bool = False
    carried: bool = False
    searched: bool = False
    beside: bool = False
    given: str = ""
    stream: int | None = None
    words: str = ""
    brief: str = ""
    doer: str = ""
    look: tuple[str, str, str, str] = ("purple", "P", "mixed", "...")

    @property
    def seed(self) -> int:
        return crc32(self.name.encode()) if self.stream is None else self.stream


CONTROLS = Catalog("control", ControlEntry, "jepascope.intervention.controls")
MATCHED = tuple(name for name, entry in CONTROLS.own.items() if not entry.asked)
"""Those that every effect has beside it."""
DRAWN = tuple(name for name in MATCHED if CONTROLS.own[name].made in ("drawn", "found"))
"""Those of them that have draws: from a random stream, or of permuted labels."""
AS_GIVEN = tuple(name for name in DRAWN if not CONTROLS.own[name].given)
"""Those that need no clips made for them."""
FLOORS = tuple(name for name, entry in CONTROLS.own.items() if entry.floor)
"""Random directions beside the subspace, edited as they are: what exchanges, transfers and reads elsewhere are held against."""
SURVEYED = tuple(name for name, entry in CONTROLS.own.items() if entry.surveyed)
FOUND = tuple(name for name, entry in CONTROLS.own.items() if entry.made == "found")


def found_ones(given: Sequence[Any] | Mapping[str, Sequence[Any]] | None) -> Mapping[str, Sequence[Any]]:
    """What finders found on permuted labels, by control; a list by itself is of ``shuffled``."""
    return given if isinstance(given, Mapping) else {"shuffled": given or ()}


def on_request(name: str) -> bool:
    """Whether a control is run only where a study names it, as those of others are."""
    return name not in MATCHED
