"""Figures that open a chapter and are part of no section: few lines, each with its name and its number."""

from __future__ import annotations

from jepascope.findings.beside import portability_of
from jepascope.findings.names import LABEL, short
from jepascope.findings.numbers import count_range, finite
from jepascope.findings.questions import points
from jepascope.findings.selection import first_finder
from jepascope.findings.transfers import split, transfers
from jepascope.report.blocks import Figure
from jepascope.report.charts import dots
from jepascope.report.charts.dots import Dot, Part
from jepascope.report.folder import RunFolder

MOST = 12  # lines


def carried_figure(run: RunFolder) -> Figure | None:
    """What other subspaces keep of the first finder's effect, beside what a matched subspace keeps in their place."""
    table = portability_of(run)
    moved = None if table is None else transfers(table)
    if moved is None or moved.empty:
        return None
    finder = first_finder(run)
    rows = [row for row in moved.to_dict("records") if split(str(row["b"]))[0] == finder and finite(row["value"])][:MOST]
    if not rows:
        return None
    lines = [
        Dot(_from(row), row["value"], points(row["value"]), row["low"], row["high"], beside=float(row["floor_variance"])) for row in rows
    ]
    n = count_range([row["n"] for row in rows])
    caption = (
        f"Subspaces found elsewhere (by another finder, on other clips, at another layer) in place of the one that {short(finder)} finds: "
        f"the share of its effect that they keep, n = {n} {run.tested}; lines: {run.confidence}. Grey: what a variance-matched subspace "
        "keeps in the same place. Dotted: the native effect itself."
    )
    part = Part(lines, f"% of the effect of {short(finder, LABEL)} that is kept", 1.0, "")
    return Figure(dots.draw("carried", "What carries over", [part]), caption)


def _from(row: dict[object, object]) -> str:
    """Where a subspace comes from, or where it is used: 'layer 1', 'other seed', 'circle', 'lda'."""
    (name, found), (_, used) = split(str(row["a"])), split(str(row["b"]))
    return short(found or used or name, LABEL)


def leaks_figure(run: RunFolder) -> Figure | None:
    """What a probe reads of clips whose motion was taken away, beside what position or axis alone can give."""
    table = run.table("leaks")
    if table is None:
        return None
    rows = table.head(MOST).to_dict("records")
    lines = [
        Dot(
            short(str(row["baseline"]).replace("_", " "), LABEL),
            row["accuracy"],
            points(row["accuracy"]),
            row["low"],
            row["high"],
            beside=float(row["explained"]),
        )
        for row in rows
    ]
    caption = (
        f"Accuracy of a probe on clips without motion, n = {count_range(table['n'])} test clips; lines: {run.confidence}. Grey: what "
        "position or axis alone can reach. Dotted: chance."
    )
    part = Part(lines, "% of clips without motion read rightly", float(table["chance"].mean()), "")
    return Figure(dots.draw("leaks", "What clips without motion give away", [part]), caption)
