"""One run's figures of what carries over, and of copies, as they stand beside another run's and beside the paper's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from jepascope.findings.beside import portability_of, unread_judge
from jepascope.findings.effect import UNREAD
from jepascope.findings.names import MOST_OF_A_SENTENCE, short
from jepascope.findings.selection import coinciding
from jepascope.portability.retained import one_dose
from jepascope.report.folder import RunFolder
from jepascope.report.measures import mapping, whole


@dataclass(frozen=True)
class Sas:
    """Alignment of a pair of finders, with chance k/d and the split-half reference (``ceiling``)."""

    a: str
    b: str
    rank: float
    value: float
    chance: float
    calibrated: float
    ceiling: float


@dataclass(frozen=True)
class Rce:
    """Effect of ``a`` over that of ``b`` at the one dose at which it is reported, and what matched subspaces keep."""

    a: str
    b: str
    dose: float
    value: float
    low: float
    high: float
    n: float
    floor_random: float
    floor_variance: float
    saturated: bool


@dataclass(frozen=True)
class Verdict:
    """What the degeneracy protocol says about a pair of finders, or (``b`` empty) about what peeling one finder leaves."""

    a: str
    b: str
    verdict: str
    reason: str


Pair = tuple[str, str]


def pairs(run: RunFolder) -> list[Pair]:
    """Pairs of finders with an SAS at the best layer, those that found one and the same subspace last."""
    rows = _aligned(run)
    if rows is None:
        return []
    same = {(row["a"], row["b"]) for row in coinciding(rows)}
    verdicts = [(str(a), str(b)) for a, b in zip(rows["a"], rows["b"], strict=True)]
    return sorted(dict.fromkeys(verdicts), key=lambda pair: pair in same)


def sas(run: RunFolder, pair: Pair) -> Sas | None:
    """Alignment of a pair of finders at the best layer."""
    rows = _aligned(run)
    rows = rows if rows is None else rows[(rows["a"] == pair[0]) & (rows["b"] == pair[1])]
    if rows is None or rows.empty:
        return None
    row = rows.iloc[0]
    return Sas(*pair, *(float(row[name]) for name in ("rank", "value", "chance", "calibrated", "ceiling")))


def rce(run: RunFolder, across: str, used: Pair | None = None) -> tuple[Rce, ...]:
    """Effect retained by every transfer of a kind, or by one subspace in place of the other: one dose each."""
    table = portability_of(run)
    if table is None:
        return ()
    rows = table[(table["metric"] == "rce") & (table["across"] == across)]
    if across == "finder":
        rows = rows[rows["layer"] == run.best_layer]
    rows = rows if used is None else rows[(rows["a"] == used[0]) & (rows["b"] == used[1])]
    return tuple(_rce(row) for row in one_dose(rows).to_dict("records"))


def _rce(row: dict[Any, Any]) -> Rce:
    numbers = {name: float(row[name]) for name in ("dose", "value", "low", "high", "n", "floor_random", "floor_variance")}
    return Rce(a=str(row["a"]), b=str(row["b"]), saturated=bool(row["saturated"]), **numbers)


def _aligned(run: RunFolder) -> pd.DataFrame | None:
    table = run.table("portability")
    if table is None:
        return None
    return table[(table["metric"] == "sas") & (table["across"] == "finder") & (table["layer"] == run.best_layer)]


def degeneracy(run: RunFolder) -> tuple[Verdict, ...]:
    """Verdicts of the summary: on each pair of finders, and on what peeling leaves; none in folders of earlier versions."""
    said = mapping(run.summary.get("degeneracy"))
    listed = said.get("verdicts")
    rows = [mapping(row) for row in listed] if isinstance(listed, list) else []
    if said and unread_judge(run) is not None:
        return tuple(replace(_verdict(row), verdict=UNREAD) for row in rows)
    verdicts = [_verdict(row) for row in rows]
    if peeling := mapping(said.get("peeling")):
        copies = whole(peeling.get("copies"))
        counted = "" if copies is None else f" ({copies} cop{'y' if copies == 1 else 'ies'})"
        word = f"{short(peeling.get('verdict', ''))}{counted}"
        verdicts.append(Verdict(short(peeling.get("finder", "")), "", word, short(peeling.get("reason", ""), MOST_OF_A_SENTENCE)))
    return tuple(verdicts)


def _verdict(row: dict[str, Any]) -> Verdict:
    a, b, verdict = (short(row.get(key, "")) for key in ("a", "b", "verdict"))
    return Verdict(a, b, verdict, short(row.get("reason", ""), MOST_OF_A_SENTENCE))
