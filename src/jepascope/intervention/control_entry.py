"""ControlEntry: what every control declares of itself. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
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
    each token's edit gets the norm of the true edit. ``searched``: each draw takes a search, so that thousands take seconds. ``stream``:
    the number of its random stream; by default one made of its name.

    ``words`` stand in heads of tables and legends, ``doer`` in sentences ("what random directions do"); ``look`` is its colour, marker,
    dash and hatch in charts, by the names of ``report.charts.looks``.
    """

    made: Literal["drawn", "found", "fixed", "run"] = "drawn"
    edit: str = ""
    absent: str = ""
    asked: bool = True
    floor: bool = False
    surveyed: bool = False
    matches: Literal["rank", "variance", "norm"] = "rank"
    complement: bool = False
    rescale: bool = False
    searched: bool = False
    stream: int | None = None
    words: str = ""
    doer: str = ""
    look: tuple[str, str, str, str] = ("purple", "P", "mixed", "...")

    @property
    def seed(self) -> int:
        return crc32(self.name.encode()) if self.stream is None else self.stream


CONTROLS = Catalog("control", ControlEntry, "jepascope.intervention.controls")
MATCHED = tuple(name for name, entry in CONTROLS.own.items() if not entry.asked)
"""The four that every effect has beside it."""
FLOORS = tuple(name for name, entry in CONTROLS.own.items() if entry.floor)
"""Random directions beside the subspace, edited as they are: what exchanges, transfers and reads elsewhere are held against."""
SURVEYED = tuple(name for name, entry in CONTROLS.own.items() if entry.surveyed)
FOUND = tuple(name for name, entry in CONTROLS.own.items() if entry.made == "found")


def on_request(name: str) -> bool:
    """Whether a control is run only where a study names it, as those of others are."""
    return name not in MATCHED
