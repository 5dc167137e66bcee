"""Runs to be compared, and a table of the comparison by its labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sections_said import tell

from jepascope.report.blocks import Grid


def provide(run: Path, model: str | None = None, seed: int = 0, **encoder: Any) -> Path:
    """Say what encoder a synthetic run was of."""
    path = run / "provenance.json"
    told = json.loads(path.read_text()) | {"seed": seed, "spec_digest": run.name, "encoder": {"digest": run.name, **encoder}}
    path.write_text(json.dumps(told))
    if model is not None:
        tell(run, model=model)
    return run


def cells(grid: Grid) -> dict[str, list[str]]:
    """Rows of a table by their label (of several with one label the first)."""
    found: dict[str, list[str]] = {}
    for label, *rest in grid.rows:
        found.setdefault(str(label), [str(cell) for cell in rest])
    return found
