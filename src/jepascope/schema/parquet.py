"""Tables out of bytes that may come from a stranger."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet

MOST_CELLS = 20_000_000
"""Rows times columns: ten times what the largest study writes. A table of one value two million times over is 260 kB on the disk."""


def frame_of(contents: bytes) -> pd.DataFrame:
    """The table in the bytes of a Parquet file. ValueError says why there is none; its size is known before memory is spent on it."""
    try:
        with parquet.ParquetFile(pa.BufferReader(contents)) as file:
            if (cells := file.metadata.num_rows * max(1, file.metadata.num_columns)) > MOST_CELLS:
                raise ValueError(f"it holds {cells:,} values, more than any study writes")
            frame: pd.DataFrame = file.read(use_threads=False).to_pandas(use_threads=False)  # most tables are small
        return frame
    except (ValueError, MemoryError):
        raise
    except Exception as error:  # pyarrow raises a dozen types for a damaged file; each means the same
        raise ValueError(f"{type(error).__name__}: {error}") from None
