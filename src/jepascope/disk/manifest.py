"""Manifest: what a folder holds, each file with its digest, the step that made it and the digests of what it was made from.

manifest.json lies beside what it lists and is replaced whole after every file. A file that is not listed, or not as it is listed, was
not finished by us, and is made again; one whose inputs have other digests by now is too.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from jepascope.disk.folder import Folder
from jepascope.disk.plain import read_object, written
from jepascope.disk.refusals import Damaged, damaged

NAME = "manifest.json"
ASIDE = "set-aside"  # where files lie that are not what was written
FORMAT = "jepascope-folder-1"
State = Literal["whole", "missing", "unlisted", "foreign", "damaged", "outdated"]
MEANINGS: Mapping[State, str] = {
    "whole": "as it was written",
    "missing": "listed, but not there",
    "unlisted": "there, but not written by this run",
    "foreign": "a link, a folder or something else that is no file",
    "damaged": "its bytes are not those that were written",
    "outdated": "made from files that have changed since",
}


def digest(contents: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(contents).hexdigest()


@dataclass(frozen=True)
class Listed:
    """One file: ``sha256`` of its bytes, the ``step`` that made it, and ``inputs``: the digests of the files that it was made from."""

    sha256: str
    step: str = ""
    inputs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any) -> Listed:
        """From JSON; ValueError where it is something else."""
        texts = isinstance(value, dict) and value.keys() == {"sha256", "step", "inputs"} and isinstance(value["inputs"], dict)
        if not texts or not all(isinstance(text, str) for text in (value["sha256"], value["step"], *value["inputs"].values())):
            raise ValueError("an entry is not a digest, a step and its inputs")
        return cls(**value)


class Manifest:
    """The list of ``folder``. ``known``: whether the folder has one; one written before there were any is read unchecked.

    ``about``: what the files are of, by name (the digests of the study and of the encoder).
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.known = folder.has(NAME)
        self.about: dict[str, str] = {}
        self.files: dict[str, Listed] = {}
        if self.known:
            self._read()

    def _read(self) -> None:
        held = read_object(self.folder, NAME)
        try:
            files, about = held.get("files"), held.get("about")
            if held.get("format") != FORMAT or not isinstance(files, dict) or not isinstance(about, dict):
                raise ValueError(f"it is no list of files of '{FORMAT}'")
            if not all(isinstance(text, str) for text in about.values()):
                raise ValueError("what it is about is not said in words")
            self.files, self.about = {name: Listed.of(value) for name, value in files.items()}, about
        except ValueError as error:
            raise damaged(self.folder.root / NAME, error) from None

    def start(self, about: Mapping[str, str], files: Iterable[str] = ()) -> None:
        """A list for a folder that has none. ``files`` are there already and are taken as they are."""
        self.about = dict(about)
        self.files = {name: Listed(digest(self.folder.read(name))) for name in files}
        self.save()

    def write(self, name: str, contents: bytes, step: str = "", inputs: Iterable[str] = ()) -> None:
        """Write a file and list it. ``inputs``: names of listed files that it was made from."""
        self.folder.write(name, contents)
        self.files[name] = Listed(digest(contents), step, {each: self.files[each].sha256 for each in sorted(inputs) if each in self.files})
        self.save()

    def note(self, **about: str) -> None:
        """Add to what the files are of."""
        self.about |= about
        self.save()

    def set_aside(self, name: str) -> str:
        """Move a file out of the way and off the list; where it lies now."""
        away = f"{ASIDE}/{name.replace('/', '-')}"
        if self.folder.has(name):
            self.folder.move(name, away)
        if self.files.pop(name, None) is not None:
            self.save()
        return away

    def save(self) -> None:
        listed = {name: asdict(self.files[name]) for name in sorted(self.files)}
        self.folder.write(NAME, written({"format": FORMAT, "about": self.about, "files": listed}))
        self.known = True

    def read(self, name: str) -> bytes:
        """The bytes of a file, which are those that were listed. FileNotFoundError where it is not there; RunFolderError for others."""
        contents = self.folder.read(name)
        if self.known and digest(contents) != self._listed(name).sha256:
            raise damaged(self.folder.root / name, MEANINGS["damaged"])
        return contents

    def _listed(self, name: str) -> Listed:
        if name not in self.files:
            raise damaged(self.folder.root / name, MEANINGS["unlisted"])
        return self.files[name]

    def state(self, name: str) -> State:
        """How a file stands; it is read whole for it."""
        listed, kind = self.files.get(name), self.folder.kind(name)
        if kind is None:
            return "missing"
        if kind != stat.S_IFREG:
            return "foreign"
        try:
            contents = self.folder.read(name)
        except Damaged:  # larger than anything that is written
            return "damaged"
        if listed is None:
            return "unlisted"
        if digest(contents) != listed.sha256:
            return "damaged"
        current = {each: self.files[each].sha256 if each in self.files else "" for each in listed.inputs}
        return "whole" if current == listed.inputs else "outdated"
