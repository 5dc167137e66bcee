"""Pairs of subspaces: the tables that hold them, and panels of one line for each pair."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from jepascope.findings.beside import portability_of
from jepascope.findings.names import LABEL, short
from jepascope.report.charts.curves import Level, Panel, Series, key
from jepascope.report.charts.looks import Look, numbered
from jepascope.report.folder import RunFolder

MOST_LINES = 6  # pairs that one panel can hold and a reader still tell apart

Lines = Callable[[pd.DataFrame, str, Look], Series]
Beside = Callable[[pd.DataFrame], tuple[list[Series], list[Level]]]


@dataclass(frozen=True)
class Pairs:
    """The tables of one folder whose pairs are shown, how its intervals are called, the beginning of its drawings' names, and
    what n counts."""

    portability: pd.DataFrame
    angles: pd.DataFrame | None
    confidence: str
    prefix: str = ""
    units: str = "scenes"

    @property
    def exact_angles(self) -> bool:
        """Whether the random reference is the exact law: folders from before readings were measured hold a simulated one."""
        return bool((self.portability["metric"] == "readings").any())


def pairs_of(run: RunFolder) -> Pairs | None:
    """The run's own; None where no transfers were run."""
    table = portability_of(run)
    return None if table is None else Pairs(table, run.table("angles"), run.confidence, units=run.units)


def panels(rows: pd.DataFrame, line: Lines, beside: Beside, joined: str, either: bool) -> list[Panel]:
    """All pairs in one panel while they can be told apart there, named 'a ``joined`` b'; of more, a panel for each b (``either``: of a and
    b), in which the lines are those it is paired with, each with one look in all panels."""
    pairs = list(rows.groupby(["a", "b"], sort=False))
    if len(pairs) <= MOST_LINES:
        named = [(f"{short(a, LABEL)} {joined} {short(b, LABEL)}", own) for (a, b), own in pairs]
        more, levels = beside(rows)
        return [Panel([*(line(own, label, numbered(at)) for at, (label, own) in enumerate(named)), *more], levels)]
    names = list(dict.fromkeys([*rows["a"], *rows["b"]]))
    made: list[Panel] = []
    for name in names:
        own = rows[(rows["b"] == name) | ((rows["a"] == name) & either)]
        if own.empty:
            continue
        others = [(b if a == name and either else a, part) for (a, b), part in own.groupby(["a", "b"], sort=False)]
        keys = [] if made else [key(short(other, LABEL), numbered(at)) for at, other in enumerate(names)]
        lines = [line(part, short(other, LABEL), numbered(names.index(other))) for other, part in others]
        more, levels = beside(own)
        made.append(Panel([*keys, *lines, *more], levels, name if either else f"for {name}"))
    return made
