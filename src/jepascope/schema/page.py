"""The tables as Markdown: the part of docs/run-folder.md that is made from their declarations."""

from __future__ import annotations

from jepascope.schema import TABLES
from jepascope.schema.column import Column, Table

BEGIN, END = "<!-- tables: made by tools/run_folder_page.py -->", "<!-- end of tables -->"


def tables_page() -> str:
    """Every table: what a row is, its key, and a line for each column."""
    return "\n\n".join(_table(table) for table in TABLES.values())


def _table(table: Table) -> str:
    head = f"### `{table.name}`\n\n{table.meaning}."
    if table.where == "compare":
        head += " In what `jepascope compare --json` prints, not in a run folder."
    if table.key:
        head += f" One row for each {', '.join(table.key)}."
    rows = "\n".join(_row(column) for column in table)
    return f"{head}\n\n| column | kind | unit | meaning |\n|---|---|---|---|\n{rows}"


def _row(column: Column) -> str:
    notes = [column.meaning]
    if not column.required and not column.only_videos:
        notes.append("older folders lack it")
    if column.only_videos:
        notes.append("real videos only")
    cells = (f"`{column.name}`", column.kind, column.unit, "; ".join(notes))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def with_tables(page: str) -> str:
    """The page with everything between the two marks replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables_page()}\n\n{END}{after}"
