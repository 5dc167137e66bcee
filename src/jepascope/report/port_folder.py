"""Transfers to other runs: RUN/port-<digest>/, which `jepascope port RUN OTHER` writes. A damaged one is reported, not fatal."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.errors import RunFolderError
from jepascope.findings.names import MOST_OF_A_SENTENCE, short
from jepascope.report.folder import read_json
from jepascope.report.tables import read_table
from jepascope.schema import TABLES

PREFIX = "port-"
MOST_FOLDERS = 12
OF_KIND = {"models": {name: TABLES[name] for name in ("similarity", "transport")}}
OF_KIND["subspaces"] = {name: TABLES[name] for name in ("portability", "angles")}


@dataclass(frozen=True)
class Ported:
    """What a port folder holds; where it cannot be read ``reason`` says why, and the rest is empty."""

    name: str
    kind: str = ""
    headline: str = ""
    sides: tuple[str, ...] = ()
    """The two runs in words, first the one that the folder lies in."""
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    reason: str = ""

    def table(self, name: str) -> pd.DataFrame | None:
        """A table by name; None where it has no rows."""
        return self.tables.get(name)


def ported_runs(run: Path) -> tuple[list[Ported], int]:
    """The port folders of a run by name, at most MOST_FOLDERS of them, and how many more there are."""
    folders = sorted(path for path in run.glob(f"{PREFIX}*") if path.is_dir() and not path.is_symlink())
    return [_read(path) for path in folders[:MOST_FOLDERS]], max(0, len(folders) - MOST_FOLDERS)


def _read(path: Path) -> Ported:
    name = short(path.name)
    try:
        summary = read_json(path / "summary.json")
        kind = summary.get("kind")
        if not isinstance(kind, str) or kind not in OF_KIND:
            raise RunFolderError(f"{path / 'summary.json'} has no 'kind' that this version knows ({short(kind)})")
        written = {"pairs": True, "sas": True}  # both tables of a kind are always written
        found = {key: read_table(path / f"{key}.parquet", table, written) for key, table in OF_KIND[kind].items()}
    except RunFolderError as error:
        reason = short(str(error).split("; ")[0].replace(f"{path}/", ""), 200)
        return Ported(name, reason=f"{reason}. Run the same jepascope port again, or delete {name}.")
    tables = {key: frame for key, frame in found.items() if frame is not None and not frame.empty}
    headline = summary.get("headline")
    return Ported(
        name,
        kind,
        short(headline, MOST_OF_A_SENTENCE) if isinstance(headline, str) else "",
        (_side(summary, "a"), _side(summary, "b")),
        tables,
    )


def _side(summary: dict[str, Any], key: str) -> str:
    """'nano-wide (width 192, 8 blocks; directions8, direction, claims at layer 5; runs/wide)', of what the summary holds."""
    side = summary.get(key)
    if not isinstance(side, dict):
        return "unknown"
    size = ", ".join(f"{word} {short(side[name], 20)}" for name, word in (("width", "width"), ("depth", "depth")) if name in side)
    of = ", ".join(short(side[name]) for name in ("clips", "variable") if name in side)
    at = f"claims at layer {short(side['best_layer'], 20)}" if "best_layer" in side else ""
    inside = "; ".join(part for part in (size, of, at, short(side["path"]) if "path" in side else "") if part)
    return short(side.get("model", "unknown")) + (f" ({inside})" if inside else "")
