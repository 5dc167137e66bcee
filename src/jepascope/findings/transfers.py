"""One row for each transfer of a subspace in place of another: its effect at one dose, the pair's geometry, and what the two read."""

from __future__ import annotations

import re

import pandas as pd

from jepascope.portability.retained import one_dose

PLACE = ["across", "a", "b", "layer"]
GEOMETRY = {"value": "sas", "chance": "sas_chance", "ceiling": "sas_ceiling", "calibrated": "sas_calibrated"}
READINGS = {"value": "readings", "low": "readings_low", "high": "readings_high", "chance": "readings_chance", "n": "readings_n"}
ELSEWHERE = re.compile(r"^(?P<finder>.+) \((?P<where>[^()]+)\)$")
LAYER = re.compile(r"^layer (\d+)$")


def transfers(table: pd.DataFrame) -> pd.DataFrame:
    """Transfers of a portability table, one dose each, with sas, readings and what belongs to them (NaN where not measured)."""
    rce = table[table["metric"] == "rce"]
    if rce.empty:
        return pd.DataFrame()
    picked = one_dose(rce).drop(columns=["chance", "calibrated", "ceiling"])
    return _beside(_beside(picked, table, "sas", GEOMETRY), table, "readings", READINGS)


def alignments(table: pd.DataFrame) -> pd.DataFrame:
    """The pairs of a portability table whose SAS was measured, with their readings."""
    return _beside(table[table["metric"] == "sas"], table, "readings", READINGS)


def _beside(pairs: pd.DataFrame, table: pd.DataFrame, metric: str, names: dict[str, str]) -> pd.DataFrame:
    """Another metric of the same pairs, which is the same in either order; told apart by rank only where a pair has several."""
    own = table[table["metric"] == metric][[*PLACE, "rank", *names]].rename(columns=names)
    both = pd.concat([own, own.rename(columns={"a": "b", "b": "a"})]).drop_duplicates([*PLACE, "rank"])
    if both.duplicated(PLACE).any():
        return pairs.merge(both, on=[*PLACE, "rank"], how="left")
    return pairs.merge(both.drop(columns="rank"), on=PLACE, how="left")


def split(name: str) -> tuple[str, str]:
    """'lda (layer 1)' -> ('lda', 'layer 1'); where nothing stands in brackets the second is empty."""
    found = ELSEWHERE.match(name)
    return (found["finder"], found["where"]) if found else (name, "")


def found_at(name: str) -> int | None:
    """The layer at which a subspace was found, of names that say so."""
    found = LAYER.match(split(name)[1])
    return int(found[1]) if found else None
