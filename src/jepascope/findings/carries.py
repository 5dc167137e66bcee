"""Claims: a subspace found elsewhere has the effect here as well; one claim for each thing that it is carried across."""

from __future__ import annotations

from functools import partial
from math import nan

import pandas as pd

from jepascope.findings.beside import portability_of
from jepascope.findings.claim import Answer, Evidence, Number, Question, Verdict, row_number, worst
from jepascope.findings.dissociation import ALIGNED, BELOW, DISSOCIATED, FLOOR, OPEN, PART, SATURATED, STRONG, UNREAD, floor_of, judged
from jepascope.findings.facts import Facts
from jepascope.findings.transfer_words import verdict
from jepascope.findings.transfers import transfers

SHOWS: dict[str, Verdict] = {
    BELOW: "refuted",
    FLOOR: "not shown",
    **dict.fromkeys((SATURATED, UNREAD), "undecided"),
    **dict.fromkeys((PART, OPEN, STRONG, ALIGNED, DISSOCIATED), "shown"),
}


def across(kind: str, facts: Facts) -> Answer | None:
    """All transfers across one thing, at the layer of the claims; the worst decides."""
    table = portability_of(facts)
    moved = None if table is None else transfers(table[table["across"] == kind])
    if moved is None or moved.empty:
        return None
    return carried(moved)


def carried(moved: pd.DataFrame) -> Answer:
    """What transfers show, each beside what matched subspaces keep."""
    rows = [{str(name): value for name, value in row.items()} for row in moved.to_dict("records")]
    numbers = []
    for row in rows:
        what = f"RCE of {row['a']} in place of {row['b']}"
        floor = floor_of(row)
        numbers += [
            row_number(what, row, "share kept"),
            Number(what, floor.value, floor.low, floor.high, row["n"], "share kept", floor.name),
        ]
        numbers.append(Number(f"SAS of {row['a']} and {row['b']}", row["sas"], n=nan))
        numbers.append(Number(f"SAS of {row['a']} and {row['b']}", row["sas_chance"], control="chance"))
    evidence = tuple(
        Evidence("portability", {"metric": "rce", **{name: row[name] for name in ("across", "a", "b", "layer", "edit", "dose")}})
        for row in rows
    )
    return Answer(worst(SHOWS[judged(row).kind] for row in rows), verdict(moved), tuple(numbers), evidence)


ACROSS = {"finder": "finders", "data seed": "data seeds", "layer": "layers", "clip set": "clip sets"}
CARRIES = tuple(
    Question(
        f"carries over across {words}",
        f"Does the effect carry over across {words}?",
        "RCE of the subspace found elsewhere lies above what a matched subspace keeps, at the largest dose at which neither effect is "
        "saturated; the worst transfer decides.",
        partial(across, kind),
    )
    for kind, words in ACROSS.items()
)
