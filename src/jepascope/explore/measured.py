"""What the study measured, as the page shows it beside what it computes: of every test clip, and over all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from jepascope.intervention.judge_entry import MAIN

USUAL = "swap"
"""The edit that the page begins with."""


def main_effects(effects: pd.DataFrame) -> pd.DataFrame:
    """Of the subspaces at dose 1 by the judge that claims are made in, clip by clip."""
    return effects[(effects["judge"] == MAIN) & (effects["control"] == "subspace") & (effects["dose"] == 1.0)]


def chosen(table: pd.DataFrame, best: int, finder: str, clips: int) -> list[int]:
    """Test clips, evenly from those that the study's leading edit moved least, or the wrong way, to those that it moved most. ``table``:
    ``main_effects``; ``clips``: how many."""
    first = table[(table["layer"] == best) & (table["finder"] == finder)]
    leading = first[first["edit"] == (USUAL if USUAL in set(first["edit"]) else first["edit"].iloc[0])]
    order = np.argsort(leading["numerator"].to_numpy(), kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, min(clips, len(order))).round().astype(int))
    return [int(order[place]) for place in places]


def measured(table: pd.DataFrame, scenes: Sequence[int]) -> dict[str, Any]:
    """By "layer finder edit": what the main judge moved of every test clip at dose 1, in their order, and the whole that there was to move;
    and where unedited test clips lie (5 to 95 %), in the distances of ``NaturalClips``. ``scenes``: of the clips."""
    effects, nearest = {}, {}
    for (layer, finder, edit), rows in table.astype({"layer": int}).groupby(["layer", "finder", "edit"], sort=False):
        if len(rows) == len(scenes):
            effects[f"{layer} {finder} {edit}"] = {"moved": _plain(rows["numerator"]), "whole": _plain(rows["denominator"])}
        nearest[f"{layer} {finder}"] = _range(rows["nearest_before"])
    return {"effects": effects, "nearest": nearest, "mahalanobis": _range(table["mahalanobis_before"]), "scenes": list(scenes)}


def _plain(values: pd.Series[float]) -> list[float | None]:
    """As JSON has them: null for what is not known."""
    return [float(value) if np.isfinite(value) else None for value in values]


def _range(values: pd.Series[float]) -> list[float] | None:
    """From 5 to 95 % of what was measured; None where nothing was."""
    known = values.dropna()
    return [float(known.quantile(share)) for share in (0.05, 0.95)] if len(known) else None


def over_clips(ce: pd.DataFrame, curves: pd.DataFrame | None, depth: int) -> dict[str, dict[str, dict[str, Any]]]:
    """CE over all test clips by the main judge: by "layer finder edit" and dose, of the subspace (with its interval and n) and of every
    control (their mean draw)."""
    last = ce[(ce["read_layer"] == depth) & (ce["read"] == "")]
    tables = [table for table in (last, curves) if table is not None and len(table)]
    stored: dict[str, dict[str, dict[str, Any]]] = {}
    for row in pd.concat(tables, ignore_index=True).query("judge == @MAIN").to_dict("records"):
        by_dose = stored.setdefault(f"{int(row['layer'])} {row['finder']} {row['edit']}", {})
        of_dose = by_dose.setdefault(f"{row['dose']:g}", {})
        if row["control"] not in of_dose and np.isfinite(row["value"]):
            numbers = (float(row["value"]), float(row["low"]), float(row["high"]))
            of_dose[str(row["control"])] = [*(value if np.isfinite(value) else None for value in numbers), int(row["n"])]
    return stored
