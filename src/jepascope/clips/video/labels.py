"""Labels that people gave to videos: CSV with a column ``file``, optional ``start`` and ``end`` (seconds), and label columns."""

from __future__ import annotations

import csv
import hashlib
import io
import math
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from jepascope.clips.labels import MAX_CELL, NUMBER
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.clips.video.windows import EARLY, Window
from jepascope.errors import BadArgument, BadData

RESERVED = ("file", "start", "end", "source")
MAX_BYTES = 200_000_000
MOST = 0.5  # share of a window that a row must cover more than for its label to be the window's


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
    one recording). ``digest`` names the file's bytes."""

    path: Path
    digest: str
    columns: tuple[str, ...]
    rows: Mapping[str, Sequence[Row]]
    sources: Mapping[str, str] = field(default_factory=dict)

    def matched(self, files: Iterable[str]) -> tuple[VideoLabels, list[str]]:
        """The same by paths below the folder, and the names that no file has. A name is a path below the folder, a file's bare name,
        or that without its ending, as long as one file alone has it. Raises BadData where it fits no file at all, or several."""
        known = _names(files)
        rows: dict[str, list[Row]] = defaultdict(list)
        sources: dict[str, str] = {}
        strangers = []
        for name, said in self.rows.items():
            fitting = known.get(_composed(name.replace("\\", "/").removeprefix("./")), [])
            if len(fitting) > 1:
                raise BadData(
                    f"'{self.path}' line {said[0].line}: {len(fitting)} files are called '{name}' ({', '.join(fitting[:3])}); write the "
                    "path below the folder."
                )
            if not fitting:
                strangers.append(name)
                continue
            rows[fitting[0]] += said
            if name in self.sources:
                sources[fitting[0]] = self.sources[name]
        if not rows:
            raise BadData(
                f"'{self.path}' names {len(self.rows)} files, first '{strangers[0]}', and none of them is in the folder; write paths below "
                "the folder in the column 'file'."
            )
        return VideoLabels(self.path, self.digest, self.columns, rows, sources), strangers

    def label(self, window: Window, column: str) -> str:
        """The label of the row that covers the window wholly (the shortest such row), or more than half of it and the most; '' where
        no row does. Raises BadData where two rows are as good and differ."""
        if column not in self.columns:
            raise BadArgument(f"'{self.path}' has no label column '{column}'; it has {', '.join(self.columns)}.")
        best: tuple[tuple[float, float], Row] | None = None
        length = window.end - window.start
        for row in self.rows.get(window.file, ()):
            share = (min(row.end, window.end) - max(row.start, window.start)) / length
            share = 1.0 if share > 1 - EARLY else share
            if not row.cells[column] or share <= MOST:
                continue
            rank = (share, row.start - row.end)
            if best is not None and rank == best[0] and row.cells[column] != best[1].cells[column]:
                raise BadData(
                    f"'{self.path}' lines {best[1].line} and {row.line} give {window.start:.2f} to {window.end:.2f} s of '{window.file}' "
                    f"two labels '{column}'; keep one of them."
                )
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
        if NUMBER.fullmatch(cell) and abs(float(cell)) <= 360:
            return math.radians(float(cell) % 360)
        raise BadData(
            f"'{self.path}', '{window.file}', column '{column}': '{cell[:40]}' is no direction; write {', '.join(DIRECTION_NAMES)}, or "
            "degrees counter-clockwise from the right."
        )


def _names(files: Iterable[str]) -> dict[str, list[str]]:
    """Files by path, bare name, and both without their endings; a path is nobody else's name."""
    paths = list(files)
    by_name: dict[str, list[str]] = defaultdict(list)
    for file in paths:
        path = PurePosixPath(file)
        for name in {path.name, path.stem, path.with_suffix("").as_posix()} - {file}:
            by_name[_composed(name)].append(file)
    return {**by_name, **{_composed(file): [file] for file in paths}}


def _composed(name: str) -> str:
    """One spelling of letters with accents: some systems store them as two characters, and tables as one."""
    return unicodedata.normalize("NFC", name)


def read_video_labels(path: Path) -> VideoLabels:
    """The file's rows, checked. Raises BadArgument for a file that is not there and BadData for one that is no labels file."""
    path = Path(path).expanduser()
    try:
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise BadData(f"'{path}' is larger than a labels file can be ({MAX_BYTES // 10**6} MB); keep only the columns that are needed.")
        data = path.read_bytes()
    except OSError as error:
        raise BadArgument(f"The labels file '{path}' cannot be read ({error.strerror}); give a CSV file with a column 'file'.") from None
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        header = [name.strip() for name in next(reader, [])]
        columns = _check_header(path, header)
        rows: dict[str, list[Row]] = defaultdict(list)
        sources: dict[str, str] = {}
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise BadData(
                    f"'{path}' line {reader.line_num}: {len(cells)} cells under {len(header)} columns; a cell with a comma needs quotes."
                )
            said = dict(zip(header, (cell.strip() for cell in cells), strict=True))
            if not said["file"]:
                raise BadData(f"'{path}' line {reader.line_num}: the column 'file' is empty; write which video the row is of.")
            long = next((name for name in columns if len(said[name]) > MAX_CELL), None)
            if long is not None:
                raise BadData(f"'{path}' line {reader.line_num}, column '{long}': labels have at most {MAX_CELL} characters.")
            rows[said["file"]].append(_row(path, reader.line_num, said, columns))
            if said.get("source"):
                other = sources.setdefault(said["file"], said["source"])
                if other != said["source"]:
                    raise BadData(f"'{path}' line {reader.line_num}: '{said['file']}' has the source '{other}' on another line; keep one.")
    except UnicodeDecodeError as error:
        raise BadData(
            f"'{path}' line {data[: error.start].count(10) + 1}: this is not UTF-8 text; save the file as CSV in UTF-8."
        ) from None
    except csv.Error as error:
        raise BadData(f"'{path}' line {reader.line_num}: this is not CSV ({error}); check the quotation marks.") from None
    if not rows:
        raise BadData(f"'{path}' has a header and no rows; write one row for each labelled stretch of a video.")
    return VideoLabels(path, hashlib.sha256(data).hexdigest()[:16], columns, rows, sources)


def _check_header(path: Path, header: list[str]) -> tuple[str, ...]:
    if "file" not in header:
        raise BadData(f"'{path}' has no column 'file' that says which video a row is of; columns: {', '.join(header)[:200] or 'none'}.")
    twice = next((name for name, count in Counter(header).items() if count > 1), None)
    if twice is not None:
        raise BadData(f"'{path}' line 1: two columns are named '{twice[:40]}'; give each a name of its own.")
    if ("start" in header) != ("end" in header):
        raise BadData(f"'{path}' has one of the columns 'start' and 'end' without the other; give both (seconds), or neither.")
    columns = tuple(name for name in header if name not in RESERVED)
    if not columns and "source" not in header:
        raise BadData(f"'{path}' has no label column beside {', '.join(header)}; add one.")
    return columns


def _row(path: Path, line: int, said: Mapping[str, str], columns: tuple[str, ...]) -> Row:
    start, end = said.get("start", ""), said.get("end", "")
    for name, cell in (("start", start), ("end", end)):
        if cell and not (NUMBER.fullmatch(cell) and math.isfinite(float(cell))):
            raise BadData(
                f"'{path}' line {line}, column '{name}': '{cell[:40]}' is no time; write seconds, such as 2.5, or leave it empty."
            )
    begin, stop = float(start) if start else 0.0, float(end) if end else math.inf
    if not 0 <= begin < stop:
        raise BadData(f"'{path}' line {line}: a stretch from {begin:g} to {stop:g} s is none; the end lies after the start.")
    return Row(line, begin, stop, {name: said[name] for name in columns})
