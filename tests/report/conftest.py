"""Run folders for the tests of the report; the tables in them are made by the modules synthetic_*."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # lets this folder import the modules beside it

MakeRun = Callable[..., Path]


@pytest.fixture(scope="session", name="make_run")
def run_maker(shared: Callable[..., Path]) -> MakeRun:
    """Writes a run folder to a path; the usual one is made once and copied."""
    from synthetic_run import make_run

    usual = shared("usual-report", make_run)

    def maker(path: Path, **options: Any) -> Path:
        return make_run(path, **options) if options else Path(shutil.copytree(usual, path))

    return maker


@pytest.fixture(scope="session", name="write_probed")
def probed_writer() -> Callable[..., Path]:
    """Writes RUN/probe-<variable>."""
    from synthetic_probes import write_probed

    return write_probed


@pytest.fixture
def make(tmp_path: Path, make_run: MakeRun) -> MakeRun:
    """Makes run folders under the test's own folder."""
    made = 0

    def maker(**options: Any) -> Path:
        nonlocal made
        made += 1
        return make_run(tmp_path / f"run{made}", **options)

    return maker


@pytest.fixture(scope="session")
def complete(shared: Callable[..., Path], make_run: MakeRun) -> Path:
    """A run with every table, which tests read or copy."""
    return shared("complete-report", lambda folder: make_run(folder, outputs={"angle": "degrees"}, stage_two=True))


@pytest.fixture
def copied(complete: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(complete, tmp_path / "run"))


@pytest.fixture(scope="session")
def older(shared: Callable[..., Path], make_run: MakeRun) -> Path:
    """A folder of the version before stage two."""
    return shared("older-report", make_run)


@pytest.fixture(scope="session")
def ported(shared: Callable[..., Path], make_run: MakeRun) -> Path:
    """A run with the tables of stage three and one folder of a transfer to another model, which tests read or copy."""
    return shared("ported-report", lambda folder: make_run(folder, outputs={"angle": "degrees"}, stage_three=True))


@pytest.fixture
def ported_copy(ported: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(ported, tmp_path / "run"))


@pytest.fixture(scope="session")
def two(tmp_path_factory: pytest.TempPathFactory, make_run: Any) -> tuple[Path, Path]:
    """Two runs of different encoders, which tests read or copy."""
    from side_by_side import provide

    base = tmp_path_factory.mktemp("two")
    first = provide(make_run(base / "first"), width=96, depth=6, grid=[8, 4, 4], frames=16, size=32)
    second = provide(make_run(base / "second", seed=1), "other", width=192, depth=6, grid=[8, 4, 4], frames=16, size=32)
    return first, second


@pytest.fixture(scope="session")
def compared(two: tuple[Path, Path]) -> Any:
    """Of them both."""
    from jepascope.report.compare.comparison import compare_runs

    return compare_runs(two)


@pytest.fixture
def copy(two: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy of the first, to be changed."""
    return Path(shutil.copytree(two[0], tmp_path / "copy"))
