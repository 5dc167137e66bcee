"""A file of labels of scenes: CSV with a header, one row a scene (see ``labels_table`` for what it may look like)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jepascope.clips.column_kind import MISSING, Asked
from jepascope.clips.labels import described
from jepascope.clips.labels_table import Layout, Table, listed, read_table
from jepascope.clips.variables import Variable
from jepascope.errors import BadArgument, BadData

KEYS = ("scene", "clip")
LAYOUT = Layout(KEYS, (), "a column 'scene' (or 'clip', counted from 0) that says which clip a row is of, and one or more of labels")
MAX_KEY_DIGITS = 12


@dataclass(frozen=True, eq=False)
class LabelsFile:
    """The cells of a labels file. ``key`` is 'scene' (ids of scenes) or 'clip' (rows of the clip set, counted from 0);
    ``rows`` tells where a key's cells lie and ``lines`` on which line of the file. ``digest`` names the file's bytes.
    """

    path: Path
    digest: str
    key: str
    rows: dict[int, int]
    lines: Sequence[int]
    columns: dict[str, list[str]]

    def texts(self, column: str) -> list[str]:
        """All cells of a column."""
        return self.columns[column]

    def cells(self, column: str, scenes: Sequence[int]) -> list[str]:
        """The column's cells for clips of these scenes, in their order. Raises for a column, scene or clip that is not there,
        and for scenes in the file that the clips do not have: it then belongs to other clips.
        """
        if column not in self.columns:
            raise BadArgument(f"'{self.path}' has no label column '{column}'; it has {listed(list(self.columns))}.")
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

    def variable(self, column: str, scenes: Sequence[int], kind: Asked = "auto", missing: Sequence[str] = MISSING) -> Variable:
        """The variable that a column holds for clips of these scenes (see ``described``); errors name file, line and column."""
        cells = self.cells(column, scenes)
        wanted = range(len(scenes)) if self.key == "clip" else scenes

        def where(row: int) -> str:
            line = "" if row < 0 else f" line {self.lines[self.rows[wanted[row]]]},"
            return f"'{self.path}'{line} column '{column}'"

        return described(column, cells, where, kind, missing)


def read_labels(path: Path) -> LabelsFile:
    """The file's cells, checked. Raises BadArgument for a file that is not there and BadData for one that is no labels file."""
    return _labels(read_table(path, LAYOUT))


@functools.lru_cache(maxsize=4)
def _labels(table: Table) -> LabelsFile:
    path, key = table.path, next(name for name in KEYS if name in table.columns)
    columns = {name: table.column(name) for name in table.columns}
    if len(columns) < 2:
        raise BadData(f"'{path}' has no column beside '{key}'; add one with labels.")
    rows = _keys(path, key, columns.pop(key), table)
    return LabelsFile(path, table.digest, key, rows, table.lines, columns)


def _keys(path: Path, key: str, cells: list[str], table: Table) -> dict[int, int]:
    rows, lines = dict[int, int](), table.lines
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
