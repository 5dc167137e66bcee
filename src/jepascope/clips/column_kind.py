"""How a column of texts is read: which cells say nothing, and whether the others are names of classes or numbers.

Decided here alone, for labels of scenes and of videos, and always put into words: a column of whole numbers can be either.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jepascope.errors import BadData, setting

Asked = Literal["auto", "categorical", "numeric"]
Where = Callable[[int], str]

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?[0-9]+")
PADDED = re.compile(r"0[0-9]+")  # 07: nobody writes a number so
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
CLASS_NAMES = re.compile(r"(.*[_ .-])?(class|label|kind|category|id|type|group)([_ .-]?(id|index|idx|no|nr|number))?", re.IGNORECASE)
"""Names of columns whose whole numbers are names of classes."""
ALMOST = (
    (re.compile(r"[+-]?[0-9]*,[0-9]+"), "has a comma in it"),
    (re.compile(r"[+-]?[0-9]{1,3}([,.' ][0-9]{3})+([.,][0-9]+)?"), "has separators of thousands"),
    (re.compile(r"[^\w\s.,+-]?\s?[+-]?[0-9]+([.,][0-9]+)?\s?[^\W\d_]{0,8}(\W{0,2}|/[^\W\d_]{1,8})[0-9]?"), "has a unit"),
)
"""Cells that a person takes for numbers and Python does not."""

MISSING = (
    *("nan", "NaN", "NAN", "-nan", "-NaN", "NaT", "NA", "N/A", "n/a", "<NA>", "null", "NULL", "None"),
    *("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"),
)
"""Texts that stand for a missing label besides an empty cell: what pandas, NumPy, R and spreadsheets write. Lone marks (-, ?) and words
that may name a class (none, unknown, na) are none of them; the field ``missing`` of a spec says otherwise."""

FEW_VALUES = 8  # numbers with no more different values than this are names of classes
MAX_CLASSES = 50
MIN_CLIPS = 5  # of a class: fewer cannot fill three splits, so that whole numbers which come up less often are no classes
MOSTLY = 0.5  # share of numbers from which a text among them is an error
MAX_CELL = 200  # characters of a cell
SHOWN = 12  # classes that a sentence names


def is_missing(cell: str, missing: Sequence[str] = MISSING) -> bool:
    """Whether a cell says nothing."""
    return not cell or cell in missing


def is_number(cell: str) -> bool:
    """Whether it is a finite number as Python writes it."""
    return bool(NUMBER.fullmatch(cell)) and math.isfinite(float(cell))


@dataclass(frozen=True)
class Column:
    """Cells of one column that have a label. ``where(place)`` names one of them in messages and ``where(-1)`` the column; ``asked``: how
    they are to be read, and ``by_person`` whether a person asked; ``unlabelled``: cells that stand for no label, None where each needs
    one."""

    name: str
    cells: Sequence[str]
    where: Where
    asked: Asked = "auto"
    unlabelled: Sequence[str] | None = None
    by_person: bool = True

    @cached_property
    def kind(self) -> Literal["categorical", "numeric"]:
        """As asked; else categorical for words, for whole numbers that name classes (see ``named``), and for few numbers.

        Raises BadData, naming the cell, for a text among numbers, and for what is almost a number.
        """
        self._check_cells()
        odd = [place for place, cell in enumerate(self.cells) if not is_number(cell)]
        if self.asked == "categorical" or (self.asked == "auto" and self.named):
            return "categorical"
        if self.asked == "auto" and len(odd) > (1 - MOSTLY) * len(self.cells) and not all(_why_no_number(self.cells[i]) for i in odd):
            return "categorical"
        if odd:
            cell = self.cells[odd[0]]
            others = f"the other {len(self.cells) - 1} cells are numbers" if len(odd) == 1 else "most cells are numbers, or almost"
            one_text = self.unlabelled is not None and {self.cells[place] for place in odd} == {cell}
            missing = [*dict.fromkeys(filter(None, self.unlabelled or ())), cell]
            fixes = [f"say that it stands for no label with {setting(missing=missing)}"] if one_text else []
            fixes += [f"read the cells as names of classes with {setting(kind='categorical')}"] if self.often else []
            raise BadData(
                f"{self.where(odd[0])}: '{cell[:40]}' {_why_no_number(cell) or 'is no number'}, and {others}; "
                f"{', or '.join(['write a number, such as 2.5', *fixes])}."
            )
        return "numeric"

    @property
    def named(self) -> bool:
        """Whether the cells name classes, be they numbers or not: few different values; whole numbers in a column that is called so, or
        padded with zeros; or whole numbers and words each of which comes up as often as a class must."""
        if self._few(FEW_VALUES) or any(PADDED.fullmatch(cell) for cell in self.cells):
            return True
        if any(NUMBER.fullmatch(cell) and not WHOLE.fullmatch(cell) for cell in self.cells):
            return False
        return self.often or (bool(CLASS_NAMES.fullmatch(self.name)) and all(WHOLE.fullmatch(cell) for cell in self.cells))

    @property
    def often(self) -> bool:
        """Whether a study could be made of the cells as names of classes."""
        return self._few(MAX_CLASSES) and min(Counter(self.classes).values()) >= MIN_CLIPS

    @cached_property
    def classes(self) -> list[str]:
        """The class that each cell names: equal numbers are one class however they are written, unless zeros pad one of them."""
        return class_names(self.cells)

    def _few(self, most: int) -> bool:
        return len(set(self.classes)) <= most

    def _check_cells(self) -> None:
        for place, cell in enumerate(self.cells):
            if len(cell) > MAX_CELL:
                raise BadData(f"{self.where(place)}: the cell holds {len(cell)} characters; labels have at most {MAX_CELL}.")
            if not cell.isprintable():
                raise BadData(f"{self.where(place)}: the cell holds a line break or a control character; labels are plain text.")


def was_numeric(name: str, cells: Sequence[str]) -> bool:
    """Whether a column that names classes was read as numbers up to version 0.1, which took all numbers of many values so."""
    column = Column(name, cells, lambda place: name)
    return all(map(is_number, cells)) and len(set(map(float, cells))) > FEW_VALUES and column.named


def class_names(cells: Sequence[str], classes: Sequence[str] | None = None) -> list[str]:
    """The class that each cell names: where all ``classes`` are numbers (the cells themselves where none are given), equal ones are one
    class however they are written, unless zeros pad one of them."""
    if all(is_number(cell) and not PADDED.fullmatch(cell) for cell in (cells if classes is None else classes)):
        return [f"{float(cell) + 0.0:.12g}" if is_number(cell) else cell for cell in cells]  # + 0: minus zero is zero
    return list(cells)


def _why_no_number(cell: str) -> str:
    """What of a cell that is almost a number keeps it from being one; '' for any other text."""
    if NOT_FINITE.fullmatch(cell) or NUMBER.fullmatch(cell):
        return "is no finite number"
    return next((why for pattern, why in ALMOST if pattern.fullmatch(cell)), "")


def in_words(column: Column, classes: Sequence[str], numeric_fits: bool) -> str:
    """How the column was read, which cells have no label, and what says otherwise. ``numeric_fits``: whether quartiles part it."""
    different = len(set(column.classes))
    numbers = all(map(is_number, column.cells))
    asked = ", as asked" if column.asked != "auto" and column.by_person else ""
    if column.kind == "numeric":
        words = f"column '{column.name}' holds {different} different numbers and is read as numbers, in {len(classes)} classes{asked}"
        words += f"; {setting(kind='categorical')} reads it as names of classes" if column.often and not asked else ""
    else:
        what = "whole numbers" if all(map(WHOLE.fullmatch, column.cells)) else "numbers" if numbers else "names"
        shown = ", ".join(name[:40] for name in classes[:SHOWN]) + (", ..." if len(classes) > SHOWN else "")
        words = f"column '{column.name}' holds {different} {what} and is read as classes{asked}: {shown}"
        words += f"; {setting(kind='numeric')} reads it as numbers" if numbers and numeric_fits and column.asked == "auto" else ""
        if alike := _alike(classes):
            words += f". {alike} differ in capitals or blanks alone; write them alike if they are one class"
    if missing := column.unlabelled:
        counts = ", ".join(f"'{text}' {count}" if text else f"empty {count}" for text, count in Counter(missing).most_common(SHOWN))
        words += f". {len(missing)} of {len(missing) + len(column.cells)} cells have no label ({counts})"
        words += f"; {setting(missing=[])} reads such texts as names" if any(missing) else ""
    return f"{words}."


def _alike(names: Sequence[str]) -> str:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(re.sub(r"[\s_-]+", " ", name).casefold(), []).append(name)
    return "; ".join(" and ".join(f"'{name[:40]}'" for name in group) for group in groups.values() if len(group) > 1)
