"""Labels of one's own: a variable described from its cells alone. Everything in a cell is text or a number; nothing is evaluated."""

from __future__ import annotations

import math
import re
import statistics
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

from jepascope.clips.variables import BINS, VARIABLES, Variable
from jepascope.errors import BadArgument, BadData

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
NOT_A_VALUE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
NAME = re.compile(r"\w[\w .,()%+-]*")
MAX_NAME = 60
MAX_CELL = 200  # characters of a cell
FEW_VALUES = 8  # numbers with no more different values than this are names of classes
MAX_CLASSES = 50
MIN_CLIPS = 5  # of a class: fewer cannot fill three splits

Where = Callable[[int], str]


def described(name: str, cells: Sequence[str], where: Where) -> Variable:
    """The variable that the cells (one a clip) hold: numeric with classes at their quartiles where all are numbers of more
    than 8 different values, else categorical with classes in natural order.

    ``where(row)`` names a cell in messages. Raises BadData for cells that no honest study can be made of.
    """
    check_name(name)
    for row, cell in enumerate(cells):
        _check_cell(cell, where(row) if not _plain(cell) else "")
    numbers = [float(cell) for cell in cells if NUMBER.fullmatch(cell)]
    if not all(map(math.isfinite, numbers)):
        row = next(row for row, cell in enumerate(cells) if NUMBER.fullmatch(cell) and not math.isfinite(float(cell)))
        raise BadData(f"{where(row)}: {cells[row][:40]} is too large a number; give a finite one.")
    column = (f"label: {name}",)
    if len(numbers) == len(cells) and len(set(numbers)) > FEW_VALUES:
        edges = quartiles(numbers)
        if not edges:
            number, clips = Counter(numbers).most_common(1)[0]
            raise BadData(
                f"{where(-1)}: {clips} of {len(cells)} clips have the number {number:g}, so that quartiles part no classes; "
                "give a column of words for the classes instead."
            )
        variable = Variable(name, "numeric", _ranges(edges), column, (name,), "", (edges,), (min(numbers), max(numbers)), False)
        counts = Counter(variable.classes[bisect_right(edges, number)] for number in numbers)
    else:
        counts = Counter(class_names(cells))
        variable = Variable(name, "categorical", ordered(counts), column, rendered=False)
    _check_counts(variable, counts, cells, where)
    return variable


def class_names(cells: Sequence[str]) -> list[str]:
    """The class that each cell names: equal numbers are one class however they are written."""
    if all(NUMBER.fullmatch(cell) for cell in cells):
        return [f"{float(cell) + 0.0:.12g}" for cell in cells]  # + 0: minus zero is zero
    return list(cells)


def quartiles(numbers: Sequence[float]) -> tuple[float, ...]:
    """Inner borders of four classes with equally many clips; fewer where so many numbers are equal that a class would be empty."""
    edges = sorted(set(statistics.quantiles(numbers, n=BINS, method="inclusive")))
    while True:
        counts = Counter(bisect_right(edges, number) for number in numbers)
        empty = [label for label in range(len(edges) + 1) if not counts[label]]
        if not empty:
            return tuple(edges)
        del edges[min(empty[0], len(edges) - 1)]


def check_name(name: str) -> None:
    """Refuse a name that cannot stand in tables, on the command line and in file names, and that of a factor."""
    if name in VARIABLES:
        raise BadArgument(f"The label column '{name}' has the name of a factor of the scenes; give it another name in the file.")
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        raise BadArgument(
            f"The label column {name[:MAX_NAME]!r} has a name that cannot be used; write up to {MAX_NAME} letters, digits, spaces and "
            "any of _ . , ( ) % + -, a letter or digit first."
        )


def _plain(cell: str) -> bool:
    return bool(cell.strip()) and len(cell) <= MAX_CELL and cell.isprintable() and not NOT_A_VALUE.fullmatch(cell)


def _check_cell(cell: str, where: str) -> None:
    if not cell.strip():
        raise BadData(f"{where}: the cell is empty; every clip needs a label.")
    if len(cell) > MAX_CELL:
        raise BadData(f"{where}: the cell holds {len(cell)} characters; labels have at most {MAX_CELL}.")
    if not cell.isprintable():
        raise BadData(f"{where}: the cell holds a line break or a control character; labels are plain text.")
    if NOT_A_VALUE.fullmatch(cell):
        raise BadData(f"{where}: '{cell}' is no value; every clip needs a label.")


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
        return tuple(sorted(names, key=float))
    return tuple(sorted(names, key=lambda name: (name.casefold(), name)))


def _check_counts(variable: Variable, counts: Counter[str], cells: Sequence[str], where: Where) -> None:
    column = where(-1)
    if len(counts) < 2:
        raise BadData(f"{column}: all {len(cells)} clips have the label '{next(iter(counts))}'; a variable needs at least two classes.")
    if len(counts) > MAX_CLASSES:
        words = [row for row, cell in enumerate(cells) if not NUMBER.fullmatch(cell)]
        hint = f" (a numeric column would be put into {BINS} classes, but {where(words[0])} is '{cells[words[0]]}')" if words else ""
        raise BadData(f"{column}: {len(counts)} different labels{hint}; a variable has at most {MAX_CLASSES} classes. Merge some.")
    name = min(variable.classes, key=lambda one: counts[one])
    if counts[name] < MIN_CLIPS:
        raise BadData(
            f"{column}: only {counts[name]} clip(s) have the label '{name}', and fewer than {MIN_CLIPS} cannot fill three splits; "
            "label more clips so, or merge the class with another."
        )
