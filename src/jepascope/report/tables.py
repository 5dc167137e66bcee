"""The tables of a run folder: their columns, and reading one with everything checked before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as parquet

from jepascope.errors import RunFolderError
from jepascope.report.names import short

WORDS = "encoder tokens probe baseline finder edit control judge metric across a b held_out output unit type_columns"
TEXT = frozenset(WORDS.split())
"""Columns that hold words."""

TRUTH = frozenset({"chosen", "leak", "ratio_is_bound", "saturated"})
"""Columns that hold truth values, missing where the question does not arise (read as no); every other column holds numbers."""


@dataclass(frozen=True)
class Table:
    """The columns that the report reads from one table, and the summary key that is filled when its stage has run."""

    columns: tuple[str, ...]
    evidence: str  # empty for tables that folders of earlier versions lack
    added: tuple[str, ...] = ()
    """Columns that folders of earlier versions lack; read as missing there."""


def _table(evidence: str, columns: str, added: str = "") -> Table:
    return Table(tuple(columns.split()), evidence, tuple(added.split()))


TABLES = {
    "probes": _table(
        "probe",
        "encoder seed layer tokens probe strength accuracy low high n chance support cv_accuracy cv_se chosen",
        added="types type_columns",
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
    "values": _table(
        "",
        "encoder seed layer tokens probe held_out output unit error low high n chance r2 r2_low r2_high",
        added="strength floor gap gap_low gap_high p_order",
    ),
    "readings": _table("", "layer tokens scene held_out output true predicted"),
    "stability": _table(
        "",
        "layer tokens strength support support_low support_high subsamples selected stable threshold false_bound permuted_support chosen",
    ),
    "frequencies": _table("", "layer tokens coordinate frequency"),
    "token_map": _table("", "layer tokens token t row column accuracy low high n chance metric null", added="draws"),
}

MOST_ROWS = 20_000_000
"""A table with more rows was not written by a study; reading it would fill the memory first and fail afterwards."""


def read_table(path: Path, table: Table, summary: dict[str, Any]) -> pd.DataFrame | None:
    """One table with its columns checked and typed, or None where its stage was not run.

    Raises RunFolderError when it is missing although its stage ran, cannot be read, is too large or lacks a column.
    """
    if not path.exists():
        if table.evidence and summary.get(table.evidence):
            raise RunFolderError(
                f"{path} is missing although summary.json reports '{table.evidence}'; run the study again with the same --out, only that "
                "stage is computed."
            )
        return None
    try:
        rows = parquet.read_metadata(path).num_rows
        if rows > MOST_ROWS:
            raise ValueError(f"{rows} rows, more than any study writes")
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises a dozen types for a damaged file; each means the same to the reader
        reason = short(error, 200) or type(error).__name__
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
            words = column.astype(str)
            columns[str(name)] = words.map({word: short(word) for word in words.unique()})
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
