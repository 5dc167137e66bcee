"""Steps of a study, each run once: a step whose tables are in the folder is read, another one is timed and written."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from jepascope.study.folder import Run
from jepascope.study.progress import Progress

SECONDS = "seconds.json"


class Steps:
    """Runs steps once: a step whose tables are in the folder is read, another one is timed and written."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self.seconds: dict[str, float] = run.json(SECONDS, {})

    def tables(self, name: str, names: tuple[str, ...], make: Callable[[], tuple[pd.DataFrame, ...]]) -> tuple[pd.DataFrame, ...]:
        """Tables of one step, written together; time spent in earlier, killed attempts is added up."""
        if not all(self.run.has(f"{table}.parquet") for table in names):
            made = self.timed(name, make)
            for table, frame in zip(names, made, strict=True):
                self.run.write_table(table, frame)
        return tuple(self.run.table(table) for table in names)

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        self.run.log("start", step=name)
        try:
            return work()
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.run.write_json(SECONDS, self.seconds)
            self.run.log("end", step=name, seconds=self.seconds[name])
