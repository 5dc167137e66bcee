"""Reading one table of a run folder, with everything checked before anything is drawn."""

from __future__ import annotations

from math import nan
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.disk.manifest import MEANINGS, Manifest
from jepascope.disk.refusals import damaged
from jepascope.errors import RunFolderError
from jepascope.findings.names import MOST, MOST_OF_A_SENTENCE, short
from jepascope.schema import Column, Table
from jepascope.schema.parquet import frame_of


def read_table(files: Manifest, name: str, table: Table, summary: dict[str, Any]) -> pd.DataFrame | None:
    """One table with its columns checked and typed, or None where its stage was not run.

    Raises RunFolderError when it is missing although its stage ran, cannot be read, is too large or lacks a column.
    """
    path = files.folder.root / name
    if not files.folder.has(name):
        if name in files.files:
            raise damaged(path, MEANINGS["missing"])
        if table.evidence and summary.get(table.evidence):
            raise RunFolderError(
                f"{path} is missing although summary.json reports '{table.evidence}'; run the study again with the same --out, only that "
                "stage is computed."
            )
        return None
    try:
        frame = frame_of(files.read(name))
    except ValueError as error:
        raise damaged(path, short(error, 200)) from error
    if frame.shape == (0, 0):
        return None  # a table of no rows, written without its columns
    missing = [column.name for column in table if column.required and column.name not in frame]
    if missing:
        raise RunFolderError(
            f"{path} has no column '{missing[0]}'; it was written by another version of jepascope: run the study again with a new --out."
        )
    return pd.DataFrame({column.name: _typed(path, column, frame) for column in table if not column.only_videos})


def _typed(path: Path, column: Column, frame: pd.DataFrame) -> pd.Series[Any]:
    """A column as its kind says; one that an older folder lacks is empty."""
    if column.name not in frame:
        return pd.Series("" if column.holds_words else nan, index=frame.index)
    values = frame[column.name]
    if column.holds_words:
        words, most = values.astype(str), MOST_OF_A_SENTENCE if column.kind == "sentence" else MOST
        shortened = {word: short(word, most) for word in words.unique()}
        return words.map(shortened) if any(word != shorter for word, shorter in shortened.items()) else words
    if column.kind == "flag":
        return values.eq(True).fillna(False).astype(bool)
    if values.dtype == float:
        return values
    try:
        return pd.to_numeric(values).astype(float)
    except (ValueError, TypeError) as error:
        raise RunFolderError(
            f"{path}: column '{column.name}' holds something that is not a number ({error}); delete the file and run the study again with "
            "the same --out."
        ) from error
