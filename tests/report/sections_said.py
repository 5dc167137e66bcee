"""What tests of single sections need: a section's words, and a folder changed in one table or key."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.report.blocks import Section, flat
from jepascope.report.folder import RunFolder, read_run


@cache
def made(run: Path, section: Callable[[RunFolder], Section]) -> Section:
    """A section of a folder that no test changes, drawn once."""
    return section(read_run(run))


def words(section: Section) -> str:
    """Everything that a section says, drawings left out."""
    said = [section.title]
    for block in flat(section.blocks):
        said += [str(getattr(block, name)) for name in ("text", "caption") if hasattr(block, name)]
        for row in getattr(block, "rows", ()):
            said += [str(cell).replace("\n", " ") for cell in row]
    return " ".join(said)


def edit(run: Path, table: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    """Write a changed table in place of the one that is there."""
    path = run / f"{table}.parquet"
    change(pd.read_parquet(path)).to_parquet(path, index=False)


def tell(run: Path, **keys: Any) -> None:
    """Change keys of the summary; None leaves one out."""
    path = run / "summary.json"
    summary = json.loads(path.read_text()) | keys
    path.write_text(json.dumps({key: value for key, value in summary.items() if value is not None}))


def best(run: Path, table: str, layer: int = 4, **where: Any) -> pd.DataFrame:
    """Rows of a table at the layer of the claims."""
    frame = pd.read_parquet(run / f"{table}.parquet")
    for column, value in {"layer": layer, **where}.items():
        frame = frame[frame[column] == value]
    return frame
