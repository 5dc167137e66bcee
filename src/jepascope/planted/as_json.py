"""The scorecard's tables as JSON, nested by network and subspace: every effect beside its controls; null where there is no number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

Record = dict[Any, Any]
Json = dict[str, Any]
Tables = Mapping[str, pd.DataFrame]

EFFECT = ("value", "low", "high", "n")
CALCULATED = (*EFFECT, "expected", "inside")
CONTROL = ("value", "low", "high", "draws")
RATIO = (*CONTROL, "ratio", "ratio_low", "ratio_high", "ratio_is_bound", "excess_low", "excess_high")
EXCESS = (*EFFECT, "draws", "excess", "excess_low", "excess_high")
ENDS = ("", "_low", "_high")
WHOLE = tuple(f"{name}{end}" for name in ("whole", "surplus", "surplus_held", "rest") for end in ENDS)
STAGE = ("stage", "rank", "above", *EFFECT, *(f"alone{end}" for end in ENDS), "nearest", "nearest_sas")
PARTS = {"a": (0, "a"), "b": (1, "a"), "a without b": (0, "a without b"), "b without a": (1, "a without b"), "whole": (0, "whole")}
"""Parts of the test of a pair: which way round the pair is stored (0: a, b), and what the part is called there."""


def network_json(tables: Tables, network: str) -> Json:
    """Everything that the tables hold of one network. ``degeneracy``: None where it was left out; its ``peeling``: None where no subspace
    was found."""
    own = {name: table[table["network"] == network] for name, table in tables.items() if "network" in table}
    effects, reads = own["effects"], own["reads"]
    return {
        "subspaces": {
            row["finder"]: {
                **_picked(row, [str(name) for name in row if name not in ("network", "finder")]),
                "edits": {
                    str(edit): _beside_controls(rows, CALCULATED, RATIO)
                    for edit, rows in effects[effects["finder"] == row["finder"]].groupby("edit", sort=False)
                },
            }
            for row in own["subspaces"].to_dict("records")
        },
        "reads": {str(layer): _reads(rows) for layer, rows in reads.groupby("read_layer", sort=False)},
        "degeneracy": _degeneracy(own),
    }


def _reads(rows: pd.DataFrame) -> Json:
    return {str(row["control"]): _picked(row, CALCULATED if row["control"] == "subspace" else CONTROL) for row in rows.to_dict("records")}


def _degeneracy(own: Tables) -> Json | None:
    if own["peeling"].empty and own["verdicts"].empty:
        return None
    return {
        "peeling": None if own["peeling"].empty else _peeling(own["peeling"]),
        "pairs": [_pair(row, own["degeneracy"]) for row in own["verdicts"].to_dict("records")],
    }


def _peeling(curve: pd.DataFrame) -> Json:
    own = curve[curve["control"] == "subspace"]
    first = own.iloc[0].to_dict()
    return {
        **_picked(first, ("finder", "layer", "rank", "verdict", "reason", *WHOLE)),
        "copies": int(first["copies"]),
        "carriers": sum(map(bool, own["above"])),
        "stages": [_beside_controls(rows, STAGE, EXCESS) for _, rows in curve.groupby("stage", sort=False)],
    }


def _pair(row: Record, exchanges: pd.DataFrame) -> Json:
    """The row of verdicts, and each part with its controls as seen from (a, b)."""
    pair = (row["a"], row["b"])
    parts = {
        name: exchanges[(exchanges["a"] == pair[turned]) & (exchanges["b"] == pair[1 - turned]) & (exchanges["part"] == stored)]
        for name, (turned, stored) in PARTS.items()
    }
    nested = {name: _beside_controls(rows, ("rank", *EFFECT), EXCESS) for name, rows in parts.items()}
    return {**_picked(row, [name for name in row if name != "network"]), "parts": nested}


def _beside_controls(rows: pd.DataFrame, own: Sequence[str], control: Sequence[str]) -> Json:
    """The subspace's own row, with those of its controls."""
    by_control = {str(row["control"]): row for row in rows.to_dict("records")}
    itself = by_control.pop("subspace")
    return {**_picked(itself, own), "controls": {name: _picked(row, control) for name, row in by_control.items()}}


def _picked(row: Record, names: Sequence[str]) -> Json:
    return {name: _value(row[name]) for name in names}


def _value(value: Any) -> Any:
    if value is pd.NA or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return bool(value) if isinstance(value, bool) or str(getattr(value, "dtype", "")) == "bool" else value
