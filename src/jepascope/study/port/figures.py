"""What summary.json says of a port: made from its tables alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jepascope.portability.retained import one_dose
from jepascope.study.port.carried import FLOORS, FREE_FLOOR
from jepascope.study.steps.discovered import number


def models_figures(similarity: pd.DataFrame, transport: pd.DataFrame) -> dict[str, Any]:
    """``cca``: one entry for each pair of layers; ``carried``: one for each transport, at the dose at which it is reported (and floors
    were run)."""
    cca = similarity[similarity["metric"] == "cca"]
    keys = ("source", "target", "source_layer", "target_layer")
    figures = ("value", "low", "high", "chance", "label_chance")
    found = [{**{key: row[key] for key in (*keys, "n")}, **{key: number(row[key]) for key in figures}} for row in cca.to_dict("records")]
    carried = []
    ablated = transport[transport["edit"] == "ablate"]
    by = [*keys, "choice", "map", "finder", "rank"]
    for key, group in ablated.groupby(by, sort=False):
        floors = group[group["used"].isin(FLOORS)]
        at = group[group["dose"] == one_dose(group[group["used"] == "carried"], by, "rce")["dose"].iloc[0]]
        free = group[group["used"] == FREE_FLOOR].to_dict("records")[0]
        own, native, class_free = (at[at["used"] == used].iloc[0] for used in ("carried", "native", "class-free"))
        carried.append(
            {
                **dict(zip(by, key, strict=True)),
                "dose": number(own["dose"]),
                "n": int(own["n"]),
                "native": _figure(native),
                "ce": _figure(own),
                "rce": _figure(own, "rce"),
                "class_free": {"rce": _figure(class_free, "rce"), "sas": number(class_free["sas"]), "floor": _against(free)},
                "sas": number(own["sas"]),
                "sas_chance": number(own["sas_chance"]),
                "saturated": bool(own["saturated"]),
                "floors": {row["used"]: _against(row) for row in floors.to_dict("records")},
            }
        )
    return {"cca": found, "carried": carried}


def subspaces_figures(portability: pd.DataFrame) -> dict[str, Any]:
    """SAS and RCE (at the one dose at which it is reported) of every pair."""
    rows = []
    retained = one_dose(portability[portability["metric"] == "rce"])
    for row in portability[portability["metric"] == "sas"].to_dict("records"):
        first = retained[(retained["a"] == row["a"]) & (retained["b"] == row["b"])].iloc[0]
        rows.append(
            {
                "a": row["a"],
                "b": row["b"],
                "sas": number(row["value"]),
                "sas_chance": number(row["chance"]),
                "rce": _figure(first),
                "dose": number(first["dose"]),
                "saturated": bool(first["saturated"]),
                "floor_variance": number(first["floor_variance"]),
                "n": int(first["n"]),
            }
        )
    return {"carried": rows}


def _against(row: Any) -> dict[str, float | None]:
    """A floor: what it keeps, and how far what is held against it lies above its mean draw."""
    return {"draws": int(row["draws"]), **{key: number(row[key]) for key in ("rce", "difference", "difference_low", "difference_high")}}


def _figure(row: Any, of: str = "") -> dict[str, float | None]:
    """Value and interval; ``of`` another column than ``value``."""
    columns = (of or "value", f"{of}_low" if of else "low", f"{of}_high" if of else "high")
    return {end: number(row[column]) for end, column in zip(("value", "low", "high"), columns, strict=True)}
