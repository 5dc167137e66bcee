"""Runner: runs steps once each. What a step made is in the folder and is read from there, also when it was made a moment ago."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from jepascope.schema import TABLES
from jepascope.study.folder import Run
from jepascope.study.progress import Progress
from jepascope.study.step import Step

SECONDS = "seconds.json"


class Runner:
    """The steps of one run folder. ``given``: by name, how to get what steps need besides tables; each is asked for once, when needed."""

    def __init__(self, run: Run, progress: Progress, given: Mapping[str, Callable[[], Any]] | None = None) -> None:
        self.run, self.progress, self.given = run, progress, given or {}
        self.seconds: dict[str, float] = run.json(SECONDS, {})
        self.begun: Callable[[str], None] = lambda name: None  # is told of every step that begins
        self._kept: dict[str, Any] = {}
        self._read_for: dict[str, set[str]] = {}  # files that each of them was made from

    def __getitem__(self, name: str) -> Any:
        """A table in the folder, the result of a step, or what was given."""
        if name not in self._kept:
            self._keep(name, self.given[name] if name in self.given else partial(self.run.table, name))
        for reading in self.run.reading:
            reading |= self._read_for.get(name, set())
        return self._kept[name]

    def _keep(self, name: str, make: Callable[[], Any]) -> None:
        reading: set[str] = set() if name in self.given else {f"{name}.parquet"}
        self.run.reading.append(reading)
        try:
            self._kept[name] = make()
        finally:
            self.run.reading.pop()
        self._read_for[name] = reading

    def keep(self, **values: Any) -> None:
        """Put something in place of what a step made, or of what was given."""
        self._kept |= values

    def do(self, steps: Iterable[Step]) -> None:
        """Run them in this order. Time spent in earlier, killed attempts is added up."""
        for step in (step for step in steps if step.asked(self.run.spec)):
            if not step.tables:
                self._keep(step.name, partial(self.timed, step.name, partial(self._result, step)))
            elif not all(self.run.has(f"{table}.parquet") for table in step.tables):
                self._write(step)

    def _write(self, step: Step) -> None:
        self.run.step, reading = step.name, set[str]()
        self.run.reading.append(reading)
        try:
            for table, frame in zip(step.tables, self.timed(step.name, partial(self._tables, step)), strict=True):
                self.run.write_table(table, frame)
        finally:
            self.run.reading.pop()
            self.run.step = ""

    def _tables(self, step: Step) -> tuple[pd.DataFrame, ...]:
        if why := step.left_out(self.run.spec):
            self.run.log("skipped", step=step.name, why=why)
            return tuple(pd.DataFrame(columns=TABLES[table].written) for table in step.tables)
        made = self._result(step)
        return made if isinstance(made, tuple) else (made,)

    def _result(self, step: Step) -> Any:
        return step.work(*(self[need] for need in step.needs))

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        self.begun(name)
        self.run.log("start", step=name)
        try:
            return work()
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.run.write_json(SECONDS, self.seconds)
            self.run.log("end", step=name, seconds=self.seconds[name])

    @property
    def rounded_seconds(self) -> dict[str, float]:
        """As summary.json has them."""
        return {name: round(value, 3) for name, value in self.seconds.items()}
