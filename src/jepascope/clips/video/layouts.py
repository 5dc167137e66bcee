"""Labels that data sets are distributed with: the CSV files of Kinetics and the JSON files of Something-Something v2."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from jepascope.clips.video.files import KINETICS, PARTS, Candidate, Found, Refusal

MAX_BYTES = 200_000_000  # Something-Something's largest has 30 MB
COLUMNS = ("label", "youtube_id", "time_start", "time_end")


def with_distributed_labels(found: Found, root: Path) -> Found:
    """The candidates with the class and part that the tables beside them tell. A table of another kind, or a damaged one, tells
    nothing; that of a damaged one is listed where it is named like those of these data sets."""
    kinetics: dict[tuple[str, int, int], tuple[str, str]] = {}
    something: dict[str, tuple[str, str]] = {}
    refusals = list(found.refusals)
    numbered = any(_number(one) for one in found.candidates)
    named = any(KINETICS.fullmatch(PurePosixPath(one.file).stem) for one in found.candidates)
    for path in found.tables:
        try:
            if path.suffix.lower() == ".csv" and named:
                kinetics.update(_kinetics_rows(_text(path)))
            elif path.suffix.lower() == ".json" and numbered:
                something.update(_something_entries(json.loads(_text(path)), path.stem))
        except (OSError, ValueError, RecursionError, csv.Error) as error:  # JSON's and Unicode's errors are ValueErrors
            refusals.append(Refusal(path.relative_to(root).as_posix(), f"cannot be read as labels ({str(error)[:80]})"))
    return replace(found, candidates=[_labelled(one, kinetics, something) for one in found.candidates], refusals=refusals)


def _labelled(
    one: Candidate, kinetics: Mapping[tuple[str, int, int], tuple[str, str]], something: Mapping[str, tuple[str, str]]
) -> Candidate:
    stem = PurePosixPath(one.file).stem
    name = KINETICS.fullmatch(stem)
    told = kinetics.get((name["id"], int(name["start"]), int(name["end"]))) if name else something.get(_number(one))
    return one if told is None else replace(one, label=told[0] or one.label, part=told[1] or one.part)


def _number(one: Candidate) -> str:
    path = PurePosixPath(one.file)
    return path.stem if path.suffix.lower() == ".webm" and path.stem.isascii() and path.stem.isdigit() else ""


def _text(path: Path) -> str:
    if path.stat().st_size > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 10**6} MB")
    return path.read_text(encoding="utf-8-sig")


def _kinetics_rows(text: str) -> Iterator[tuple[tuple[str, int, int], tuple[str, str]]]:
    """(YouTube id, start, end) -> (class, part). Nothing where the columns are others; Kinetics' test set has no labels."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    if not set(COLUMNS[1:]) <= set(rows.fieldnames or ()):
        return
    for row in rows:
        start, end = row["time_start"] or "", row["time_end"] or ""
        if row["youtube_id"] and start.isdecimal() and end.isdecimal():
            part = PARTS.get((row.get("split") or "").strip().lower(), "")
            yield (row["youtube_id"], int(start), int(end)), ((row.get("label") or "").strip(), part)


def _something_entries(held: Any, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Video id -> (class, part). The class is the template without its brackets, as labels.json has it; that file, which lists the
    classes, is not needed."""
    part = next((PARTS[word] for word in PARTS if name.lower().endswith(word)), "")
    for entry in held if isinstance(held, list) else ():
        if isinstance(entry, dict) and isinstance(entry.get("id"), str | int):
            template = entry.get("template")
            label = template.replace("[", "").replace("]", "") if isinstance(template, str) else ""
            yield str(entry["id"]), (label.strip(), part)
