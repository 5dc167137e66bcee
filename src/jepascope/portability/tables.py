"""The run folder's tables of portability: one row per pair of subspaces, one row per principal angle."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import nan

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.portability.alignment import calibrated, principal_angles, random_angles, sas, sas_chance
from jepascope.stats import Interval

PORTABILITY_COLUMNS = [
    *("metric", "across", "a", "b", "layer", "edit", "rank", "dose", "value", "low", "high", "n"),
    *("chance", "calibrated", "ceiling", "floor_random", "floor_variance", "saturated"),
]
ANGLE_COLUMNS = ["a", "b", "across", "layer", "index", "degrees", "random_mean", "random_low", "random_high"]


def sas_rows(
    subspaces: Mapping[str, Subspace], across: str, layer: int, ceilings: Mapping[str, Interval] | None = None
) -> list[dict[str, object]]:
    """SAS of every pair. A pair's ceiling is the lower of the two split-half ceilings (NaN where one is missing)."""
    rows: list[dict[str, object]] = []
    for (a, u), (b, v) in combinations(subspaces.items(), 2):
        value, chance = sas(u.basis, v.basis), sas_chance(u.width, u.rank, v.rank)
        known = [ceilings[name].value for name in (a, b) if ceilings and name in ceilings]
        rows.append(
            {
                "metric": "sas",
                "across": across,
                "a": a,
                "b": b,
                "layer": layer,
                "edit": "",
                "rank": min(u.rank, v.rank),
                "dose": nan,
                "value": value,
                "low": nan,
                "high": nan,
                "n": 0,
                "chance": chance,
                "calibrated": calibrated(value, chance),
                "ceiling": min(known) if len(known) == 2 else nan,
                "floor_random": nan,
                "floor_variance": nan,
                "saturated": False,
            }
        )
    return rows


def angle_rows(subspaces: Mapping[str, Subspace], across: str, layer: int, seed: int, draws: int = 500) -> list[dict[str, object]]:
    """Principal angles of every pair beside those of random subspaces of the same ranks."""
    rows: list[dict[str, object]] = []
    for (a, u), (b, v) in combinations(subspaces.items(), 2):
        reference = random_angles(u.width, u.rank, v.rank, seed, draws)
        for i, degrees in enumerate(principal_angles(u.basis, v.basis)):
            rows.append(
                {
                    "a": a,
                    "b": b,
                    "across": across,
                    "layer": layer,
                    "index": i,
                    "degrees": float(degrees),
                    "random_mean": float(reference.mean[i]),
                    "random_low": float(reference.low[i]),
                    "random_high": float(reference.high[i]),
                }
            )
    return rows


def portability_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of ``sas_rows`` and ``rce_rows`` as the table of the run folder."""
    return pd.DataFrame(rows, columns=PORTABILITY_COLUMNS)


def angle_table(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Rows of ``angle_rows`` as the table of the run folder."""
    return pd.DataFrame(rows, columns=ANGLE_COLUMNS)
