"""Degeneracy in the scorecard's JSON: everything that the tables hold of one network, nested by stage, pair and part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from jepascope.planted.degeneracy import Degeneracy
from jepascope.planted.json_numbers import json_number

Record = dict[Any, Any]

EFFECT = ("value", "low", "high", "n")
EXCESS = ("draws", "excess", "excess_low", "excess_high")
ENDS = ("", "_low", "_high")
WHOLE = tuple(f"{name}{end}" for name in ("whole", "surplus") for end in ENDS)
ALONE = tuple(f"alone{end}" for end in ENDS)


def degeneracy_json(found: Degeneracy, network: str) -> dict[str, Any] | None:
    """``peeling`` (None where no subspace was found) and ``pairs``; None where degeneracy was left out."""
    curve, verdicts, exchanges = (table[table["network"] == network] for table in (found.curve, found.verdicts, found.exchanges))
    if curve.empty and verdicts.empty:
        return None
    return {
        "peeling": None if curve.empty else _peeling(curve),
        "pairs": [_pair(row, exchanges) for row in verdicts.to_dict("records")],
    }


def _peeling(curve: pd.DataFrame) -> dict[str, Any]:
    own = curve[curve["control"] == "subspace"].to_dict("records")
    first = own[0]
    stages = [
        {**_picked(row, ("stage", "rank", "above", *EFFECT, *ALONE, "nearest", "nearest_sas")), "controls": _controls(curve, row["stage"])}
        for row in own
    ]
    return {
        **_picked(first, ("finder", "layer", "rank", "verdict", "reason", *WHOLE)),
        "copies": int(first["copies"]),
        "carriers": sum(bool(row["above"]) for row in own),
        "stages": stages,
    }


def _controls(curve: pd.DataFrame, stage: int) -> dict[str, Any]:
    return _by_control(curve[(curve["stage"] == stage) & (curve["control"] != "subspace")])


def _pair(row: Record, exchanges: pd.DataFrame) -> dict[str, Any]:
    """The row of verdicts, and each part with its controls as seen from (a, b)."""
    a, b = row["a"], row["b"]
    forward, back = (exchanges[(exchanges["a"] == one) & (exchanges["b"] == other)] for one, other in ((a, b), (b, a)))
    tables = {
        "a": forward[forward["part"] == "a"],
        "b": back[back["part"] == "a"],
        "a without b": forward[forward["part"] == "a without b"],
        "b without a": back[back["part"] == "a without b"],
        "whole": forward[forward["part"] == "whole"],
    }
    parts = {
        name: {
            **_picked(table[table["control"] == "subspace"].to_dict("records")[0], ("rank", *EFFECT)),
            "controls": _by_control(table[table["control"] != "subspace"]),
        }
        for name, table in tables.items()
    }
    return {**_picked(row, [name for name in row if name != "network"]), "parts": parts}


def _by_control(table: pd.DataFrame) -> dict[str, Any]:
    return {str(row["control"]): _picked(row, (*EFFECT, *EXCESS)) for row in table.to_dict("records")}


def _picked(row: Record, names: Sequence[str]) -> dict[str, Any]:
    return {name: json_number(row[name]) for name in names}
