"""Reading a run folder: the only place where the report touches files. Everything is checked before anything is drawn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.errors import RunFolderError
from jepascope.stats import LEVEL

TEXT = frozenset({"encoder", "tokens", "probe", "baseline", "finder", "edit", "control", "judge", "metric", "across", "a", "b"})
"""Columns that hold words."""

TRUTH = frozenset({"chosen", "leak", "ratio_is_bound", "saturated"})
"""Columns that hold truth values, missing where the question does not arise (read as no); every other column holds numbers."""


@dataclass(frozen=True)
class Table:
    """The columns that the report reads from one table, and the summary key that is filled when its stage has run."""

    columns: tuple[str, ...]
    evidence: str
    added: tuple[str, ...] = ()
    """Columns that folders of earlier versions lack; read as missing there."""


def _table(evidence: str, columns: str, added: str = "") -> Table:
    return Table(tuple(columns.split()), evidence, tuple(added.split()))


TABLES = {
    "probes": _table(
        "probe",
        "encoder seed layer tokens probe strength accuracy low high n chance support cv_accuracy cv_se chosen",
    ),
    "leaks": _table("leaks", "baseline accuracy low high n chance leak", added="explained"),
    "effects": _table("ce", "layer tokens finder rank edit control draw dose judge scene numerator denominator"),
    "matching": _table(
        "ce",
        "rank layer finder edit control draw variance_target variance norm_target norm",
        added="pooled_variance_target pooled_variance overlap",
    ),
    "ce": _table(
        "ce",
        "layer tokens finder rank edit control dose judge value low high n draws difference difference_low difference_high"
        " ratio ratio_low ratio_high ratio_is_bound percentile p p_holm",
        added="excess_low excess_high p_floor direct direct_low direct_high",
    ),
    "portability": _table(
        "sas",
        "metric across a b layer rank dose value low high n chance calibrated ceiling floor_random floor_variance saturated",
        added="edit",
    ),
    "angles": _table("sas", "a b across layer index degrees random_mean random_low random_high"),
}

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
    summary = _json(path / "summary.json")
    absent = [key for key in REQUIRED_KEYS if key not in summary]
    if absent:
        raise RunFolderError(f"{path / 'summary.json'} has no key '{absent[0]}'; run the study again with the same --out to write it anew.")
    return RunFolder(
        path=path,
        summary=summary,
        provenance=_json(path / "provenance.json"),
        spec=_text(path / "spec.yaml"),
        tables={name: _read_table(path / f"{name}.parquet", table, summary) for name, table in TABLES.items()},
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


def _json(path: Path) -> dict[str, Any]:
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


def _read_table(path: Path, table: Table, summary: dict[str, Any]) -> pd.DataFrame | None:
    if not path.exists():
        if summary.get(table.evidence):
            raise RunFolderError(
                f"{path} is missing although summary.json reports '{table.evidence}'; run the study again with the same --out, only that "
                "stage is computed."
            )
        return None
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises a dozen types for a damaged file; each means the same to the reader
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunFolderError(
            f"{path} is damaged ({reason}); delete it and run the study again with the same --out to compute it anew."
        ) from error
    missing = [column for column in table.columns if column not in frame]
    if missing:
        raise RunFolderError(
            f"{path} has no column '{missing[0]}'; it was written by another version of jepascope: run the study again with a new --out."
        )
    filled = {name: "" if name in TEXT else nan for name in table.added if name not in frame}
    return _typed(path, frame.assign(**filled)[[*table.columns, *table.added]])


def _typed(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, pd.Series[Any]] = {}
    for name in frame:
        column = frame[name]
        if name in TEXT:
            columns[str(name)] = column.astype(str)
            continue
        if name in TRUTH:
            columns[str(name)] = column.eq(True).fillna(False).astype(bool)
            continue
        try:
            columns[str(name)] = pd.to_numeric(column).astype(float)
        except (ValueError, TypeError) as error:
            raise RunFolderError(
                f"{path}: column '{name}' holds something that is not a number ({error}); delete the file and run the study again with "
                "the same --out."
            ) from error
    return pd.DataFrame(columns)
