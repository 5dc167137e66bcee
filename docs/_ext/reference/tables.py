"""Tables of a run folder, from jepascope.schema."""

from __future__ import annotations

from jepascope.schema import TABLES
from jepascope.schema.column import Column, Table
from reference.markdown import table


def tables() -> str:
    """Every table: what a row is, its key, and a line for each column."""
    return "\n\n".join(map(_table, TABLES.values()))


def _table(shown: Table) -> str:
    head = f"## `{shown.name}`\n\n{shown.meaning}."
    if shown.where == "compare":
        head += " In what `jepascope compare --json` prints, not in a run folder."
    if shown.key:
        head += f" One row for each {', '.join(shown.key)}."
    return head + "\n\n" + table("column | kind | unit | meaning", map(_column, shown))


def _column(column: Column) -> tuple[str, ...]:
    notes = [column.meaning]
    if not column.required and not column.only_videos:
        notes.append("older folders lack it")
    if column.only_videos:
        notes.append("real videos only")
    return f"`{column.name}`", column.kind, column.unit, "; ".join(notes)
