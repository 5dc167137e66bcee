"""Labels that people gave to videos: CSV with a column ``file``, optional ``start`` and ``end`` (seconds), and label columns (see
``labels_table`` for what such a file may look like)."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from jepascope.clips.column_kind import MISSING, Asked, Column, is_missing, is_number
from jepascope.clips.labels_table import Layout, Table, listed, read_table
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.opening import ENDINGS
from jepascope.clips.video.windows import EARLY, Window
from jepascope.errors import BadArgument, BadData

OTHERS = ("start", "end", "source")
LAYOUT = Layout(("file",), OTHERS, "a column 'file' that names videos, and one or more of labels")
MOST = 0.5  # share of a window that a row must cover more than for its label to be the window's
ABSOLUTE = re.compile(r"/|[A-Za-z]:/")


@dataclass(frozen=True)
class Row:
    """One line of the file: what it says of a file between two times (0 and infinity where it names none)."""

    line: int
    start: float
    end: float
    cells: Mapping[str, str]


@dataclass(frozen=True)
class VideoLabels:
    """What a labels file says, by the names that it uses for files. ``sources``: of files that it names one for (several files of
    one recording). ``digest`` names the file's bytes; ``missing``: texts that stand for no label."""

    path: Path
    digest: str
    columns: tuple[str, ...]
    rows: Mapping[str, Sequence[Row]]
    sources: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = MISSING

    def matched(self, files: Iterable[str], folder: Path | None = None) -> tuple[VideoLabels, list[str]]:
        """The same by paths below the folder, and the names that no file has. A name is a path below the folder, a file's bare name,
        or that without its ending (or, of a video that was converted, with the one that it had), as long as one file alone has it; or a
        whole path, of this machine or of another, that ends in the path below the folder. Raises BadData where it fits no file at all, or
        several."""
        paths = list(files)
        known, whole = _names(paths), {_composed(file): [file] for file in paths}
        rows: dict[str, list[Row]] = defaultdict(list)
        sources: dict[str, str] = {}
        strangers = []
        for name, lines in self.rows.items():
            path = _composed(name.replace("\\", "/").removeprefix("./"))
            fitting = known.get(path) or next((whole[end] for end in _ends(path, folder) if end in whole), [])
            if not fitting and PurePosixPath(path).suffix.lower() in ENDINGS:
                fitting = known.get(PurePosixPath(path).with_suffix("").as_posix(), [])
            if len(fitting) > 1:
                raise BadData(
                    f"'{self.path}' line {lines[0].line}: {len(fitting)} files are called {name!r} ({', '.join(fitting[:3])}); write the "
                    "path below the folder."
                )
            if not fitting:
                strangers.append(name)
                continue
            rows[fitting[0]] += lines
            if name in self.sources:
                sources[fitting[0]] = self.sources[name]
        if not rows:
            raise BadData(
                f"'{self.path}' names {len(self.rows)} files, first {strangers[0]!r}, and none of them is in the folder; write paths below "
                "the folder in the column 'file'."
            )
        return replace(self, rows=rows, sources=sources), strangers

    def texts(self, column: str) -> list[str]:
        """All cells of a column."""
        return [row.cells[column] for rows in self.rows.values() for row in rows]

    def column(self, name: str, asked: Asked = "auto") -> Column:
        """All cells of a column. Raises BadArgument for one that is not there, BadData where no cell has a label, and where rows give one
        stretch of a file different ones."""
        if name not in self.columns:
            raise BadArgument(f"'{self.path}' has no label column '{name}'; it has {listed(self.columns) or 'none'}.")
        lines: list[int] = []
        cells: list[str] = []
        unlabelled: list[str] = []
        for file, rows in self.rows.items():
            labelled: dict[tuple[float, float], Row] = {}
            for row in rows:
                if is_missing(row.cells[name], self.missing):
                    unlabelled.append(row.cells[name])
                    continue
                other = labelled.setdefault((row.start, row.end), row)
                if other.cells[name] != row.cells[name]:
                    raise self._contradiction(other, row, name, file, row.start, row.end)
                lines.append(row.line)
                cells.append(row.cells[name])
        if not cells:
            raise BadData(
                f"'{self.path}' has no label in its column '{name}' for a video of the folder; label some stretches of the videos."
            )
        return Column(
            name, cells, lambda place: f"'{self.path}'{f' line {lines[place]},' * (place >= 0)} column '{name}'", asked, unlabelled
        )

    def _contradiction(self, first: Row, second: Row, column: str, file: str, start: float, end: float) -> BadData:
        span = "all" if math.isinf(end) and not start else f"{start:.2f} s to the end" if math.isinf(end) else f"{start:.2f} to {end:.2f} s"
        return BadData(
            f"'{self.path}' lines {first.line} and {second.line} give {span} of {file!r} two labels '{column}' "
            f"('{first.cells[column][:40]}' and '{second.cells[column][:40]}'); keep one of them."
        )

    def label(self, window: Window, column: str) -> str:
        """The label of the row that covers the window wholly (the shortest such row), or more than half of it and the most; '' where
        no row does. Raises BadData where two rows are as good and differ."""
        best: tuple[tuple[float, float], Row] | None = None
        length = window.end - window.start
        for row in self.rows.get(window.file, ()):
            share = (min(row.end, window.end) - max(row.start, window.start)) / length
            share = 1.0 if share > 1 - EARLY else share
            if is_missing(row.cells[column], self.missing) or share <= MOST:
                continue
            rank = (share, row.start - row.end)
            if best is not None and rank == best[0] and row.cells[column] != best[1].cells[column]:
                raise self._contradiction(best[1], row, column, window.file, window.start, window.end)
            if best is None or rank > best[0]:
                best = rank, row
        return "" if best is None else best[1].cells[column]

    def angle(self, window: Window, column: str) -> float | None:
        """The direction (radians) that the label names: one of the eight, or degrees counter-clockwise from the right."""
        cell = self.label(window, column)
        if not cell:
            return None
        if cell.upper() in DIRECTION_NAMES:
            return 2 * math.pi * DIRECTION_NAMES.index(cell.upper()) / len(DIRECTION_NAMES)
        if is_number(cell) and abs(float(cell)) <= 360:
            return math.radians(float(cell) % 360)
        raise BadData(
            f"'{self.path}', '{window.file}', column '{column}': '{cell[:40]}' is no direction; write {', '.join(DIRECTION_NAMES)}, or "
            "degrees counter-clockwise from the right."
        )


def _names(paths: Sequence[str]) -> dict[str, list[str]]:
    """Files by path, bare name, and both without their endings; a path is nobody else's name."""
    by_name: dict[str, list[str]] = defaultdict(list)
    for file in paths:
        path = PurePosixPath(file)
        for name in {path.name, path.stem, path.with_suffix("").as_posix()} - {file}:
            by_name[_composed(name)].append(file)
    return {**by_name, **{_composed(file): [file] for file in paths}}


def _composed(name: str) -> str:
    """One spelling of letters with accents: some systems store them as two characters, and tables as one."""
    return unicodedata.normalize("NFC", name)


def _ends(path: str, folder: Path | None) -> list[str]:
    """What may be the path below the folder in a longer one: all that comes after a folder of a whole path, or after the folder's own
    name."""
    if ABSOLUTE.match(path):
        parts = PurePosixPath(path).parts[1:]
        return ["/".join(parts[place:]) for place in range(len(parts))]
    inside = "" if folder is None else _composed(folder.name) + "/"
    return [path.removeprefix(inside)] if inside and path.startswith(inside) else []


def read_video_labels(path: Path, missing: Sequence[str] = MISSING) -> VideoLabels:
    """The file's rows, checked. Raises BadArgument for a file that is not there and BadData for one that is no labels file."""
    table = read_table(Path(path).expanduser(), LAYOUT)
    path = table.path
    if ("start" in table.columns) != ("end" in table.columns):
        raise BadData(f"'{path}' has one of the columns 'start' and 'end' without the other; give both (seconds), or neither.")
    columns = tuple(name for name in table.columns if name not in (*LAYOUT.keys, *OTHERS))
    if not columns and "source" not in table.columns:
        raise BadData(f"'{path}' has no label column beside {', '.join(table.columns)}; add one.")
    rows: dict[str, list[Row]] = defaultdict(list)
    sources: dict[str, str] = {}
    for line, cells in zip(table.lines, table.rows, strict=True):
        row = dict(zip(table.columns, cells, strict=True))
        file, source = row["file"], row.get("source", "")
        if not file:
            raise BadData(f"'{path}' line {line}: the column 'file' is empty; write which video the row is of.")
        rows[file].append(_row(table, line, row, columns, missing))
        if not is_missing(source, missing):
            other = sources.setdefault(file, source)
            if other != source:
                raise BadData(f"'{path}' line {line}: {file!r} has the source {other!r} on another line; keep one.")
    return VideoLabels(path, table.digest, columns, rows, sources, tuple(missing))


def _row(table: Table, line: int, named: Mapping[str, str], columns: tuple[str, ...], missing: Sequence[str]) -> Row:
    times = {"start": 0.0, "end": math.inf}
    for name in times:
        cell = named.get(name, "")
        if is_missing(cell, missing):
            continue
        if not is_number(cell):
            raise BadData(
                f"'{table.path}' line {line}, column '{name}': '{cell[:40]}' is no time; write seconds, such as 2.5, or leave it empty."
            )
        times[name] = float(cell)
    if not 0 <= times["start"] < times["end"]:
        raise BadData(
            f"'{table.path}' line {line}: a stretch from {times['start']:g} to {times['end']:g} s is none; the end lies after the start."
        )
    return Row(line, times["start"], times["end"], {name: named[name] for name in columns})
