"""Claims of ``jepascope trace``: which part of which block writes most of what the subspace holds, and which reads most of it."""

from __future__ import annotations

from functools import partial
from math import inf
from typing import Any

import pandas as pd

from jepascope.encoders.part_names import RESIDUAL, part_of_block
from jepascope.findings.claim import Answer, Evidence, Question, row_key, row_number
from jepascope.findings.effect import ABOVE_MEAN, BELOW, BELOW_IT, BELOW_MEAN, FEW, OUTSIDE, SAME, Against, Effect, worst_first
from jepascope.findings.facts import Facts
from jepascope.findings.numbers import finite, whole_percent
from jepascope.findings.selection import has_twins
from jepascope.findings.verdict import beside_words, verdict_of
from jepascope.intervention.control_words import doer
from jepascope.schema.components import DIRECTLY, READS, WRITES

Row = dict[Any, Any]

SHARE_BESIDE = {
    OUTSIDE: "a larger share than in {}",
    ABOVE_MEAN: "not shown to be a larger share than in {}",
    SAME: "not told apart from its share in {}",
    BELOW: "a smaller share than in {}",
    BELOW_IT: "a smaller share than in {}",
    BELOW_MEAN: "a smaller share than in {}",
    FEW: "whether that is more than in {} is not known (too few draws)",
}
UNKNOWN = "whether that is more than in {} is not known"


def of_role(table: pd.DataFrame, role: str) -> list[Row]:
    """The subspaces' rows of a role, in the order of the blocks; under 'beside' each of its controls, by name: its row, and how the part
    stands to it."""
    rows, made = table[table["role"] == role], []
    for own in rows[rows["control"] == "subspace"].to_dict("records"):
        of = rows[rows["control"] != "subspace"]
        for name in ("finder", "block", "part"):
            of = of[of[name] == own[name]]
        effect = Effect.of(own)
        made.append({**own, "beside": {str(null["control"]): (null, Against.of(null, effect)) for null in of.to_dict("records")}})
    return made


def component_words(row: Row) -> str:
    """'MLP of block 3'."""
    return part_of_block(str(row["part"]), f"{row['block']:.0f}")


def of_first(table: pd.DataFrame, role: str) -> list[Row]:
    """Those of the first finder, which claims are made of."""
    rows = of_role(table, role)
    return [row for row in rows if row["finder"] == rows[0]["finder"]]


def _against(row: Row) -> list[Against]:
    return worst_first(against for _, against in row["beside"].values())


def _size(row: Row) -> str:
    return whole_percent(float(row["value"]), float(row["low"]), float(row["high"]))


def _writes(row: Row, facts: Facts, many: int) -> str:
    told = [f"{SHARE_BESIDE.get(one.standing, UNKNOWN).format(doer(one.control))}" for one in _against(row)]
    inside = (
        f"what separates the classes of {facts.variable} in the rank-{row['rank']:.0f} {row['finder']} subspace at layer {row['layer']:.0f}"
    )
    if not Effect.of(row).works:
        known = f"the largest share is {_size(row)}" if finite(row["value"]) else "test clips are not shown to differ there at all"
        return f"No part is shown to write {inside}: {known}."
    share = f"{component_words(row)} wrote {_size(row)}, the largest share of {many} (n = {row['n']:.0f} {facts.tested})"
    return f"Of {inside}, {share}: {'; '.join(told) or 'no control was run'}."


def _reads(row: Row, facts: Facts, many: int) -> str:
    way = "of the way to its twin" if has_twins(facts) else "of the way to a clip of another class"
    if not Effect.of(row).works:
        known = f"the most that goes through one is {_size(row)} {way}" if finite(row["value"]) else "nothing is read that could move"
        return f"No part behind it is shown to read it by itself: {known}."
    moved = f"moves the margin by {_size(row)} {way}, the most of {many} paths (n = {row['n']:.0f} {facts.tested})"
    return f"A swap of it that {component_words(row)} alone sees {moved}: {beside_words(_against(row)) or 'no control was run'}."


def _answer(role: str, facts: Facts) -> Answer | None:
    table = facts.table("components")
    rows = [] if table is None else [row for row in of_first(table, role) if row["part"] != RESIDUAL]
    if not rows:
        return None
    row = max(rows, key=lambda row: float(row["value"]) if finite(row["value"]) else -inf)
    sentence = (_writes if role == WRITES else _reads)(row, facts, len(rows))
    numbers = [row_number(component_words(row), row, "share")]
    numbers += [row_number(component_words(row), null, "share", name) for name, (null, _) in row["beside"].items()]
    key = row_key(row, "layer", "tokens", "finder", "role", "block", "part")
    return Answer(verdict_of(Effect.of(row), _against(row)), sentence, tuple(numbers), (Evidence("components", key),))


WRITTEN = Question(
    "the part that writes most",
    "Which part of an earlier block wrote the variable?",
    "The part with the largest share of the difference of class means in the subspace: its interval lies above zero, and the share outside "
    "those of random and of variance-matched subspaces, the closest deciding.",
    partial(_answer, WRITES),
)
READ = Question(
    "the part that reads most",
    "Which part of a later block reads the variable?",
    "The part through which alone a swap moves the margin most: its interval lies above zero, and the effect outside the draws of every "
    "control by the same path, the closest deciding.",
    partial(_answer, READS),
)
TRACED = (WRITTEN, READ)
SHOWN = {WRITES: "written by", READS: "read by, blocks behind it running", DIRECTLY: "read by, blocks behind it held"}
"""What a role is called over a table and a figure."""
