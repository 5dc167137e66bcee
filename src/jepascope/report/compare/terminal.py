"""The comparison for the terminal: as many runs side by side as its width holds, the others below."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Column as TableColumn
from rich.table import Table
from rich.text import Text

from jepascope.report.compare.paper_table import columns, entries
from jepascope.report.compare.reading import Compared
from jepascope.report.compare.table import groups
from jepascope.report.paper import PUBLISHED

LABEL_WIDTH = 34
CELL_WIDTH = 21


def tables(runs: list[Compared], width: int) -> Iterator[Table]:
    """The table of the page, ``width`` columns wide."""
    fit = max(1, (width - LABEL_WIDTH) // (CELL_WIDTH + 1))
    for start in range(0, len(runs), fit):
        part = runs[start : start + fit]
        table = _table("", *(run.name for run in part))
        for group in groups(part):
            table.add_row()
            table.add_row(Text(group.heading, style="bold"))
            for label, *cells in group.rows:
                table.add_row(Text(f"  {label}"), *(Text(str(cell)) for cell in cells))
        yield table


def paper_tables(runs: list[Compared], width: int) -> Iterator[Table]:
    """The paper's figures beside the runs."""
    shown = columns(runs)
    fit = max(1, (width - LABEL_WIDTH - CELL_WIDTH) // (CELL_WIDTH + 1))
    for start in range(0, len(shown), fit):
        part = shown[start : start + fit]
        table = _table("quantity", "published", *(column.head for column in part))
        for quantity in PUBLISHED:
            first, *answers = entries(quantity, part)
            table.add_row()
            table.add_row(Text(f"{quantity.name} ({quantity.where})", style="bold"), Text(first.published), *_cells(first.cells))
            for entry in answers:
                table.add_row(Text(f"  {entry.label}"), Text(""), *_cells(entry.cells))
        yield table


def _table(first: str, *heads: str) -> Table:
    """Names come from strangers: plain text, never markup."""
    label = TableColumn(Text(first), width=LABEL_WIDTH)
    return Table(
        label,
        *(TableColumn(Text(head), width=CELL_WIDTH, overflow="fold") for head in heads),
        box=None,
        pad_edge=False,
        header_style="bold",
    )


def _cells(cells: Sequence[Sequence[str]]) -> list[Text]:
    return [Text("\n".join(lines)) for lines in cells]
