"""Reading a run folder: the only place where the report touches files. Everything is checked before anything is drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.errors import RunFolderError
from jepascope.findings.facts import Facts
from jepascope.findings.names import short
from jepascope.report.tables import read_table
from jepascope.schema import TABLES

REQUIRED_KEYS = ("model", "clips", "variable", "layers")


@dataclass(frozen=True)
class RunFolder(Facts):
    """What a run left behind, read and checked. A table is None when the stage that writes it has not been run."""

    path: Path
    provenance: dict[str, Any]
    spec: str


def read_run(path: Path) -> RunFolder:
    """Read and check a run folder.

    Raises RunFolderError for a folder that is not a finished run, and for a file that is missing although its stage ran,
    cannot be read, or lacks a column.
    """
    if not path.is_dir():
        raise RunFolderError(f"There is no run folder at {path}; give the folder that 'jepascope run --out' wrote.")
    summary = read_json(path / "summary.json")
    absent = [key for key in REQUIRED_KEYS if key not in summary]
    if absent:
        raise RunFolderError(f"{path / 'summary.json'} has no key '{absent[0]}'; run the study again with the same --out to write it anew.")
    layer = summary.get("best_layer")
    if layer is not None and (isinstance(layer, bool) or not isinstance(layer, int) or layer < 0):
        raise RunFolderError(
            f"{path / 'summary.json'}: 'best_layer' is not a layer ({short(layer)}); run the study again with the same --out to write it "
            "anew."
        )
    return RunFolder(
        path=path,
        summary=summary,
        provenance=read_json(path / "provenance.json"),
        spec=_text(path / "spec.yaml"),
        tables={
            name: read_table(path / f"{name}.parquet", table, summary)
            for name, table in TABLES.items()
            if table.where == "run" and table.reported
        },
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunFolderError(
            f"{path} is missing, so this is not a finished run folder; run the study again with the same --out, it resumes where it "
            "stopped."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise RunFolderError(
            f"{path} cannot be read ({error}); delete it and run the study again with the same --out to write it anew."
        ) from error


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise RunFolderError(
            f"{path} is not valid JSON ({error}); delete it and run the study again with the same --out to write it anew."
        ) from error
    if not isinstance(value, dict):
        raise RunFolderError(
            f"{path} must hold a JSON object, not a {type(value).__name__}; delete it and run the study again with the same --out."
        )
    return value
