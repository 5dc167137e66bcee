"""Manifest: what a folder holds, each file with its digest, the step that made it and the digests of what it was made from.

manifest.json lies beside what it lists and is replaced whole after every file. A file that is not listed, or not as it is listed, was
not finished by us, and is made again; one whose inputs have other digests by now is too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from jepascope.disk.folder import Folder
from jepascope.disk.plain import read_object, written
from jepascope.disk.refusals import damaged

NAME = "manifest.json"
FORMAT = "jepascope-folder-1"
State = Literal["whole", "missing", "unlisted", "damaged", "outdated"]
MEANINGS: Mapping[State, str] = {
    "whole": "as it was written",
    "missing": "listed, but not there",
    "unlisted": "there, but not written by this run",
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
    """The list of ``folder``. ``known``: whether the folder has one; one written before there were any is read unchecked."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.known = folder.has(NAME)
        self.files: dict[str, Listed] = self._read() if self.known else {}

    def _read(self) -> dict[str, Listed]:
        held = read_object(self.folder, NAME)
        try:
            if held.get("format") != FORMAT or not isinstance(held.get("files"), dict):
                raise ValueError(f"it is no list of files of '{FORMAT}'")
            return {name: Listed.of(value) for name, value in held["files"].items()}
        except ValueError as error:
            raise damaged(self.folder.root / NAME, error) from None

    def write(self, name: str, contents: bytes, step: str = "", inputs: tuple[str, ...] = ()) -> None:
        """Write a file and list it. ``inputs``: names of listed files that it was made from."""
        self.folder.write(name, contents)
        self.list(name, digest(contents), step, inputs)

    def list(self, name: str, sha256: str, step: str = "", inputs: tuple[str, ...] = ()) -> None:
        """List a file that is there."""
        self.files[name] = Listed(sha256, step, {each: self.files[each].sha256 for each in inputs if each in self.files})
        self._save()

    def forget(self, *names: str) -> None:
        for name in names:
            self.files.pop(name, None)
        self._save()

    def _save(self) -> None:
        listed = {name: asdict(self.files[name]) for name in sorted(self.files)}
        self.folder.write(NAME, written({"format": FORMAT, "files": listed}))
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
        listed = self.files.get(name)
        try:
            contents = self.folder.read(name)
        except FileNotFoundError:
            return "missing"
        if listed is None:
            return "unlisted"
        if digest(contents) != listed.sha256:
            return "damaged"
        current = {each: self.files[each].sha256 if each in self.files else "" for each in listed.inputs}
        return "whole" if current == listed.inputs else "outdated"
