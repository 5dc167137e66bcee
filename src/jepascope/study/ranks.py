"""Finders, ranks and edits that a variable allows: what a spec is checked against before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence

from jepascope.clips.variables import Variable
from jepascope.discovery.finder_entry import FINDERS
from jepascope.intervention.edit_entry import EDITS
from jepascope.study.refusals import FieldRefused


def most(finder: str, variable: Variable) -> int | None:
    """The largest rank that the finder gives for the variable; None where only the encoder's width bounds it."""
    return {"classes": len(variable.classes) - 1, "values": variable.width, "width": None}[FINDERS.entry(finder).ranks]


def rank_of(finder: str, rank: int | None, variable: Variable) -> int:
    """The rank in force: the one asked for, else classes - 1; or as many as the finder gives. Until a study has found in how many
    directions class means differ (``discover.dimensions``) it is the most that may come of it."""
    wanted, limit = rank or len(variable.classes) - 1, most(finder, variable)
    return wanted if limit is None else min(wanted, limit)


def check_finders(finders: Sequence[str], rank: int | None, variable: Variable) -> None:
    """Refuse finders that the variable does not allow, and a rank that one of them cannot give (FieldRefused)."""
    for finder in finders:
        entry = FINDERS.entry(finder)
        if entry.ranks == "values" and variable.kind == "categorical":
            raise FieldRefused(
                "finders", f"{finder} needs a variable with values, and '{variable.name}' is categorical; leave {finder} out"
            )
        if "suffix" in entry.needs and not variable.rendered:
            raise FieldRefused(
                "finders", f"{finder} is trained on twins, and none can be rendered for the labels '{variable.name}'; leave {finder} out"
            )
        limit = most(finder, variable)
        if rank is not None and limit is not None and rank > limit:
            why = (
                f"one for each number of a value of '{variable.name}'"
                if entry.ranks == "values"
                else f"{len(variable.classes)} classes of '{variable.name}' span no more"
            )
            raise FieldRefused(
                "rank",
                f"rank {rank} is more than {finder} allows: at most {limit} ({why}); ask for less, or leave {finder} out "
                f"(only {', '.join(name for name, entry in FINDERS.own.items() if entry.ranks == 'width')} go higher)",
            )


def check_turned(edits: Sequence[str], variable: Variable) -> None:
    """Rotation turns an angle: FieldRefused for a variable that is none."""
    for edit in edits:
        if "angle" in EDITS.entry(edit).needs and variable.kind != "circular":
            raise FieldRefused("edits", f"{edit} turns an angle, and {variable.name} is none; use steer")


def spanned(finders: Sequence[str], rank: int | None, variable: Variable) -> int:
    """Dimensions that the finders' subspaces span together, at most; those that coincide by a theorem counted once."""
    full = len(variable.classes) - 1
    alike = [finder for finder in finders if FINDERS.entry(finder).spans_means and rank_of(finder, rank, variable) == full]
    return sum(rank_of(finder, rank, variable) for finder in finders) - full * max(0, len(alike) - 1)
