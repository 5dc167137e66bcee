"""What data sets' own tables say of their videos: the class of each, and the part of the data set that it belongs to.

Kinetics: CSV with columns label, youtube_id, time_start, time_end, split, or the same as JSON, of files named by id and times.
Something-Something v2: train.json, validation.json and test.json (id, template), and test-answers.csv (``id;label``), of files named by
id, whatever format they were converted to. UCF101: trainlist01.txt and testlist01.txt (to 03), and HMDB51: ``<class>_test_split1.txt``
(to 3), whose classes folders name.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from jepascope.clips.column_kind import is_missing
from jepascope.clips.labels_table import SEPARATORS
from jepascope.clips.video.files import Candidate, Found, Refusal
from jepascope.clips.video.names import HMDB, KINETICS, OFFICIAL, TEST, TRAIN, UCF, UCF_LIST, official_word, split_list
from jepascope.disk.named import read_named
from jepascope.disk.plain import value_of

SAYS_NOTHING = "is a table that says nothing of these videos"
MAX_BYTES = 200_000_000  # Something-Something's largest has 30 MB
COLUMNS = ("youtube_id", "time_start", "time_end")
ID = re.compile(r"[\w-]{11}", re.ASCII)
TIME = re.compile(r"\d{1,6}(\.\d*)?", re.ASCII)  # seconds; names of files have whole ones
HMDB_PARTS = {"1": TRAIN, "2": TEST}  # 0: of no use in this split
CLASS_LIST = re.compile(r"(something-something-v2-)?labels", re.IGNORECASE)  # names classes, and no files

Key = tuple[str | int, ...]


@dataclass(frozen=True)
class _Row:
    """What a table says of the files that a key fits; ``names_class``: whether classes of its data set are named in tables alone."""

    label: str
    official_split: str
    names_class: bool = True
    table: str = ""


def with_distributed_labels(listing: Found, root: Path, number: int = 1) -> Found:
    """The candidates with the class and official split that the tables beside them tell; ``number``: which split of UCF101 and HMDB51.

    Once a table names classes, files without a row have none, whatever their folder is called; those of a part of the data set that no
    table speaks of (train, where there is val.csv alone) keep what their folder tells. A file that tables give two classes has none. A
    table that tells nothing of these videos is among the other files; a damaged one is refused.
    """
    rows: dict[Key, _Row] = {}
    unlike: dict[Key, str] = {}
    refusals, others, naming = list(listing.refusals), list(listing.others), list[str]()
    parts: set[str] = set()  # of the data set, of which tables name the classes; '': of all
    keys = {candidate.file: _keys(candidate) for candidate in listing.candidates}
    wanted = {key for some in keys.values() for key in some}
    kinds = {str(key[0]) for key in wanted}
    for path in listing.tables:
        name = path.relative_to(root).as_posix()
        try:
            pairs = [(key, row) for key, row in _rows(path, kinds, number) if key in wanted]
        except (OSError, ValueError, RecursionError, csv.Error) as error:  # JSON's and Unicode's errors are ValueErrors
            refusals.append(Refusal(name, f"cannot be read as labels ({str(error)[:80]})"))
            continue
        if not (pairs or _is_known(path)):
            others.append((name, SAYS_NOTHING))
        if named := {row.official_split for _, row in pairs if row.label and row.names_class}:
            naming.append(path.name)
            parts |= named
        for key, row in pairs:
            known = rows.get(key, row)
            if row.label and known.label not in ("", row.label):
                unlike[key] = f"has two classes in {' and '.join(dict.fromkeys([known.table, name]))}: '{known.label}' and '{row.label}'"
            labelled = known if known.label else row
            rows[key] = replace(labelled, official_split=known.official_split or row.official_split, table=labelled.table or name)
    key_of = {file: next((key for key in some if key in rows), None) for file, some in keys.items()}
    two_classes = {file: unlike[key] for file, key in key_of.items() if key in unlike}
    candidates = [_labelled(candidate, key_of[candidate.file], rows, parts) for candidate in listing.candidates]
    candidates = [replace(candidate, label="") if candidate.file in two_classes else candidate for candidate in candidates]
    return replace(listing, candidates=candidates, refusals=refusals, others=others, class_tables=tuple(naming), two_classes=two_classes)


def _labelled(candidate: Candidate, key: Key | None, rows: Mapping[Key, _Row], parts: Set[str]) -> Candidate:
    if key is None:
        without = parts and (not candidate.official_split or parts & {"", candidate.official_split})
        return replace(candidate, label="") if without else candidate
    row, (kind, name, *_) = rows[key], key
    return replace(
        candidate,
        source=candidate.source if kind == "list" else str(name),
        label=row.label if parts else candidate.label or row.label,
        official_split=row.official_split or candidate.official_split,
    )


def _keys(candidate: Candidate) -> list[Key]:
    """What tables call a file, the most exact name first."""
    stem = PurePosixPath(candidate.file).stem
    if kinetics := KINETICS.fullmatch(stem):
        return [("kinetics", kinetics["id"], int(kinetics["start"]), int(kinetics["end"]))]
    if listed := UCF.fullmatch(stem) or HMDB.fullmatch(stem):
        return [("list", listed["listed"].lower())]
    if stem.isascii() and stem.isdecimal():
        return [("something", _number(stem))]
    return [("kinetics", stem)] if ID.fullmatch(stem) else []


def _rows(path: Path, kinds: set[str], number: int) -> Iterator[tuple[Key, _Row]]:
    """The rows of a table of one of the kinds that these files may be named in."""
    ending = path.suffix.lower()
    if ending == ".csv" and kinds & {"kinetics", "something"}:
        text, official = _text(path), official_word(path.stem)
        yield from (_kinetics_rows if COLUMNS[0] in text.partition("\n")[0] else _answers)(text, official)
    elif ending == ".json" and kinds & {"kinetics", "something"}:
        held, official = value_of(_text(path)), official_word(path.stem)
        yield from (_kinetics_entries if isinstance(held, dict) else _something_entries)(held, official)
    elif ending == ".txt" and "list" in kinds and (listed := split_list(path.name)) and int(listed["number"]) == number:
        for line in _text(path).splitlines():
            words = line.rsplit(None, 1) if len(line.split()) > 1 and line.split()[-1].isdecimal() else [line.strip(), ""]
            if words[0]:
                yield ("list", PurePosixPath(words[0].strip().replace("\\", "/")).stem.lower()), _listed(listed, words[1])


def _listed(listed: re.Match[str], mark: str) -> _Row:
    if listed.re is UCF_LIST:
        return _Row("", listed["part"].lower(), names_class=False)
    return _Row(listed["name"].replace("_", " "), HMDB_PARTS.get(mark, ""), names_class=False)


def _is_known(path: Path) -> bool:
    return path.suffix.lower() == ".txt" or bool(CLASS_LIST.fullmatch(path.stem))


def _text(path: Path) -> str:
    return io.StringIO(read_named(path, MAX_BYTES).decode("utf-8-sig"), newline=None).read()  # lines as every system ends them


def _kinetics_rows(text: str, official: str) -> Iterator[tuple[Key, _Row]]:
    """By (id, start, end), and by the id alone, which some name their files by. Kinetics' test sets may have no labels."""
    first = text.partition("\n")[0].strip()
    separator = next((mark for mark in SEPARATORS if COLUMNS[0] in first.split(mark)), SEPARATORS[0])
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        return
    for row in rows:
        part = OFFICIAL.get((row.get("split") or "").strip().lower(), official)
        yield from _kinetics_row(row["youtube_id"], [row[name] for name in COLUMNS[1:]], row.get("label"), part)


def _kinetics_entries(held: dict[str, Any], official: str) -> Iterator[tuple[Key, _Row]]:
    """The same as JSON: ``{id: {annotations: {label, segment: [start, end]}, subset}}``."""
    for name, entry in held.items():
        about = entry.get("annotations") if isinstance(entry, dict) else None
        if isinstance(about, dict) and isinstance(about.get("segment"), list) and len(about["segment"]) == 2:
            yield from _kinetics_row(name, about["segment"], about.get("label"), OFFICIAL.get(str(entry.get("subset")).lower(), official))


def _kinetics_row(name: str, times: Sequence[object], label: object, official: str) -> Iterator[tuple[Key, _Row]]:
    seconds = [int(float(str(time))) for time in times if TIME.fullmatch(str(time).strip())]
    if name and len(seconds) == len(times):
        row = _Row(_class(label), official)
        yield ("kinetics", name, *seconds), row
        yield ("kinetics", name), row


def _answers(text: str, official: str) -> Iterator[tuple[Key, _Row]]:
    """Lines ``id;label``, as of test-answers.csv."""
    for line in text.splitlines():
        number, semicolon, label = line.partition(";")
        if semicolon and number.strip().isdecimal():
            yield ("something", _number(number.strip())), _Row(_class(label.strip().strip('"')), official)


def _something_entries(held: Any, official: str) -> Iterator[tuple[Key, _Row]]:
    """The class is the template with its placeholders, without their brackets, as labels.json and the answers have it."""
    for entry in held if isinstance(held, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str | int):
            yield ("something", _number(str(entry["id"]))), _Row(_class(entry.get("template")), official)


def _class(text: object) -> str:
    """A label, or a template without the brackets of its placeholders; '' where nothing is said."""
    label = text.replace("[", "").replace("]", "").strip() if isinstance(text, str) else ""
    return "" if is_missing(label) else label


def _number(name: str) -> str:
    """An id as tables write it, whatever zeros stand before it in the name of a file."""
    return name.lstrip("0") or "0"
