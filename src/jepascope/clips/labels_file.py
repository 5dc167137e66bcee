"""A file of labels: CSV with a header, one row a scene. Read with the standard library alone, so that a spec is checked at once."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.clips.labels import MAX_CELL, described
from jepascope.clips.variables import Variable
from jepascope.errors import BadArgument, BadData

KEYS = ("scene", "clip")
MAX_BYTES = 100_000_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 200
MAX_KEY_DIGITS = 12
SHOWN = 20  # columns that an error lists


@dataclass(frozen=True, eq=False)
class LabelsFile:
    """The cells of a labels file. ``key`` is 'scene' (ids of scenes) or 'clip' (rows of the clip set, counted from 0);
    ``rows`` tells where a key's cells lie and ``lines`` on which line of the file. ``digest`` names the file's bytes.
    """

    path: Path
    digest: str
    key: str
    rows: dict[int, int]
    lines: list[int]
    columns: dict[str, list[str]]

    def cells(self, column: str, scenes: Sequence[int]) -> list[str]:
        """The column's cells for clips of these scenes, in their order. Raises for a column, scene or clip that is not there,
        and for scenes in the file that the clips do not have: it then belongs to other clips.
        """
        if column not in self.columns:
            raise BadArgument(f"'{self.path}' has no label column '{column}'; it has {_listed(list(self.columns))}.")
        wanted = range(len(scenes)) if self.key == "clip" else scenes
        missing = [key for key in wanted if key not in self.rows]
        if missing:
            raise BadData(
                f"'{self.path}' labels {len(self.rows)} {self.key}s, but {len(missing)} of the study's {len(scenes)} are missing, first "
                f"{self.key} {missing[0]}; add them, or choose clips_per_class and seed so that the clips are those that were labelled."
            )
        strange = self.rows.keys() - set(wanted)
        if strange:
            first = min(strange)
            raise BadData(
                f"'{self.path}' line {self.lines[self.rows[first]]}: the clips have no {self.key} {first}; the file seems to be of other "
                f"clips ({len(self.rows)} rows, {len(scenes)} clips). Give the clips_per_class and seed that were labelled, or drop rows."
            )
        return [self.columns[column][self.rows[key]] for key in wanted]

    def variable(self, column: str, scenes: Sequence[int]) -> Variable:
        """The variable that a column holds for clips of these scenes (see ``described``); errors name file, line and column."""
        cells = self.cells(column, scenes)
        wanted = range(len(scenes)) if self.key == "clip" else scenes

        def where(row: int) -> str:
            line = "" if row < 0 else f" line {self.lines[self.rows[wanted[row]]]},"
            return f"'{self.path}'{line} column '{column}'"

        return described(column, cells, where)


def read_labels(path: Path) -> LabelsFile:
    """The file's cells, checked. Raises BadArgument for a file that is not there and BadData for one that is no labels file."""
    try:
        if not path.exists():
            raise BadArgument(f"There is no labels file '{path}'; give a CSV file with a column 'scene' and one or more label columns.")
        if not path.is_file():
            raise BadArgument(f"'{path}' is not a regular file; give a CSV file of labels.")
        stat = path.stat()
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise BadArgument(f"The labels file '{path}' cannot be read ({error.strerror}).") from None


@functools.lru_cache(maxsize=4)
def _read(path: Path, changed: int, size: int) -> LabelsFile:
    """``changed`` and ``size`` are there for the cache: a file that was edited is read again."""
    if size > MAX_BYTES:
        raise BadData(f"'{path}' is larger than a labels file can be ({MAX_BYTES // 10**6} MB); keep only the columns that are needed.")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadData(f"'{path}' line {line}: this is not UTF-8 text; save the file as CSV in UTF-8.") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        key = _check_header(path, header, text)
        lines, cells = _rows(path, reader, header)
    except csv.Error as error:
        fix = f"labels have at most {MAX_CELL} characters" if "field limit" in str(error) else "check the quotation marks"
        raise BadData(f"'{path}' line {reader.line_num}: this is not CSV ({error}); {fix}.") from None
    if not cells:
        raise BadData(f"'{path}' has a header and no rows; write one row for each {key}.")
    columns = {name: [row[place] for row in cells] for place, name in enumerate(header)}
    rows = _keys(path, key, columns.pop(key), lines)
    return LabelsFile(path, hashlib.sha256(data).hexdigest()[:16], key, rows, lines, columns)


def _check_header(path: Path, header: list[str], text: str) -> str:
    if not any(header):
        raise BadData(f"'{path}' is empty; the first line names the columns, such as scene,label.")
    if len(header) > MAX_COLUMNS:
        raise BadData(f"'{path}' has {len(header)} columns, more than {MAX_COLUMNS}; keep only those that are needed.")
    long = next((name for name in header if len(name) > MAX_CELL), None)
    if long is not None:
        raise BadData(f"'{path}' line 1: a column's name has {len(long)} characters; names have at most {MAX_CELL}.")
    twice = next((name for i, name in enumerate(header) if name in header[:i]), None)
    if twice is not None:
        raise BadData(f"'{path}' line 1: two columns are named '{twice}'; give each a name of its own.")
    key = next((name for name in KEYS if name in header), None)
    if key is None:
        separator = next((mark for mark in (";", "\t") if mark in text.partition("\n")[0]), None)
        hint = f" (it seems to be separated by {separator!r}: save it with commas)" if separator and len(header) == 1 else ""
        raise BadData(
            f"'{path}' has no column 'scene' (or 'clip', counted from 0) that says which clip a row is of{hint}; "
            f"columns: {_listed(header)}."
        )
    if len(header) < 2:
        raise BadData(f"'{path}' has no column beside '{key}'; add one with labels.")
    return key


def _rows(path: Path, reader: Any, header: list[str]) -> tuple[list[int], list[list[str]]]:
    lines: list[int] = []
    cells: list[list[str]] = []
    for row in reader:
        if not row:
            continue  # an empty line
        if len(row) != len(header):
            raise BadData(
                f"'{path}' line {reader.line_num}: {len(row)} cells under {len(header)} columns; a cell with a comma needs quotes."
            )
        if len(cells) == MAX_ROWS:
            raise BadData(f"'{path}' has more than {MAX_ROWS:,} rows, more than a study has clips.")
        lines.append(reader.line_num)
        cells.append([cell.strip() for cell in row])
    return lines, cells


def _keys(path: Path, key: str, cells: list[str], lines: list[int]) -> dict[int, int]:
    rows: dict[int, int] = {}
    for row, cell in enumerate(cells):
        if not (cell.isascii() and cell.isdigit() and len(cell) <= MAX_KEY_DIGITS):
            raise BadData(
                f"'{path}' line {lines[row]}, column '{key}': {cell[:40]!r} is not a whole number; write the number of the {key}."
            )
        if int(cell) in rows:
            first = lines[rows[int(cell)]]
            raise BadData(f"'{path}' line {lines[row]}: {key} {int(cell)} has a row on line {first} already; keep one of the two.")
        rows[int(cell)] = row
    return rows


def _listed(names: list[str]) -> str:
    shown = ", ".join(name[:40] for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
