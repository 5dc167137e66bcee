"""Valid tables of a run folder, made from their declarations: what a test does not say of a table, the schema fills in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from jepascope.schema import TABLES, Table
from jepascope.schema.check import check

EMPTY: dict[str, Any] = {"text": "", "sentence": "", "flag": pd.NA, "integer": 0, "number": float("nan")}
"""Of a column that a row does not give, by its kind."""
FILLED: dict[str, Any] = {"text": "word", "sentence": "A sentence.", "flag": True, "integer": 1, "number": 0.5}


def made(name: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table ``name`` of these rows: all its columns in their order, checked as when a study writes it."""
    columns = {column.name: [row.get(column.name, EMPTY[column.kind]) for row in rows] for column in TABLES[name] if not column.only_videos}
    if unknown := {key for row in rows for key in row} - set(columns):
        raise ValueError(f"the table {name} declares no {sorted(unknown)}")
    return check(TABLES[name], pd.DataFrame(columns))


def alike(table: Table, count: int = 2, **columns: Any) -> pd.DataFrame:
    """So many full rows that the table may hold; the first column of its key tells them apart, and ``columns`` are as given."""
    values = {name: [FILLED[table[name].kind]] * count for name in table.written}
    if table.key:
        first = table[table.key[0]]
        values[first.name] = [f"word {row}" if first.holds_words else row for row in range(count)]
    return pd.DataFrame(values).assign(**columns)
