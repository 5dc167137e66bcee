"""Labels of one's own: a variable described from its cells alone. Everything in a cell is text or a number; nothing is evaluated."""

from __future__ import annotations

import re
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

from jepascope.clips.column_kind import (
    MAX_CLASSES,
    MIN_CLIPS,
    MISSING,
    NUMBER,
    Asked,
    Column,
    Where,
    class_names,
    in_words,
    is_missing,
    is_number,
)
from jepascope.clips.variables import BINS, VARIABLES, Variable
from jepascope.errors import BadArgument, BadData, setting

NAME = re.compile(r"\w[\w .,()%+-]*")
MAX_NAME = 60


def described(name: str, cells: Sequence[str], where: Where, kind: Asked = "auto", missing: Sequence[str] = MISSING) -> Variable:
    """The variable that the cells (one a clip) hold: numeric with classes at their quartiles, or categorical with classes in natural
    order (see ``Column.kind``; ``kind`` says which of the two).

    ``where(row)`` names a cell in messages. Raises BadData for cells that no honest study can be made of.
    """
    check_name(name)
    for row, cell in enumerate(cells):
        if is_missing(cell.strip(), missing):
            what = f"'{cell}' stands for no label" if cell.strip() else "the cell is empty"
            words = f", or read such texts as names of classes with {setting(missing=[])}" if cell.strip() else ""
            raise BadData(f"{where(row)}: {what}, and every clip needs a label; write one{words}.")
    variable = variable_of(Column(name, cells, where, kind))
    _check_counts(variable, cells, where)
    return variable


def variable_of(column: Column) -> Variable:
    """The variable that a column holds, and in its ``note`` how the column was read. Raises BadData for one that cannot be read."""
    label = (f"label: {column.name}",)
    numbers = [float(cell) for cell in column.cells if is_number(cell)]
    edges = quartiles(numbers) if len(numbers) == len(column.cells) > 1 else ()
    if column.kind == "categorical":
        classes = ordered(set(column.classes))
        return Variable(column.name, "categorical", classes, label, rendered=False, note=in_words(column, classes, bool(edges)))
    if not edges:
        number, clips = Counter(numbers).most_common(1)[0]
        raise BadData(
            f"{column.where(-1)}: {clips} of {len(numbers)} cells have the number {number:g}, so that quartiles part no classes; "
            "give a column of words for the classes instead."
        )
    classes = _ranges(edges)
    limits = (min(numbers), max(numbers))
    note = in_words(column, classes, True)
    return Variable(column.name, "numeric", classes, label, (column.name,), "", (edges,), limits, False, note)


def quartiles(numbers: Sequence[float]) -> tuple[float, ...]:
    """Inner borders of four classes with equally many clips; fewer where so many numbers are equal that a class would be empty."""
    edges = sorted(set(statistics.quantiles(numbers, n=BINS, method="inclusive")))
    while True:
        counts = Counter(bisect_right(edges, number) for number in numbers)
        empty = [label for label in range(len(edges) + 1) if not counts[label]]
        if not empty:
            return tuple(edges)
        del edges[min(empty[0], len(edges) - 1)]


def check_name(name: str, reserved: Container[str] = VARIABLES) -> None:
    """Refuse a name that cannot stand in tables, on the command line and in file names, and that of a factor of the same clips."""
    if name in reserved:
        raise BadArgument(f"The label column '{name}' has the name of a factor of the scenes; give it another name in the file.")
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise BadArgument(
            f"The label column {name[:MAX_NAME]!r} has a name that cannot be used; write up to {MAX_NAME} letters, digits, spaces and "
            "any of _ . , ( ) % + -, a letter or digit first."
        )


def _ranges(edges: tuple[float, ...]) -> tuple[str, ...]:
    for digits in range(3, 18):
        shown = [f"{edge:.{digits}g}" for edge in edges]
        if len(set(shown)) == len(shown):
            break
    between = [f"{low} to {high}" for low, high in pairwise(shown)]
    return (f"below {shown[0]}", *between, f"from {shown[-1]}") if shown else ("all",)


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Class names in natural order: numbers by size, words by the alphabet."""
    names = list(names)
    if all(NUMBER.fullmatch(name) for name in names):
        return tuple(sorted(names, key=lambda name: (float(name), name)))
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def _check_counts(variable: Variable, cells: Sequence[str], where: Where) -> None:
    if variable.kind == "numeric":
        names = [variable.classes[bisect_right(variable.edges[0], float(cell))] for cell in cells]
    else:
        names = class_names(cells)
    counts, column = Counter(names), where(-1)
    if len(counts) < 2:
        raise BadData(f"{column}: all {len(cells)} clips have the label '{next(iter(counts))}'; a variable needs at least two classes.")
    if len(counts) > MAX_CLASSES:
        raise BadData(
            f"{column}: {len(counts)} different labels{as_numbers(cells, where)}; a variable has at most {MAX_CLASSES} classes. Merge some."
        )
    name = min(variable.classes, key=lambda label: counts[label])
    if counts[name] < MIN_CLIPS:
        raise BadData(
            f"{column}: only {counts[name]} clip(s) have the label '{name}', and fewer than {MIN_CLIPS} cannot fill three splits; "
            "label more clips so, or merge the class with another."
        )


def as_numbers(cells: Sequence[str], where: Where) -> str:
    """What a column of too many classes would be if it were one of numbers, in brackets; '' for a column without any."""
    words = [place for place, cell in enumerate(cells) if not is_number(cell)]
    if not words:
        return f" ({setting(kind='numeric')} reads them as numbers, in {BINS} classes)"
    if len(words) == len(cells):
        return ""
    return f" (a column of numbers would be put into {BINS} classes, but {where(words[0])} is '{cells[words[0]][:40]}')"
