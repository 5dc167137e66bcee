"""A small sample of the campaign, forked from this process; ``python -m tests.campaign`` runs as much of it as there is time for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from campaign.damage import STANDINGS, Damage
from campaign.kills import Kills
from campaign.odd import checkpoint
from campaign.readers import MANY, Readers
from campaign.trial import Tally

pytestmark = pytest.mark.filterwarnings("default")  # as commands are, whose users see what libraries warn of


@pytest.fixture(scope="module")
def ground(shared: Callable[..., Path], finished_run: Path, tiny_model: Path) -> Path:
    def make(folder: Path) -> None:
        for name, source in (("run", finished_run), ("other", finished_run), ("model", tiny_model)):
            shutil.copytree(source, folder / name)

    return shared("ground", make)


def kinds(tally: Tally) -> set[str]:
    """What was tried; none of it may have ended badly."""
    assert tally.failures == []
    return set(tally.counts)


def test_files_of_a_run_are_harmed_and_each_is_refused_or_as_it_was(ground: Path, tmp_path: Path) -> None:
    tally = Tally(0)
    readers = Readers(ground, tmp_path / "trial", tally)
    outcomes = [outcome for seed in (0, 1, 5) for outcome in readers.one(seed)]
    assert kinds(tally) == {f"a file harmed, {standing}, and read" for standing in STANDINGS}
    assert len(outcomes) == 3 * MANY


@pytest.mark.slow
def test_commands_are_given_a_harmed_run(ground: Path, tmp_path: Path) -> None:
    tally = Tally(0)
    damage = Damage(ground, tmp_path / "trial", tally)
    for seed in (3, 5, 6, 24):
        damage.one(seed)
    tried = ("its list kept, then report", "listed again, then check", "without a list, then report", "its list kept, then compare")
    assert kinds(tally) == {f"damage, {each}" for each in tried}


def test_models_of_strangers_are_loaded_or_refused(ground: Path, tmp_path: Path) -> None:
    tally = Tally(0)
    for seed in (0, 1, 2):
        checkpoint(seed, ground, tmp_path / "trial", tally)
    assert kinds(tally) == {"checkpoints"}


@pytest.mark.slow
def test_a_report_that_is_killed_is_the_same_in_the_end(ground: Path, tmp_path: Path) -> None:
    tally = Tally(0)
    Kills(ground, tmp_path / "trial", tally, most=4).one(8)
    assert kinds(tally) == {"report killed until it ends"}
    assert tally.amounts["kills of report"] > 0


@pytest.mark.slow
@pytest.mark.long("attacks that go on for minutes; of each kind there is a sample above")
def test_the_campaign_prints_its_counts(ground: Path) -> None:
    line = "-m tests.campaign --only damage --only checkpoints --only kills --trials 2 --seed 11 --ground"
    ended = subprocess.run(
        [sys.executable, *line.split(), ground], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    told = json.loads(ended.stdout)
    assert (ended.returncode, told["bad"], told["failures"]) == (0, 0, [])
    assert sum(count for counts in told["counts"].values() for count in counts.values()) >= 4
