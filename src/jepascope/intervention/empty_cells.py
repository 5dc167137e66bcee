"""Why cells of a table of causal effects are empty: the rules by which ``ce_table`` empties them, in one place."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from jepascope.errors import BadArgument
from jepascope.intervention.causal_effect import CONDITION
from jepascope.intervention.control_entry import CONTROLS
from jepascope.stats import MIN_DRAWS, OUTSIDE_DRAWS

LEFT_OUT = "left_out"
"""Key of a table's ``attrs``: controls that have no row, and why."""

NEEDED = ("control", "draws", "value", "high")
MOST_ROWS = 4  # that a sentence names
EXCESS = ("excess_low", "excess_high")
RATIO = ("ratio", "ratio_low", "ratio_high")
AMONG = ("percentile", "p", "p_holm", "p_floor")
COMPARED = ("difference", "difference_low", "difference_high", *EXCESS, *RATIO, *AMONG)
SURROGATE = ("correlation", "worth")
DIRECT = ("direct", "direct_low", "direct_high")
ANGLE = ("angle_error", "angle_error_low", "angle_error_high", "angle_error_before")

ONE = "one_"  # intervals of one subspace, where those of the encoder stand in their place, by the column that they are of

NO_MARGIN = (
    "the judge's margin (for swaps, what the twin moves it) cannot be told from zero on these scenes, so there is nothing to take a "
    "share of"
)


def why_empty(ce: pd.DataFrame) -> pd.DataFrame:
    """A table of the same shape as ``ce`` (what ``intervene`` returns, or a run's ce.parquet): for each empty cell the reason, else ""."""
    _check(ce)
    keys = [name for name in CONDITION if name in ce]
    owns = {key: row for key, row in zip(_keys(ce, keys), ce.to_dict("records"), strict=True) if row["control"] == "subspace"}
    reasons = [
        {str(name): _reason(str(name), row, owns.get(key, row)) if pd.isna(value) else "" for name, value in row.items()}
        for key, row in zip(_keys(ce, keys), ce.to_dict("records"), strict=True)
    ]
    return pd.DataFrame(reasons, index=ce.index, columns=ce.columns)


def explain(ce: pd.DataFrame) -> list[str]:
    """Sentences on a table of causal effects: which controls have no row and why, and why cells are empty. [] where none is.

    >>> for line in js.explain(effects):
    ...     print(line)
    """
    _check(ce)
    sentences = [f"There is no row '{name}': {why}." for name, why in ce.attrs.get(LEFT_OUT, {}).items()]
    keys = [name for name in CONDITION if name in ce and ce[name].nunique() > 1]
    grouped: dict[tuple[str, str], list[str]] = {}
    for row, reasons in zip(ce.to_dict("records"), why_empty(ce).to_dict("records"), strict=True):
        by_reason: dict[str, list[str]] = {}
        for name, why in reasons.items():
            by_reason.setdefault(why, []).append(str(name))
        where = " ".join(str(row[name]) for name in ("control", *keys))
        for why, names in by_reason.items():
            if why:
                grouped.setdefault((", ".join(names), why), []).append(where)
    for (cells, why), rows in grouped.items():
        more = f" and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
        sentences.append(f"Empty in {'; '.join(rows[:MOST_ROWS])}{more}: {cells}. Why: {why}.")
    return sentences


def _check(ce: pd.DataFrame) -> None:
    lacking = [name for name in NEEDED if name not in ce] if isinstance(ce, pd.DataFrame) else list(NEEDED)
    if lacking:
        raise BadArgument(
            f"A table of causal effects is what jepascope.intervene returns, or a run's ce.parquet, with all of its rows and columns; this "
            f"{type(ce).__name__} has no {', '.join(lacking)}."
        )


def _keys(ce: pd.DataFrame, names: list[str]) -> list[tuple[object, ...]]:
    return list(ce[names].itertuples(index=False, name=None))


def _reason(column: str, row: Mapping[Hashable, Any], own: Mapping[Hashable, Any]) -> str:
    """Why a cell is empty. ``own``: the row of the subspace itself under the same condition."""
    draws, control = int(row["draws"]), str(row["control"])
    if column.startswith(ONE):
        return _NOT_ANEW
    if column in (*COMPARED, *SURROGATE) and control == "subspace":
        return "a subspace is compared in the rows of its controls"
    if column in ("value", "low", "high", *COMPARED, *DIRECT, *SURROGATE) and pd.isna(own["value"]):
        return NO_MARGIN
    if column in (*AMONG, *EXCESS, *SURROGATE) and CONTROLS.look_up(control).made == "fixed":
        return "nothing in this control is random, so that there are no draws to lie among"
    if column in (*COMPARED, *SURROGATE) and draws < MIN_DRAWS:
        return f"{draws} draws: with fewer than {MIN_DRAWS} nothing is compared, and low and high are the least and the largest draw"
    if column in EXCESS and draws < OUTSIDE_DRAWS:
        return f"{draws} draws: fewer than {OUTSIDE_DRAWS} cannot show that the subspace lies outside them"
    if column in RATIO:
        below = float(row["high"]) < 0
        return "the control's mean effect lies below zero; read the difference" if below else _NO_MULTIPLE
    if column in ("p_holm", "p_floor"):
        return "p is corrected over the layers and finders with as many draws as any; here are fewer"
    if column in SURROGATE:
        return _NO_SURROGATE
    if column in DIRECT:
        return _OF_DRAWS if control != "subspace" and column != "direct" and pd.notna(row["direct"]) else _NO_DIRECT
    if column in ANGLE:
        return "the variable is no angle, or this judge reads none"
    return "this judge gives no probabilities of classes" if column.startswith(("kl", "accuracy")) else "there is none"


_NO_MULTIPLE = "the subspace's own effect cannot be told from zero, so that it is no multiple of the control's"
_NO_SURROGATE = (
    "first-order effects are had by the judge that claims are made in, and of permuted labels for finders that are a formula; draws that "
    "all coincide follow nothing"
)
_NOT_ANEW = "low and high are of this one subspace: it was not found anew, or there is no interval"
_OF_DRAWS = "of a control the direct part is the mean over its draws, without an interval"
_NO_DIRECT = "this judge cannot be read without the blocks after the edit"
