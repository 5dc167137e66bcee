"""Ranks that finders allow, counted from the variable alone: what a spec is checked against before anything is loaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from jepascope.clips.variables import Variable
from jepascope.study.refusals import FieldRefused

Finder = Literal[
    "diff_means",
    "class_pca",
    "within_pca",
    "l1_probe",
    "l1_probe_pattern",
    "ridge_circle",
    "ridge_circle_pattern",
    "lda",
    "lda_pattern",
    "leace",
    "leace_pattern",
    "inlp",
    "inlp_pattern",
    "das",
]
UP_TO_WIDTH = ("within_pca", "inlp", "inlp_pattern", "das")  # bound by the encoder's width alone
OF_VALUES = ("ridge_circle", "ridge_circle_pattern")  # one direction for each number of the variable's value
OF_MEANS = ("diff_means", "class_pca", "lda_pattern", "leace_pattern")  # at rank classes - 1 one span: a theorem


def most(finder: str, variable: Variable) -> int | None:
    """The largest rank that the finder gives for the variable; None where only the encoder's width bounds it."""
    if finder in UP_TO_WIDTH:
        return None
    return variable.width if finder in OF_VALUES else len(variable.classes) - 1


def rank_of(finder: str, rank: int | None, variable: Variable) -> int:
    """The rank in force: the one asked for, else classes - 1 or as many as the finder gives."""
    if rank is not None:
        return rank
    usual, limit = len(variable.classes) - 1, most(finder, variable)
    return usual if limit is None else min(usual, limit)


def check_finders(finders: Sequence[str], rank: int | None, variable: Variable) -> None:
    """Refuse finders that the variable does not allow, and a rank that one of them cannot give (FieldRefused)."""
    for finder in finders:
        if finder in OF_VALUES and variable.kind == "categorical":
            raise FieldRefused(
                "finders", f"{finder} needs a variable with values, and '{variable.name}' is categorical; leave {finder} out"
            )
        if finder == "das" and not variable.rendered:
            raise FieldRefused(
                "finders", f"das is trained on twins, and none can be rendered for the labels '{variable.name}'; leave das out"
            )
        limit = most(finder, variable)
        if rank is not None and limit is not None and rank > limit:
            why = (
                f"one for each number of a value of '{variable.name}'"
                if finder in OF_VALUES
                else f"{len(variable.classes)} classes of '{variable.name}' span no more"
            )
            raise FieldRefused(
                "rank",
                f"rank {rank} is more than {finder} allows: at most {limit} ({why}); ask for less, or leave {finder} out "
                f"(only {', '.join(UP_TO_WIDTH)} go higher)",
            )


def spanned(finders: Sequence[str], rank: int | None, variable: Variable) -> int:
    """Dimensions that the finders' subspaces span together, at most; those that coincide by a theorem counted once."""
    full = len(variable.classes) - 1
    alike = [finder for finder in finders if finder in OF_MEANS and rank_of(finder, rank, variable) == full]
    return sum(rank_of(finder, rank, variable) for finder in finders) - full * max(0, len(alike) - 1)
