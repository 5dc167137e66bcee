"""The run that pages speak of, at small size."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jepascope.cli import app


@pytest.fixture(scope="session")
def demo(shared: Callable[..., Path]) -> Path:
    """``jepascope run quick`` with the predictor, shared by all workers: tests copy it."""

    def run(folder: Path) -> None:
        answer = CliRunner().invoke(app, ["run", "quick", "--set", "judges=probe,predictor", "--out", str(folder)], env={"TERM": "dumb"})
        assert answer.exit_code == 0, answer.stderr

    return shared("quick", run)
