"""Every line of a study, of its page and of a port, with the types and shapes of every call checked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from strict_types import checks

pytestmark = [pytest.mark.slow, pytest.mark.drawn]  # twice the study that other tests share


def test_a_whole_study_keeps_every_type_and_shape(run_whole: Callable[[Path], None], finished_run: Path, tmp_path: Path) -> None:
    checks(True)
    run_whole(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {path.name for path in finished_run.iterdir()}


def test_a_port_keeps_every_type_and_shape(port_whole: Callable[[Path], None], ported_run: Path, tmp_path: Path) -> None:
    checks(True)
    port_whole(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {path.name for path in ported_run.iterdir()}
