"""Folders inside a run that other commands wrote: RUN/probe-<variable>, RUN/intervene-<digest>, RUN/trace-<digest>, RUN/port-<digest>. A
damaged one is reported, not fatal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.disk.manifest import Manifest
from jepascope.disk.refusals import Damaged
from jepascope.errors import RunFolderError
from jepascope.findings.names import short
from jepascope.report.blocks import Paragraph
from jepascope.report.folder import RunFolder, read_json
from jepascope.report.grids import more
from jepascope.report.tables import read_table
from jepascope.schema import TABLES

Tables = Mapping[str, bool]
"""Tables of such a folder, each with whether it is always written."""


@dataclass(frozen=True)
class Inside(RunFolder):
    """What such a folder holds; where it cannot be read ``reason`` says why, and the rest is empty."""

    name: str = ""
    reason: str = ""

    @property
    def unreadable(self) -> Paragraph:
        return Paragraph(f"{self.name} cannot be read: {self.reason}")


@dataclass(frozen=True)
class Kind:
    """A kind of such folders: how their names begin, which tables they have (by their summary), and what to do with a damaged one."""

    prefix: str
    command: str
    tables: Callable[[dict[str, Any]], Tables]
    remedy: str
    most: int = 40

    def read(self, run: Path) -> list[Inside]:
        """Those of a run by name, at most ``most`` of them."""
        return [self._read(path) for path in self._folders(run)[: self.most]]

    def left_out(self, run: Path) -> list[Paragraph]:
        """How many more there are."""
        return more(len(self._folders(run)), self.most, f"{self.command} folders of this run are not shown")

    def _folders(self, run: Path) -> list[Path]:
        return sorted(path for path in run.glob(f"{self.prefix}*") if path.is_dir() and not path.is_symlink())

    def _read(self, path: Path) -> Inside:
        name = short(path.name)
        try:
            files = Manifest(Folder(path))
            summary = read_json(files, "summary.json")
            tables = {
                table: read_table(files, f"{table}.parquet", TABLES[table], {str(TABLES[table].evidence): always})
                for table, always in self.tables(summary).items()
            }
        except RunFolderError as error:
            what = error.what if isinstance(error, Damaged) else str(error).split("; ")[0]  # without a remedy, which is another here
            reason = short(what.replace(f"{path}/", ""), 200)
            return Inside({}, {}, path, {}, "", name=name, reason=f"{reason}. {self.remedy.format(name)}")
        return Inside(summary, tables, path, {}, "", name=name)


def _probed(summary: dict[str, Any]) -> Tables:
    return {"probes": False, "values": False}


def _ported(summary: dict[str, Any]) -> Tables:
    by_kind = {"models": ("similarity", "transport"), "subspaces": ("portability", "angles")}
    kind = summary.get("kind")
    if not isinstance(kind, str) or kind not in by_kind:
        raise RunFolderError(f"summary.json has no 'kind' that this version knows ({short(kind)})")
    return dict.fromkeys(by_kind[kind], True)


TRACED = Kind("trace-", "trace", lambda summary: {"components": True}, "Finish it with the same jepascope trace, or delete {0}.", most=4)
PROBED = Kind("probe-", "probe", _probed, "Delete {0} and run 'jepascope probe' for it again.")
INTERVENED = Kind("intervene-", "intervene", lambda summary: {"ce": True}, "Finish it with the same jepascope intervene, or delete {0}.")
PORTED = Kind("port-", "port", _ported, "Run the same jepascope port again, or delete {0}.", most=12)
