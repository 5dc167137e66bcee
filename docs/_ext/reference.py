"""The reference as Markdown, from what the product declares: each function is a ``{from-code}``."""

from __future__ import annotations

from jepascope.schema import TABLES
from jepascope.schema.column import Column, Table


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    """A table; ``head``: the names of its columns with bars between them."""
    lines = [f"| {head} |", "|---" * (head.count("|") + 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows])


def tables() -> str:
    """Every table of a run folder: what a row is, its key, and a line for each column."""
    return "\n\n".join(map(_table, TABLES.values()))


def _table(shown: Table) -> str:
    head = f"## `{shown.name}`\n\n{shown.meaning}."
    if shown.where == "compare":
        head += " In what `jepascope compare --json` prints, not in a run folder."
    if shown.key:
        head += f" One row for each {', '.join(shown.key)}."
    return head + "\n\n" + table("column | kind | unit | meaning", [_column(column) for column in shown])


def _column(column: Column) -> tuple[str, ...]:
    notes = [column.meaning]
    if not column.required and not column.only_videos:
        notes.append("older folders lack it")
    if column.only_videos:
        notes.append("real videos only")
    return f"`{column.name}`", column.kind, column.unit, "; ".join(notes)
