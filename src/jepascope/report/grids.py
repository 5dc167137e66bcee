"""Tables of the page, declared by their columns: one way to write cells, to head groups of rows, and to say what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from jepascope.findings.numbers import Cell, count, finite, interval_cell, number_cell, percent, percent_span, stacked
from jepascope.report.blocks import Grid, Paragraph
from jepascope.report.charts.curves import ends_of

Row = Mapping[Any, Any]
Cells = tuple[Cell | str, ...]


@dataclass(frozen=True)
class Column:
    """A column: what stands above it, how a row's cell is made, and whether it holds words (set left)."""

    head: str
    cell: Callable[[Any], Cell | str]
    is_words: bool = False


def words(head: str, name: str = "", made: Callable[[Any], Cell | str] | None = None) -> Column:
    """A name of the row, or what ``made`` says of it, set left."""
    return Column(head, made or (lambda row: str(row[name])), is_words=True)


def number(head: str, name: str) -> Column:
    """A number alone."""
    return Column(head, lambda row: number_cell(row[name]))


def counted(head: str, name: str) -> Column:
    """A whole number."""
    return Column(head, lambda row: count(row[name]))


def interval(head: str, name: str = "value", under: bool = False) -> Column:
    """A number with its interval, which stands on a line of its own where ``under`` is set."""
    return Column(head, lambda row: stacked(_interval(row, name)) if under else _interval(row, name))


def share(head: str, name: str = "accuracy") -> Column:
    """A share with its interval, in per cent."""
    return Column(head, lambda row: share_cell(*_ends(row, name)))


def percentage(head: str, name: str = "chance") -> Column:
    """A share alone."""
    return Column(head, lambda row: percent(row[name]))


def share_cell(value: Any, low: Any, high: Any) -> Cell:
    """A share with its interval, and the stored number behind it."""
    return Cell(f"{percent(value)} {percent_span(low, high)}", exact(value))


def exact(value: Any) -> str:
    """The stored number behind a shown one."""
    return repr(float(value)) if finite(value) else ""


def _ends(row: Row, name: str) -> tuple[Any, Any, Any]:
    """A value with the ends of its interval: ``name_low`` and ``name_high``, or the row's low and high where it has none of its own."""
    low, high = ends_of(row, name)
    return row[name], row[low], row[high]


def _interval(row: Row, name: str) -> Cell:
    return interval_cell(*_ends(row, name))


def grid(
    rows: pd.DataFrame | Iterable[Any],
    columns: Sequence[Column],
    caption: str,
    group: Callable[[Any], str] | None = None,
    most: int | None = None,
    rest: str = "",
) -> Grid:
    """A table of at most ``most`` of ``rows``, those of one ``group`` together below its heading; of more, the caption says how
    many more ``rest`` ('pairs are in verdicts.parquet')."""
    listed: list[Any] = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    body: list[Cells] = []
    groups: dict[str, list[Any]] = {}
    for row in listed[:most]:
        groups.setdefault("" if group is None else group(row), []).append(row)
    for above, members in groups.items():
        body += [(Cell(above, strong=True),)] if group is not None else []
        body += [tuple(column.cell(row) for column in columns) for row in members]
    words = next((index for index, column in enumerate(columns) if not column.is_words), len(columns))
    return Grid(tuple(column.head for column in columns), tuple(body), caption + left_out(len(listed), most, rest), max(words, 1))


def left_out(many: int, most: int | None, rest: str) -> str:
    """' 3 more pairs are in verdicts.parquet.', where more than ``most`` are there."""
    return f" {many - most} more {rest}." if most is not None and many > most else ""


def more(many: int, most: int, rest: str) -> list[Paragraph]:
    """The same as a paragraph."""
    return [Paragraph(text.strip())] if (text := left_out(many, most, rest)) else []
