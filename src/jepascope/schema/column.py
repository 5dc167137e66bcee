"""Column and Table: what a table of a run folder holds, declared once and read by whoever writes, reads or documents it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "sentence", "flag", "integer", "number"]
"""text: words; sentence: whole sentences; flag: yes or no, empty where the question does not arise; number: NaN where there is none."""

FIRST = "0.1"


@dataclass(frozen=True)
class Column:
    """One column. ``late``: folders written before it came lack it, and it is read as empty there."""

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    since: str = FIRST
    late: bool = False
    only_videos: bool = False
    """Only in studies of real videos."""

    @property
    def required(self) -> bool:
        """Whether every folder has it."""
        return not (self.late or self.only_videos or self.since != FIRST)

    @property
    def holds_words(self) -> bool:
        return self.kind in ("text", "sentence")


@dataclass(frozen=True)
class Table:
    """One table: a file ``name.parquet``.

    ``key``: the columns that tell its rows apart. ``evidence``: the key of summary.json that is filled when its stage has run; empty for
    tables that older folders lack. ``where``: the folder it lies in, a run's, that of a trace or of a port, or what ``compare`` prints.
    ``reported``: whether the report reads it.
    ``labels``: whether columns of the user's own labels stand among the declared ones.
    """

    name: str
    meaning: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    evidence: str = ""
    where: Literal["run", "trace", "port", "compare"] = "run"
    reported: bool = True
    labels: bool = False

    def __post_init__(self) -> None:
        names = self.names
        if len(set(names)) < len(names):
            raise ValueError(f"table {self.name} declares a column twice: {sorted({n for n in names if names.count(n) > 1})}")
        if unknown := [name for name in self.key if name not in names]:
            raise ValueError(f"the key of table {self.name} names columns that it has not: {unknown}")

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def written(self) -> list[str]:
        """The columns of every study's table, in the order in which they are written."""
        return [column.name for column in self.columns if not column.only_videos]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)
