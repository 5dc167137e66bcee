"""Running a benchmark: its settings checked, its result written as JSON and tables. The page is made of these files alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.bench.entries import BENCHMARKS, BenchmarkEntry, Value
from jepascope.disk.folder import Folder
from jepascope.disk.plain import written
from jepascope.errors import BadArgument, missing_extra, setting
from jepascope.study.progress import Progress, Silent

SCHEMA = 1
RESULT = "bench.json"


@dataclass(frozen=True)
class Asked:
    """What a benchmark is run with. ``out``: the folder of its result, where it may keep what it needs again."""

    settings: Mapping[str, Any]
    out: Path
    workers: int = 1
    progress: Progress = field(default_factory=Silent)


@dataclass(frozen=True)
class Result:
    """``record``: everything that the page shows, as JSON holds it. ``tables``: the rows behind it, by name."""

    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def run_benchmark(
    name: str, given: Sequence[str] = (), out: Path | None = None, workers: int = 1, progress: Progress | None = None
) -> Path:
    """Run a benchmark by name with settings ``name=value``; returns the folder, with bench.json and the tables in it.

    BadArgument for an unknown benchmark or setting; JepascopeError with the command that installs a package that it lacks.
    """
    entry = BENCHMARKS.entry(name)
    settings = settings_of(entry, given)
    for package in entry.packages:
        if find_spec(package) is None:
            raise missing_extra(f"{package}, which the benchmark '{name}' reads,", entry.extra)
    folder = out or Path("runs") / f"bench-{name}"
    with BENCHMARKS.blamed(name):
        result = BENCHMARKS.load(name)(Asked(settings, folder, workers, progress or Silent()))
    files = Folder(folder)
    files.sweep()
    for table, rows in result.tables.items():
        with files.writing(f"{table}.parquet") as temporary:
            rows.reset_index(drop=True).to_parquet(temporary, index=False)
    about = {"schema": SCHEMA, "jepascope": version("jepascope"), "benchmark": name, "question": entry.question, "settings": settings}
    files.write(RESULT, written({**about, **result.record}))
    return folder


def settings_of(entry: BenchmarkEntry, given: Sequence[str]) -> dict[str, Value]:
    """The settings asked for, each of the kind of its default. BadArgument for another, or for a value that fits none."""
    settings = {name: default for name, (default, _) in entry.settings.items()}
    for each in given:
        name, is_there, text = (part.strip() for part in each.partition("="))
        if name not in settings or not is_there:
            known = "; ".join(f"{setting(**{name: default})} ({meaning})" for name, (default, meaning) in entry.settings.items())
            raise BadArgument(f"The benchmark '{entry.name}' has no setting '{each}'; it has {known or 'none'}.")
        kind = type(entry.settings[name][0])
        try:
            settings[name] = kind(text)
        except ValueError:
            raise BadArgument(f"--set {name}: must be a {'whole number' if kind is int else 'number'}, not '{text}'.") from None
    return settings
