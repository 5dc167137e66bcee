"""Reading a run folder: the only place where the report touches files. Everything is checked before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.disk.manifest import Manifest
from jepascope.disk.refusals import Damaged, damaged
from jepascope.errors import RunFolderError
from jepascope.findings.facts import Facts
from jepascope.findings.stored import typed
from jepascope.report.tables import read_table
from jepascope.schema import TABLES
from jepascope.study.files import SPEC, mended_with

REQUIRED_KEYS = ("model", "clips", "variable", "layers")


@dataclass(frozen=True)
class RunFolder(Facts):
    """What a run left behind, read and checked. A table is None when the stage that writes it has not been run."""

    path: Path
    provenance: dict[str, Any]
    spec: str
    files: Manifest | None = None


def read_run(path: Path) -> RunFolder:
    """Read and check a run folder.

    Raises RunFolderError for a folder that is not a finished run, and for a file that is missing although its stage ran,
    is not what was written, or lacks a column.
    """
    if not path.is_dir():
        raise RunFolderError(f"There is no run folder at {path}; give the folder that 'jepascope run --out' wrote.")
    try:
        return _read(path, Manifest(Folder(path)))
    except Damaged as error:
        raise error.mended_by(mended_with(path)) from None


def _read(path: Path, files: Manifest) -> RunFolder:
    summary = read_json(files, "summary.json")
    absent = [key for key in REQUIRED_KEYS if key not in summary]
    if absent:
        raise RunFolderError(f"{path / 'summary.json'} has no key '{absent[0]}'; run the study again with the same --out to write it anew.")
    return RunFolder(
        path=path,
        summary=summary,
        provenance=read_json(files, "provenance.json"),
        spec=_contents(files, SPEC, listed=SPEC in files.files).decode(errors="replace"),
        tables={
            name: read_table(files, f"{name}.parquet", table, summary)
            for name, table in TABLES.items()
            if table.where == "run" and table.reported
        },
        files=files,
    )


def _contents(files: Manifest, name: str, listed: bool = True) -> bytes:
    path = files.folder.root
    try:
        return files.read(name) if listed else files.folder.read(name)
    except FileNotFoundError:
        raise RunFolderError(
            f"{path / name} is missing, so this is not a finished run folder; run the study again with the same --out, it resumes where it "
            "stopped."
        ) from None


def read_json(files: Manifest, name: str) -> dict[str, Any]:
    """A JSON object of a folder; RunFolderError where there is none."""
    path = files.folder.root
    try:
        return typed(name, _contents(files, name))
    except ValueError as error:
        raise damaged(path / name, error) from None
