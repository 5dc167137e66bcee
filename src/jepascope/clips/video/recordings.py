"""Which files are of one recording: splits, folds and intervals take or leave a recording whole, however many files it was cut into."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jepascope.clips.video.files import Candidate
from jepascope.clips.video.names import cuts

DATA_SET = "names of the data set"
LABELS = "the column 'source' of the labels file"
NAMES = "names that differ in a cut or an ending alone"
CONTENT = "the same content"


@dataclass(frozen=True)
class Recordings:
    """``of``: the recording of each file. ``joined``: for each rule how many files it puts together with another one."""

    of: Mapping[str, str]
    joined: Mapping[str, int]


def recordings(candidates: Sequence[Candidate], named: Mapping[str, str], digests: Mapping[str, str] | None = None) -> Recordings:
    """By the data set's names, by what a labels file calls the recordings of files (``named``), and by content (``digests``), as far as
    it is known. Of files of which neither data set nor labels say anything, those go together whose names differ in a cut alone."""
    silent = [one.file for one in candidates if one.source == one.file and one.file not in named]
    files = {one.file for one in candidates}
    rules: dict[str, Mapping[str, str]] = {
        DATA_SET: {one.file: one.source for one in candidates},
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
            one, other = root(names[file]), root(first_with.setdefault((rule, key), names[file]))
            parent[max(one, other)] = min(one, other)
    return {file: root(name) for file, name in names.items()}
