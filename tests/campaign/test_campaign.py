"""A small sample of the campaign; ``python -m tests.campaign`` runs as much of it as there is time for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def ground(shared: Callable[..., Path], finished_run: Path, tiny_model: Path) -> Path:
    def make(folder: Path) -> None:
        for name, source in (("run", finished_run), ("other", finished_run), ("model", tiny_model)):
            shutil.copytree(source, folder / name)

    return shared("ground", make)


@pytest.mark.parametrize(("seed", "trials"), [(2, 1), pytest.param(11, 4, marks=pytest.mark.slow)])
def test_a_sample_of_the_campaign_ends_well(seed: int, trials: int, ground: Path) -> None:
    command = [
        "-m",
        "tests.campaign",
        "--ground",
        ground,
        "--only",
        "damage",
        "--only",
        "checkpoints",
        "--trials",
        "2",
        "--seed",
        str(seed),
    ]
    ended = subprocess.run([sys.executable, *command], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["bad"], told["failures"]) == (0, 0, [])
    assert sum(count for counts in told["counts"].values() for count in counts.values()) >= trials
