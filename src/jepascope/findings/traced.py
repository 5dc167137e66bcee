"""Claims of ``jepascope trace``: which part of which block writes most of what the subspace holds, and which reads most of it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from math import inf, nan
from typing import Any

import pandas as pd

from jepascope.encoders.part_names import RESIDUAL, part_of_block
from jepascope.findings.claim import Answer, Evidence, Question, row_key, row_number
from jepascope.findings.effect import (
    ABOVE_IT,
    ABOVE_MEAN,
    BELOW,
    BELOW_IT,
    BELOW_MEAN,
    FEW,
    NO_INTERVAL,
    OUTSIDE,
    SAME,
    Against,
    Effect,
    worst_first,
)
from jepascope.findings.facts import Facts
from jepascope.findings.numbers import decimals, finite, whole_percent
from jepascope.findings.selection import has_twins
from jepascope.findings.verdict import beside_words, verdict_of
from jepascope.intervention.control_words import doer
from jepascope.schema.components import DIRECTLY, EVERYWHERE, READS, WITHIN, WRITES

Row = dict[Any, Any]

SHARE_BESIDE = {
    OUTSIDE: "a larger share than of what varies {}",
    ABOVE_IT: "a larger share than of what varies {}",
    ABOVE_MEAN: "not shown to be a larger share than of what varies {}",
    SAME: "not told apart from its share of what varies {}",
    BELOW: "a smaller share than of what varies {}",
    BELOW_IT: "a smaller share than of what varies {}",
    BELOW_MEAN: "a smaller share than of what varies {}",
    FEW: "whether that is more than of what varies {} is not known (too few draws)",
    NO_INTERVAL: "whether that is more than of what varies {} is not known",
}
WHERE = {WITHIN: "there within a class", EVERYWHERE: "in the whole stream within a class"}
ALL = 0.95  # of both: a part that wrote as much of all that stands somewhere leaves nothing there to tell its writing of the class from


def of_role(table: pd.DataFrame, role: str) -> list[Row]:
    """The subspaces' rows of a role, in the order of the blocks; under 'beside' each of its controls, by name: its row, and how the part
    stands to it."""
    rows, made = table[table["role"] == role], []
    for own in rows[rows["control"] == "subspace"].to_dict("records"):
        of = rows[rows["control"] != "subspace"]
        for name in ("finder", "block", "part"):
            of = of[of[name] == own[name]]
        made.append({**own, "beside": {str(null["control"]): (null, _against(own, null)) for null in of.to_dict("records")}})
    return made


def _against(own: Row, null: Row) -> Against:
    """How a part stands to a control; not at all to what it wrote all of."""
    against = Against.of(null, Effect.of(own))
    return replace(against, draws=nan, difference_low=nan, difference_high=nan) if wrote_all(own, null) else against


def wrote_all(own: Row, null: Row) -> bool:
    """Whether a part is shown to have written both all of the class difference and all that a control of it is a share of."""
    return null["control"] in WHERE and min(own["low"], null["low"]) > ALL


def component_words(row: Row) -> str:
    """'MLP of block 3'."""
    return part_of_block(str(row["part"]), f"{row['block']:.0f}")


def of_first(table: pd.DataFrame, role: str) -> list[Row]:
    """Those of the first finder, which claims are made of."""
    rows = of_role(table, role)
    return [row for row in rows if row["finder"] == rows[0]["finder"]]


def _ordered(row: Row) -> list[Against]:
    return worst_first(against for _, against in row["beside"].values())


def _size(row: Row) -> str:
    return whole_percent(float(row["value"]), float(row["low"]), float(row["high"]))


def _writes(row: Row, facts: Facts, many: int) -> str:
    inside = (
        f"what separates the classes of {facts.variable} in the rank-{row['rank']:.0f} {row['finder']} subspace at layer {row['layer']:.0f}"
    )
    if not Effect.of(row).works:
        known = f"the largest share is {_size(row)}" if finite(row["value"]) else "test clips are not shown to differ there at all"
        return f"No part is shown to write {inside}: {known}."
    told = [_than(row, one) for one in _ordered(row)]
    share = f"{component_words(row)} wrote {_size(row)}, the largest share of {many} (n = {row['n']:.0f} {facts.tested})"
    return f"Of {inside}, {share}: {'; '.join(told) or 'no control was run'}."


def _than(row: Row, against: Against) -> str:
    """'a larger share than of what varies there within a class (by 57 [46, 67] points)'."""
    where = WHERE.get(against.control) or f"in {doer(against.control)}"
    if wrote_all(row, row["beside"][against.control][0]):
        return f"it wrote all that varies {where} as well, so that nothing tells the two apart"
    value, low, high = (decimals(100 * end, 0) for end in against.beyond)
    by = f" (by {value} [{low}, {high}] points)" if all(map(finite, against.beyond)) else ""
    return SHARE_BESIDE[against.standing].format(where) + by


def _reads(row: Row, facts: Facts, many: int) -> str:
    way = "of the way to its twin" if has_twins(facts) else "of the way to a clip of another class"
    if not Effect.of(row).works:
        known = f"the most that goes through one is {_size(row)} {way}" if finite(row["value"]) else "nothing is read that could move"
        return f"No part behind it is shown to read it by itself: {known}."
    moved = f"moves the margin by {_size(row)} {way}, the most of {many} paths (n = {row['n']:.0f} {facts.tested})"
    return f"A swap of it that {component_words(row)} alone sees {moved}: {beside_words(_ordered(row)) or 'no control was run'}."


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
    return Answer(verdict_of(Effect.of(row), _ordered(row)), sentence, tuple(numbers), (Evidence("components", key),))


WRITTEN = Question(
    "the part that writes most",
    "Which part of an earlier block wrote the variable?",
    "The part with the largest share of the difference of class means in the subspace: its interval lies above zero, and the share above "
    "that of what varies within a class, there and in the whole residual stream (corrected over the parts), the closest deciding. "
    f"Where it wrote {ALL:.0%} of both or more, the two are not held against each other.",
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
