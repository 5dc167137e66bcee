"""A compact table: one row a finder, its own figure and those of its controls side by side, one group of rows a measure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from jepascope.findings.numbers import ABSENT, Cell, finite, interval_cell, percent, percent_span, shown
from jepascope.findings.selection import in_order
from jepascope.intervention.control_words import CONTROL_WORDS, CONTROLS

ONE_LINE = 20  # characters of a value with its interval that stay on one line


@dataclass(frozen=True)
class Measure:
    """What one group of rows shows: the column of the value (with ``_low`` and ``_high`` beside it), and that of unedited clips."""

    title: str
    column: str
    is_share: bool = False
    before: str = ""

    def cell(self, row: Any) -> Cell:
        """Value and interval of one row."""
        value, low, high = (float(row[f"{self.column}{end}"]) for end in ("", "_low", "_high"))
        if not finite(value):
            return Cell(ABSENT)
        if not self.is_share:
            return interval_cell(value, low, high)
        return Cell(f"{percent(value)} {percent_span(low, high)}", f"{value!r} [{low!r}, {high!r}]")


def control_head(controls: list[str]) -> tuple[str, ...]:
    """The table's head."""
    return ("finder", "the finder's subspace", *(CONTROL_WORDS.get(name, name) for name in controls))


def controls_in(rows: pd.DataFrame) -> list[str]:
    """The controls that a table has, in the customary order."""
    return in_order(rows[rows["control"] != "subspace"]["control"], CONTROLS)


def control_rows(rows: pd.DataFrame, finders: list[str], measure: Measure, controls: list[str]) -> list[tuple[Cell | str, ...]]:
    """A group of rows for one measure; none where it was not measured."""
    if not rows[measure.column].notna().any():
        return []
    body: list[tuple[Cell | str, ...]] = [(Cell(f"{measure.title}{_before(rows, measure)}", strong=True),)]
    for finder in finders:
        own = rows[rows["finder"] == finder]
        if own.empty:
            continue
        cells: list[Cell | str] = [finder]
        for control in ("subspace", *controls):
            found = own[own["control"] == control]
            cells.append(_folded(measure.cell(found.iloc[0])) if len(found) else ABSENT)
        body.append(tuple(cells))
    return body


def _folded(cell: Cell) -> Cell:
    """A long value with its interval on a line of its own, so that all controls find room side by side."""
    return cell if len(cell.text) <= ONE_LINE else replace(cell, text=cell.text.replace(" [", "\n[", 1))


def _before(rows: pd.DataFrame, measure: Measure) -> str:
    """What the unedited clips have, which is the same for every finder."""
    if not measure.before or not rows[measure.before].notna().any():
        return ""
    known = rows[measure.before].dropna()
    return f" (unedited {percent(known.iloc[0]) if measure.is_share else shown(known.iloc[0])})"
