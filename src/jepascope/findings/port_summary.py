"""What summary.json says of a port: made from its tables alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from jepascope.findings.carried import carried_all
from jepascope.findings.numbers import json_number
from jepascope.findings.summary import figure
from jepascope.portability.retained import one_dose

LAYERS = ("source", "target", "source_layer", "target_layer")


def models_figures(similarity: pd.DataFrame, transport: pd.DataFrame) -> dict[str, Any]:
    """``cca``: one entry for each pair of layers; ``carried``: one for each transport, at the dose at which it is reported (and floors
    were run)."""
    cca = similarity[similarity["metric"] == "cca"].to_dict("records")
    columns = ("value", "low", "high", "chance", "label_chance")
    carried = []
    for transported in carried_all(transport[transport["edit"] == "ablate"]):
        row, free, free_floor = transported.row, transported.class_free, transported.free_floor
        assert transported.native is not None and free is not None and free_floor is not None  # which every port runs
        carried.append(
            {
                **{name: row[name] for name in (*LAYERS, "choice", "map", "finder", "rank")},
                **{"n": int(row["n"]), "saturated": bool(row["saturated"]), **figure(row, columns=("dose", "sas", "sas_chance"))},
                **{"native": figure(transported.native), "ce": figure(row), "rce": figure(row, "rce")},
                "class_free": {"rce": figure(free, "rce"), "sas": json_number(free["sas"]), "floor": _against(free_floor)},
                "floors": {name: _against(floor) for name, floor in transported.floors.items()},
            }
        )
    return {"cca": [{**{name: row[name] for name in (*LAYERS, "n")}, **figure(row, columns=columns)} for row in cca], "carried": carried}


def subspaces_figures(portability: pd.DataFrame) -> dict[str, Any]:
    """SAS and RCE (at the one dose at which it is reported) of every pair."""
    retained = {(row["a"], row["b"]): row for row in one_dose(portability[portability["metric"] == "rce"]).to_dict("records")}
    rows = []
    for row in portability[portability["metric"] == "sas"].to_dict("records"):
        kept = retained[row["a"], row["b"]]
        alike = {"a": row["a"], "b": row["b"], "sas": json_number(row["value"]), "sas_chance": json_number(row["chance"])}
        reported = {"rce": figure(kept), "saturated": bool(kept["saturated"]), "n": int(kept["n"])}
        rows.append({**alike, **reported, **figure(kept, columns=("dose", "floor_variance"))})
    return {"carried": rows}


def _against(row: Mapping[Any, Any]) -> dict[str, float | None]:
    """A floor: what it keeps, and how far what is held against it lies above its mean draw."""
    return {"draws": int(row["draws"]), **figure(row, columns=("rce", "difference", "difference_low", "difference_high"))}
