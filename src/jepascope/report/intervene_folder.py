"""Other edits of the same run: RUN/intervene-<digest>/, which `jepascope intervene` writes. A damaged one is reported, not fatal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.errors import RunFolderError
from jepascope.findings.names import short
from jepascope.report.folder import read_json
from jepascope.report.tables import read_table
from jepascope.schema import TABLES

PREFIX = "intervene-"
MOST_FOLDERS = 40


@dataclass(frozen=True)
class Further:
    """What was run there, in words, and its effects; ``ce`` is None when the folder cannot be read, and ``reason`` says why."""

    name: str
    what: str
    ce: pd.DataFrame | None
    reason: str = ""


def further_edits(run: Path) -> tuple[list[Further], int]:
    """The intervene folders of a run by name, at most MOST_FOLDERS of them, and how many more there are."""
    folders = sorted(path for path in run.glob(f"{PREFIX}*") if path.is_dir() and not path.is_symlink())
    return [_read(path) for path in folders[:MOST_FOLDERS]], max(0, len(folders) - MOST_FOLDERS)


def _read(path: Path) -> Further:
    name = short(path.name)
    try:
        summary = read_json(path / "summary.json")
        ce = read_table(path / "ce.parquet", TABLES["ce"], {"ce": True})
    except RunFolderError as error:
        reason = str(error).split("; ")[0].replace(f"{path}/", "")
        return Further(name, "", None, f"{short(reason, 200)}. Finish it with the same jepascope intervene, or delete {name}.")
    return Further(name, _words(summary), ce)


def _words(summary: dict[str, Any]) -> str:
    """Where and how: "layer 2, background tokens, ablation to zero"."""
    said = [f"layer {short(summary.get('best_layer'))}", f"{short(summary.get('scope', 'all'))} tokens edited"]
    if summary.get("ablate_to") not in (None, "mean"):
        said.append(f"ablation to {short(summary['ablate_to'])}")
    if summary.get("swap_donor") == "class":
        said.append("swaps from donors")
    return ", ".join(said)
