"""What is written is what is declared: the columns, their order and kinds, and a key that tells rows apart."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.api import types

from jepascope.errors import BadData
from jepascope.schema.column import Column, Table


def check(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame as it is; BadData where it is not what ``table`` declares. An empty frame may lack kinds, not columns."""
    names = [str(name) for name in frame.columns]
    declared = [column.name for column in table if not column.only_videos or column.name in names]
    if missing := [name for name in declared if name not in names]:
        raise BadData(f"The table '{table.name}' lacks the column '{missing[0]}' that jepascope.schema declares; write it, or declare it.")
    if not table.labels and (extra := [name for name in names if name not in declared]):
        raise BadData(f"The table '{table.name}' has a column '{extra[0]}' that jepascope.schema does not declare; declare it there.")
    if not table.labels and names != declared:
        raise BadData(f"The table '{table.name}' has its columns in another order than jepascope.schema declares: {', '.join(names)}.")
    if frame.empty:
        return frame
    for column in table:
        if column.name in names and not _fits(column, frame[column.name]):
            raise BadData(
                f"The column '{column.name}' of the table '{table.name}' is declared as {column.kind} and holds {frame[column.name].dtype}."
            )
    key = [name for name in table.key if name in names]
    if key and (again := frame.duplicated(key)).any():
        twice = frame[again].iloc[0]
        raise BadData(f"Two rows of the table '{table.name}' are of one {', '.join(f'{name} {twice[name]}' for name in key)}.")
    return frame


def _fits(column: Column, values: pd.Series[Any]) -> bool:
    values = values.infer_objects()  # rows gathered one by one are objects until they are stored
    present = values.dropna()
    match column.kind:
        case "text" | "sentence":
            return all(isinstance(value, str) for value in present.unique())
        case "flag":
            return types.is_bool_dtype(values) or all(isinstance(value, bool) for value in present.unique())
        case "integer":
            return types.is_integer_dtype(values)
        case "number":
            return types.is_numeric_dtype(values) and not types.is_bool_dtype(values)


def with_numbers(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with NaN where a column of numbers holds None: one that holds nothing else is stored as a column of objects."""
    columns = [column.name for column in table if column.kind == "number" and column.name in frame and frame[column.name].dtype == object]
    return frame.assign(**{name: pd.to_numeric(frame[name]) for name in columns})
