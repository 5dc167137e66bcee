"""Other variables of the same run: RUN/probe-<variable>/, which `jepascope probe` writes. A damaged one is reported, not fatal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jepascope.errors import RunFolderError
from jepascope.findings.names import short
from jepascope.report.folder import RunFolder, read_json
from jepascope.report.tables import read_table
from jepascope.schema import TABLES

PREFIX = "probe-"
MOST_FOLDERS = 40
READ = ("probes", "values")


@dataclass(frozen=True)
class Other:
    """A variable probed beside the study's own; ``run`` is None when its folder cannot be read, and ``reason`` says why."""

    name: str
    run: RunFolder | None
    reason: str = ""


def probed_variables(run: Path) -> tuple[list[Other], int]:
    """The probe folders of a run by name, at most MOST_FOLDERS of them, and how many more there are."""
    folders = sorted(path for path in run.glob(f"{PREFIX}*") if path.is_dir() and not path.is_symlink())
    return [_read(path) for path in folders[:MOST_FOLDERS]], max(0, len(folders) - MOST_FOLDERS)


def _read(path: Path) -> Other:
    name = short(path.name.removeprefix(PREFIX))
    try:
        summary = read_json(path / "summary.json")
        tables = {table: read_table(path / f"{table}.parquet", TABLES[table], {}) for table in READ}
    except RunFolderError as error:
        reason = str(error).split("; ")[0].replace(f"{path}/", "")
        return Other(name, None, f"{short(reason, 200)}. Delete {short(path.name)} and run 'jepascope probe' for it again.")
    layer = summary.get("best_layer")
    if layer is not None and (isinstance(layer, bool) or not isinstance(layer, int)):
        return Other(name, None, "summary.json: 'best_layer' is not a layer. Run 'jepascope probe' for it again.")
    variable = summary.get("variable", name)
    return Other(short(variable), RunFolder({"variable": variable, **summary}, tables, path, {}, ""))
