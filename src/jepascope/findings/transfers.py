"""One row for each transfer of a subspace in place of another: its effect at one dose, the pair's geometry, and what the two read; which
subspaces coincide, and which lie apart and read the same numbers."""

from __future__ import annotations

import re
from math import nan

import pandas as pd

from jepascope.discovery.finder_entry import FINDERS
from jepascope.findings.dissociation import SAME_NUMBERS, nothing_beyond
from jepascope.findings.numbers import shown
from jepascope.findings.selection import coinciding
from jepascope.portability.retained import EQUAL_NORM, TRANSFER, one_dose

PLACE = ["across", "a", "b", "layer"]
GEOMETRY = {"value": "sas", "chance": "sas_chance", "ceiling": "sas_ceiling", "calibrated": "sas_calibrated"}
NULLS = ("null_shuffled", "null_shuffled_high", "null_pca", "pca_low", "pca_high", "fit_low", "fit_high")
CORRECTED = ("p_holm", "looked_at")
AT_NORM = {"value": "norm"} | {name: f"norm_{name}" for name in ("low", "high", "dose", "floor_variance", "floor_shuffled", "floor_pca")}
READINGS = {"value": "readings", "low": "readings_low", "high": "readings_high", "chance": "readings_chance", "n": "readings_n"}
ELSEWHERE = re.compile(r"^(?P<finder>.+) \((?P<where>[^()]+)\)$")
MOST_SAID = 3
LAYER = re.compile(r"^layer (\d+)$")


def transfers(table: pd.DataFrame) -> pd.DataFrame:
    """Transfers of a portability table, one dose each, with sas, readings and what belongs to them (NaN where not measured)."""
    rce = table[table["metric"] == "rce"]
    if rce.empty:
        return pd.DataFrame()
    picked = one_dose(rce).drop(columns=["chance", "calibrated", "ceiling", *NULLS, *CORRECTED], errors="ignore")
    picked = _at_equal_norm(picked, table[table["metric"] == EQUAL_NORM])
    nulls = {name: name for name in NULLS if name in table}
    return _beside(_beside(picked, table, "sas", GEOMETRY | nulls), table, "readings", READINGS)


def _at_equal_norm(picked: pd.DataFrame, norm: pd.DataFrame) -> pd.DataFrame:
    """The same transfers at equal token norm, in columns ``norm_...``, with their corrected p; NaN where they were not run so."""
    columns = [name for name in AT_NORM if name in norm]
    named = norm[[*TRANSFER, *columns, *(name for name in CORRECTED if name in norm)]].rename(columns=AT_NORM)
    return picked.merge(named, on=TRANSFER, how="left") if len(norm) else picked.assign(norm=nan, p_holm=nan)


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
    match = ELSEWHERE.match(name)
    return (match["finder"], match["where"]) if match else (name, "")


def found_at(name: str) -> int | None:
    """The layer at which a subspace was found, of names that say so."""
    match = LAYER.match(split(name)[1])
    return int(match[1]) if match else None


def said_once(sas: pd.DataFrame) -> dict[str, str]:
    """A sentence for each finder whose subspace is that of an earlier one, instead of every other sentence twice."""
    by_word = {}
    for row in coinciding(sas):
        a, b = str(row["a"]), str(row["b"])
        by_word[b] = f"{b} and {a} found the same subspace here (SAS {shown(row['value'])}), so their figures agree."
        if FINDERS.look_up(a).spans_means and FINDERS.look_up(b).spans_means:
            by_word[b] += f" At rank classes - 1, {b} and {a} both span the class means and must."
    return by_word


def beside_nulls(sas: pd.DataFrame) -> list[str]:
    """How many pairs have more SAS than permuted labels and PCA give, of those that these were run for; and those that have not, the most
    aligned first."""
    known = sas[sas["null_pca"].notna()].to_dict("records") if "null_pca" in sas else []
    if not known:
        return []
    reached = [(row, words) for row in sorted(known, key=lambda row: -float(row["value"])) if (words := nothing_beyond(row))]
    lead = f"SAS lies above what the same finder reaches on permuted labels, and PCA, in {len(known) - len(reached)} of {len(known)} pairs."
    said = [f"{row['a']} and {row['b']}: SAS {shown(row['value'])}, {words}: says nothing about the variable." for row, words in reached]
    return [
        lead,
        *said[:MOST_SAID],
        *([f"The same holds of {len(said) - MOST_SAID} more pairs (in the table)."] if len(said) > MOST_SAID else []),
    ]


def same_numbers(sas: pd.DataFrame) -> list[str]:
    """Pairs that lie apart and read the same numbers: filter and pattern, not two copies."""
    known = sas[sas["readings"].notna() & sas["value"].notna()]
    if known.empty:
        return []
    reach = (known["chance"] + known["ceiling"].fillna(1.0)) / 2
    apart = known[known["value"] < reach]
    same = apart[apart["readings_low"] >= SAME_NUMBERS]
    if apart.empty:
        return ["No pair lies far apart: every SAS is at least half of the way from chance to its split-half reference."]
    far = "that lie apart (SAS below half of the way from chance to the split-half reference)"
    numbers = f"nearly the same numbers (readings at least {SAME_NUMBERS:g})"
    if same.empty:
        return [f"Of {len(apart)} pairs {far}, none reads {numbers}: low SAS is not explained by filter and pattern here."]
    text = f"Of {len(apart)} pairs {far}, {len(same)} read{'s' if len(same) == 1 else ''} {numbers}"
    lowest = same.sort_values("value", kind="stable").iloc[0]
    return [
        f"{text}: one reads the variable where another carries it (filter and pattern), so their low SAS is no sign of two copies. Lowest: "
        f"{lowest['a']} and {lowest['b']}, SAS {shown(lowest['value'])}, readings {shown(lowest['readings'])} (chance "
        f"{shown(lowest['readings_chance'])})."
    ]
