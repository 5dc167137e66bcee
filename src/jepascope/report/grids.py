"""Tables of the page, declared by their columns: one way to write cells, to head groups of rows, and to say what was left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pandas as pd

from jepascope.findings.names import control_name, controls_in
from jepascope.findings.numbers import ABSENT, Cell, cell_of, count, interval_of, number_cell, percent, share_cell, stacked
from jepascope.report.blocks import Cells, Grid, Paragraph
from jepascope.schema import TABLES
from jepascope.stats import MIN_DRAWS

Row = Mapping[Any, Any]


@dataclass(frozen=True)
class Column:
    """A column: what stands above it, how a row's cell is made, and whether it holds words (set left)."""

    head: str
    cell: Callable[[Any], Cell | str]
    is_words: bool = False


def words(head: str, made: Callable[[Any], Cell | str]) -> Column:
    """What is said of the row, set left."""
    return Column(head, made, is_words=True)


def number(head: str, name: str) -> Column:
    """A number alone."""
    return Column(head, lambda row: number_cell(row[name]))


def counted(head: str, name: str) -> Column:
    """A whole number."""
    return Column(head, lambda row: count(row[name]))


def interval(head: str, name: str = "value", under: bool = False) -> Column:
    """A number with its interval, which stands on a line of its own where ``under`` is set."""
    return Column(head, lambda row: stacked(cell_of(row, name)) if under else cell_of(row, name))


def share(head: str, name: str = "accuracy") -> Column:
    """A share with its interval, in per cent."""
    return Column(head, lambda row: share_cell(*interval_of(row, name)))


def percentage(head: str, name: str = "chance") -> Column:
    """A share alone."""
    return Column(head, lambda row: percent(row[name]))


def declared(table: str, names: str = "", **heads: str) -> list[Column]:
    """Columns of a table by the kind that the schema declares, each below its name or the head given: words, whole numbers, numbers, and
    with their intervals those that have one."""
    columns = TABLES[table]
    made = []
    for name, head in {**{name: name for name in names.split()}, **heads}.items():
        after = columns.names[columns.names.index(name) + 1 :]
        has_interval = f"{name}_low" in columns.names or after[:1] == ["low"]
        made.append(
            words(head, partial(_word, name))
            if columns[name].holds_words
            else counted(head, name)
            if columns[name].kind == "integer"
            else interval(head, name)
            if has_interval
            else number(head, name)
        )
    return made


def _word(name: str, row: Row) -> str:
    return str(row[name])


def beneath(cell: Cell, name: str, text: str) -> Cell:
    """A cell with a line below it, 'chance 0.12', where it holds a value and the line a text."""
    if cell.text.startswith(ABSENT):
        return Cell(ABSENT)
    return replace(cell, text=f"{cell.text}\n{name} {text}") if text else cell


def within(head: str, key: Any, made: Callable[[Any], Cell | str] = cell_of, absent: str = ABSENT) -> Column:
    """Of rows that hold others (``spread``): the one at ``key``."""
    return Column(head, lambda row: made(row[key]) if key in row else absent)


def some_of(values: list[int], most: int) -> list[int]:
    """At most so many of them, evenly spaced, the first and the last among them."""
    step = (len(values) - 1) / (most - 1)
    return [values[round(step * at)] for at in range(most)] if len(values) > most else values


def spread(rows: pd.DataFrame, by: Sequence[str], over: str) -> list[dict[Any, Any]]:
    """A row for each ``by``, in the table's order, that holds the rows below it by their ``over``: {'stage': 1, 'random': {...}, ...}."""
    made: dict[tuple[Any, ...], dict[Any, Any]] = {}
    for row in rows.to_dict("records"):
        key = tuple(row[name] for name in by)
        made.setdefault(key, dict(zip(by, key, strict=True))).setdefault(row[over], row)
    return list(made.values())


def grid(
    rows: pd.DataFrame | Iterable[Any],
    columns: Sequence[Column],
    caption: str,
    group: Callable[[Any], Cell | str | Cells] | None = None,
    most: int | None = None,
    rest: str = "",
) -> Grid:
    """A table of at most ``most`` of ``rows``, those of one ``group`` together below its heading; of more, the caption says how
    many more ``rest`` ('pairs are in verdicts.parquet'). A row of words alone is said as it is."""
    listed: list[Any] = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else list(rows)
    groups: dict[Cell | str | Cells, list[Cells]] = {}
    for row in listed[:most]:
        cells: Cells = (row,) if isinstance(row, str) else tuple(column.cell(row) for column in columns)
        groups.setdefault(() if group is None else group(row), []).append(cells)
    body: list[Cells] = []
    for above, members in groups.items():
        heads = above if isinstance(above, tuple) else (above,)
        body += [*((Cell(head, strong=True) if isinstance(head, str) else head,) for head in heads), *members]
    leading = next((index for index, column in enumerate(columns) if not column.is_words), len(columns))
    return Grid(tuple(column.head for column in columns), tuple(body), caption + left_out(len(listed), most, rest), max(leading, 1))


def left_out(many: int, most: int | None, rest: str) -> str:
    """' 3 more pairs are in verdicts.parquet.', where more than ``most`` are there."""
    return f" {many - most} more {rest}." if most is not None and many > most else ""


def more(many: int, most: int, rest: str) -> list[Paragraph]:
    """The same as a paragraph."""
    return [Paragraph(text.strip())] if (text := left_out(many, most, rest)) else []


def few_draws(units: str) -> str:
    """What the brackets of a control are."""
    return f"of a control's mean draw over {units} and draws, or with fewer than {MIN_DRAWS} draws the least and the largest"


def controls_of(rows: pd.DataFrame) -> list[str]:
    """The controls that a table has, in the customary order."""
    return controls_in(rows["control"])


def beside_controls(rows: Sequence[Row], cell: Callable[..., Cell | str], absent: str = ABSENT) -> list[Column]:
    """A column for each control of effects (``with_controls``); ``cell`` takes the control's row and how the effect stands to it."""

    def column(name: str) -> Column:
        return Column(control_name(name), lambda row: cell(*row["beside"][name]) if name in row["beside"] else absent)

    return [column(name) for name in controls_in(name for row in rows for name in row["beside"])]
