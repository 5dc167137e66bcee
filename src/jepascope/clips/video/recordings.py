"""Which files are of one recording: splits, folds and intervals take or leave a recording whole, however many files it was cut into."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from jepascope.clips.video.files import Candidate

DATA_SET = "names of the data set"
LABELS = "the column 'source' of the labels file"
NAMES = "names that differ in a cut or an ending alone"
CONTENT = "the same content"

CUT = re.compile(
    r"(?P<whole>.*[^\W_].*?)[ _.-]+"
    r"(?P<cut>(?:c|cut|part|pt|seg|segment|scene|shot|chunk)[ _.-]?[0-9]+|(?P<start>[0-9]{6})[_-](?P<end>[0-9]{6}))",
    re.IGNORECASE,
)
"""A name that ends like the cut of a longer recording: ``_c01``, ``-part2``, `` Scene-003``, ``_000010_000020`` (from, to)."""


@dataclass(frozen=True)
class Recordings:
    """``of``: the recording of each file. ``joined``: for each rule how many files it puts together with another one."""

    of: Mapping[str, str]
    joined: Mapping[str, int]


def recordings(candidates: Sequence[Candidate], named: Mapping[str, str], digests: Mapping[str, str] | None = None) -> Recordings:
    """By the data set's names, by what a labels file calls the recordings of files (``named``), and by content (``digests``), as far as
    it is known. Of files of which neither data set nor labels say anything, those go together whose names differ in a cut alone."""
    silent = [candidate.file for candidate in candidates if candidate.source == candidate.file and candidate.file not in named]
    files = {candidate.file for candidate in candidates}
    rules: dict[str, Mapping[str, str]] = {
        DATA_SET: {candidate.file: candidate.source for candidate in candidates},
        LABELS: {file: source for file, source in named.items() if file in files},
        NAMES: cuts(silent),
        CONTENT: {} if digests is None else digests,
    }
    return Recordings(_united(rules), {rule: together for rule, keys in rules.items() if (together := _together(keys))})


def rule_words(joined: Mapping[str, int]) -> str:
    """How files became recordings, and who can say otherwise of what was guessed; '' where every file is a recording of its own."""
    otherwise = " (a labels file with columns 'file' and 'source' says otherwise, where such names mislead)"
    return ", ".join(f"{files} by {rule}{otherwise * (rule == NAMES)}" for rule, files in joined.items())


def _together(keys: Mapping[str, str]) -> int:
    counts = Counter(keys.values())
    return sum(counts[key] > 1 for key in keys.values())


def _united(rules: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Files that any rule gives one key are of one recording, which gets the name that the data set has for its first file."""
    names = rules[DATA_SET]
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.get(name, name) != name:
            name = parent[name]
        return name

    first_with: dict[tuple[str, str], str] = {}
    for rule, keys in rules.items():
        for file, key in keys.items():
            first, second = root(names[file]), root(first_with.setdefault((rule, key), names[file]))
            parent[max(first, second)] = min(first, second)
    return {file: root(name) for file, name in names.items()}


def cuts(paths: Iterable[str]) -> dict[str, str]:
    """A name for the recording of each file whose name differs from another one's in a cut alone (`CUT`), or in its ending alone.

    Files in several folders go together where no cut is there twice: one recording's cuts may lie in folders of their classes. It is
    a guess from names, for files of which no data set and no person says more.
    """
    by_name: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in paths:
        stem = PurePosixPath(path).stem
        cut = CUT.fullmatch(stem)
        if cut and cut["start"] and int(cut["start"]) >= int(cut["end"]):
            cut = None
        by_name[(cut["whole"] if cut else stem).lower()][cut["cut"].lower() if cut else ""].append(path)
    recordings: dict[str, str] = {}
    for name, parts in by_name.items():
        apart = len(parts) == 1 or any(len({_folder(path) for path in some}) > 1 for some in parts.values())
        groups: dict[str, list[str]] = defaultdict(list)
        for path in (path for some in parts.values() for path in some):
            groups[f"{_folder(path)}/{name}" if apart else name].append(path)
        recordings |= {path: group for group, some in groups.items() if len(some) > 1 for path in some}
    return recordings


def _folder(path: str) -> str:
    return str(PurePosixPath(path).parent)
