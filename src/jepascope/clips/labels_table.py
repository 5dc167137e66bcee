"""A table of labels as text: how bytes, separators and lines of a CSV file are read, for labels of scenes and of videos alike.

With the standard library alone, so that a spec is checked at once.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jepascope.disk.named import read_named
from jepascope.errors import BadArgument, BadData

SEPARATORS = (",", ";", "\t", "|")  # spreadsheets write the second where a comma is the decimal mark
SEPARATOR_LINE = re.compile(r"sep=.", re.IGNORECASE)  # which spreadsheets read, and write, before the header
UTF16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks
MAX_BYTES = 200_000_000
MAX_ROWS = 1_000_000
MAX_COLUMNS = 200
MAX_NAME = 200  # characters of a column's name
SHOWN = 20  # columns that an error lists


@dataclass(frozen=True)
class Layout:
    """What a table must have and may have: one of the columns ``keys``, and others with a meaning of their own. ``wanted``: the same
    in the words of an error."""

    keys: tuple[str, ...]
    others: tuple[str, ...]
    wanted: str


@dataclass(frozen=True, eq=False)
class Table:
    """Cells as text without blanks around them, by row. ``lines``: where each row begins in the file; ``digest`` names its bytes."""

    path: Path
    digest: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]

    def column(self, name: str) -> list[str]:
        place = self.columns.index(name)
        return [row[place] for row in self.rows]


def read_table(path: Path, layout: Layout) -> Table:
    """The cells of a CSV file, checked.

    UTF-8 or UTF-16; separated by that of ``SEPARATORS`` by which the first line names one of the keys. Names with a meaning may be written
    in capitals. Columns without a name and rows without a cell say nothing and are left out. Raises BadArgument for a file that is not
    there, BadData for one that is no such table.
    """
    try:
        if not path.exists():
            raise BadArgument(f"There is no labels file '{path}'; give a CSV file with {layout.wanted}.")
        if not path.is_file():
            raise BadArgument(f"'{path}' is not a regular file; give a CSV file with {layout.wanted}.")
        stat = path.stat()
        return _read(path, layout, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise BadArgument(f"The labels file '{path}' cannot be read ({error.strerror}); give a CSV file with {layout.wanted}.") from None


@functools.lru_cache(maxsize=4)
def _read(path: Path, layout: Layout, changed: int, size: int) -> Table:
    """``changed`` and ``size`` are there for the cache: a file that was edited is read again."""
    if size > MAX_BYTES:
        raise BadData(f"'{path}' is larger than a labels file can be ({MAX_BYTES // 10**6} MB); keep only the columns that are needed.")
    data = read_named(path, MAX_BYTES)
    lines = _lines(path, _text(path, data), layout)
    header = next(lines, (1, []))[1]
    _check_header(path, header, layout)
    starts: list[int] = []
    rows: list[list[str]] = []
    for start, cells in lines:
        if len(rows) == MAX_ROWS:
            raise BadData(f"'{path}' has more than {MAX_ROWS:,} rows, more than a study has clips.")
        starts.append(start)
        rows.append(_fitted(path, start, cells, len(header)))
    if not rows:
        raise BadData(f"'{path}' has a header and no rows; write one row for each {next(name for name in layout.keys if name in header)}.")
    places = [place for place, name in enumerate(header) if name]
    columns = tuple(header[place] for place in places)
    return Table(path, hashlib.sha256(data).hexdigest()[:16], columns, [[row[place] for place in places] for row in rows], starts)


def _text(path: Path, data: bytes) -> str:
    """Letters with accents in one spelling: what looks the same is the same."""
    try:
        return unicodedata.normalize("NFC", data.decode("utf-16" if data.startswith(UTF16) else "utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadData(f"'{path}' line {line}: this is not UTF-8 text; save the file as CSV in UTF-8.") from None


def _lines(path: Path, text: str, layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Header and rows, blank ones left out, each with the line of the file that it begins on."""
    marked, _, rest = text.partition("\n")
    if SEPARATOR_LINE.fullmatch(marked.strip()):
        text = "\n" + rest  # so that lines keep their numbers
    first = text.strip().partition("\n")[0]
    separator = next((mark for mark in SEPARATORS if {*layout.keys} & {*_named(first.split(mark), layout)}), SEPARATORS[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    ends, header = 0, True
    try:
        for row in reader:
            start, ends = ends + 1, reader.line_num
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield start, _named(cells, layout) if header else cells
                header = False
    except csv.Error as error:
        fix = "a cell is too long to be a label" if "field limit" in str(error) else "check the quotation marks"
        raise BadData(f"'{path}' line {reader.line_num}: this is not CSV ({error}); {fix}.") from None


def _named(header: Sequence[str], layout: Layout) -> list[str]:
    """Names of columns; those that have a meaning as the layout writes them."""
    names = [name.strip().strip('"') for name in header]
    meant = {name for name in (*layout.keys, *layout.others) if name not in names}
    return [name.casefold() if name.casefold() in meant else name for name in names]


def _check_header(path: Path, header: list[str], layout: Layout) -> None:
    named = [name for name in header if name]
    if not named:
        raise BadData(f"'{path}' is empty; the first line names the columns: {layout.wanted}.")
    if len(header) > MAX_COLUMNS:
        raise BadData(f"'{path}' has {len(header)} columns, more than {MAX_COLUMNS}; keep only those that are needed.")
    long = next((name for name in named if len(name) > MAX_NAME), None)
    if long is not None:
        raise BadData(f"'{path}' line 1: a column's name has {len(long)} characters; names have at most {MAX_NAME}.")
    twice = next((name for place, name in enumerate(named) if name in named[:place]), None)
    if twice is not None:
        raise BadData(f"'{path}' line 1: two columns are named {twice!r}; give each a name of its own.")
    if not {*layout.keys} & {*named}:
        raise BadData(f"'{path}' has no column {' or '.join(map(repr, layout.keys))}; columns: {listed(named)}. It needs {layout.wanted}.")


def _fitted(path: Path, line: int, cells: list[str], columns: int) -> list[str]:
    """A row as long as the header: separators at its end that nothing stands between are left out."""
    held = max((place for place, cell in enumerate(cells, start=1) if cell), default=0)
    if len(cells) < columns or held > columns:
        raise BadData(f"'{path}' line {line}: {len(cells)} cells under {columns} columns; a cell with a separator in it needs quotes.")
    return cells[:columns]


def listed(names: Sequence[str]) -> str:
    """Names for an error, as many as can be read."""
    shown = ", ".join(name[:40] if name.isprintable() else repr(name[:40]) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
