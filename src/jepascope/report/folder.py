"""Reading a run folder: the only place where the report touches files. Everything is checked before anything is drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.errors import RunFolderError
from jepascope.report.names import short
from jepascope.report.tables import read_table
from jepascope.schema import TABLES
from jepascope.stats import LEVEL
from jepascope.study.units import units_in

REQUIRED_KEYS = ("model", "clips", "variable", "layers")


@dataclass(frozen=True)
class RunFolder:
    """What a run left behind, read and checked. A table is None when the stage that writes it has not been run."""

    path: Path
    summary: dict[str, Any]
    provenance: dict[str, Any]
    spec: str
    tables: dict[str, pd.DataFrame | None]

    def table(self, name: str) -> pd.DataFrame | None:
        """A table by name; None when its stage was not run or it has no rows."""
        frame = self.tables[name]
        return None if frame is None or frame.empty else frame

    @property
    def best_layer(self) -> int | None:
        """The layer at which claims are made, or None before discovery."""
        layer = self.summary.get("best_layer")
        return None if layer is None else int(layer)

    @property
    def variable(self) -> str:
        """The variable's name as it stands in a sentence: a stranger's is bounded, and quoted where it is no plain word."""
        name = short(self.summary["variable"])
        return name if name.isidentifier() else f"“{name}”"

    @property
    def model(self) -> str:
        """The model's name, bounded."""
        return short(self.summary["model"])

    @property
    def clips(self) -> str:
        """The clip set's name, bounded."""
        return short(self.summary["clips"])

    @property
    def noun(self) -> str:
        """What a classifier names: 'direction', 'shape', or of numbers and hues 'class of X'."""
        named = self.is_direction or self.summary.get("kind") == "categorical"
        return self.variable if named else f"class of {self.variable}"

    @property
    def units(self) -> str:
        """What intervals resample and n counts: 'scenes' or 'videos'."""
        return units_in(self.summary)

    @property
    def tested(self) -> str:
        """Those that are intervened on: 'test scenes' or 'test videos'."""
        return f"test {self.units}"

    @property
    def is_direction(self) -> bool:
        """Whether the study is about the direction of motion: the published figures and the explanations of leaks are."""
        return bool(self.summary["variable"] == "direction")

    @property
    def confidence(self) -> str:
        """How an interval is called: '95 % interval'."""
        return f"{100 * float(self.summary.get('confidence', LEVEL)):g} % interval"


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
