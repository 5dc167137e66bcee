"""Kills: a command is killed at random moments until it ends, and must end with the same results as one that was not, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from campaign.damage import blank_figures
from campaign.ground import names, results
from campaign.trial import GOOD, Outcome, Tally, command, ended, forked

MOST = 20


@dataclass
class Killed:
    """A command that is killed. ``line``: its words; ``begin``: what it finds in its folder; ``end``: what it leaves, to be compared.

    ``seconds``: how long it takes; ``after``: what it left when nothing killed it, and the names of all files.
    """

    line: tuple[str, ...]
    begin: Callable[[Path], object]
    end: Callable[[Path], Any]
    seconds: float = 0.0
    after: tuple[Any, set[str]] | None = None


def _page(at: Path) -> Any:
    return next(at.rglob("*.html")).read_text()


def _trained(at: Path) -> Any:
    return {name: (at / "trained" / name).read_bytes() for name in ("curves.jsonl", "model.safetensors")}


CLIPS = ("clips", "circle", "--per-class", "5", "--size", "64", "--format", "sheet,gif,mp4,table", "--out", "clips")
PLANTED = ("planted", "--networks", "clean", "--finders", "diff_means", "--draws", "2", "--peels", "0", "--out", "planted")


def _files(at: Path) -> Any:
    return {name: (at / name).read_bytes() for name in sorted(names(at))}


def _tables(inside: str) -> Callable[[Path], Any]:
    def tables(at: Path) -> Any:
        return {path.name: path.read_bytes() for folder in (at / "run").glob(inside) for path in folder.rglob("*.parquet")}

    return tables


class Kills:
    """Commands on copies of the ``ground`` in ``at``, each killed ``most`` times before it may end."""

    def __init__(self, ground: Path, at: Path, tally: Tally, most: int = MOST) -> None:
        self.ground, self.at, self.tally, self.most = ground, at, tally, most
        spec = str(ground / "run" / "spec.yaml")
        self.commands = {
            "run": Killed(("run", spec, "--out", "run"), lambda at: None, lambda at: results(at / "run")),
            "report": Killed(("report", "run"), lambda at: self._copy(at, "report.html"), _page),
            "compare": Killed(("compare", "run", "run", "--out", "compare.html"), lambda at: self._copy(at, "report.html"), _page),
            "probe": Killed(
                ("probe", "run", "--variable", "colour"), lambda at: self._copy(at, *_inside(self.ground, "probe-*")), _tables("probe-*")
            ),
            "intervene": Killed(
                ("intervene", "run", "--edit", "ablate", "--layer", "1"), lambda at: self._copy(at), _tables("intervene-*")
            ),
            "port": Killed(("port", "run", str(ground / "wide")), self._begun, _tables("port-*")),
            "train": Killed(("train", "nano", "--steps", "3", "--batch", "4", "--out", "trained"), lambda at: None, _trained),
            "clips": Killed(CLIPS, lambda at: None, _files),
            "label": Killed(("label", "clips/mp4", "--out", "labels.csv", "--sheet", "sheet.png"), self._rendered, _files),
            "planted": Killed(PLANTED, lambda at: None, _files),
        }

    def _copy(self, at: Path, *without: str) -> None:
        shutil.copytree(self.ground / "run", at / "run")
        for name in without:
            (shutil.rmtree if (at / "run" / name).is_dir() else Path.unlink)(at / "run" / name)

    def _begun(self, at: Path) -> None:
        shutil.copytree(self.ground / "begun", at / "run")

    def _rendered(self, at: Path) -> None:
        assert forked(command(*CLIPS), before=self._enter).code == 0

    def _enter(self) -> None:
        os.chdir(self.at)
        blank_figures()

    def _fresh(self, killed: Killed) -> None:
        shutil.rmtree(self.at, ignore_errors=True)
        self.at.mkdir(parents=True)
        killed.begin(self.at)

    def whole(self, killed: Killed) -> tuple[Any, set[str]]:
        """What a command leaves that nothing kills."""
        if killed.after is None:
            self._fresh(killed)
            trial = forked(command(*killed.line), before=self._enter, limit=600)
            assert trial.code == 0, trial.words
            killed.seconds, killed.after = trial.seconds, (killed.end(self.at), names(self.at))
        return killed.after

    def one(self, seed: int) -> Outcome:
        """One command, killed up to ``most`` times; every kill is counted."""
        rng = random.Random(seed)
        name = rng.choice(["run", "run", *self.commands])
        killed = self.commands[name]
        expected, wanted = self.whole(killed)
        self._fresh(killed)
        line, kills = command(*killed.line), 0
        for attempt in range(self.most + 1):
            longest = killed.seconds * rng.choice([0.1, 0.3, 1.0])
            trial = forked(line, limit=rng.uniform(0, longest) if attempt < self.most else 600, before=self._enter)
            if trial.code is not None:
                break
            kills += 1
        left = names(self.at) - wanted
        outcome: Outcome = ended(trial) or ("silent" if killed.end(self.at) != expected else "left behind" if left else "same")
        outcome = "bug" if outcome == "refused" else outcome
        about = {"seed": seed, "command": " ".join(killed.line), "kills": kills, "code": trial.code, "more": sorted(left)}
        self.tally.add(f"{name} killed until it ends", outcome, {**about, "words": trial.words[-1500:]})
        self.tally.note(f"kills of {name}", kills)
        return outcome

    def meanwhile(self, seed: int) -> Outcome:
        """A study is watched by `report`, `check` and a second `run` on its folder while it runs; it ends as one that was left alone."""
        rng = random.Random(seed)
        killed = self.commands["run"]
        expected, wanted = self.whole(killed)
        self._fresh(killed)
        process = os.fork()
        if not process:
            trial = forked(command(*killed.line), before=self._enter, limit=600)
            os._exit(0 if trial.code == 0 else 1)
        outcome, words, watched = "same", "", False
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            time.sleep(rng.uniform(0, killed.seconds / 4))
            other = rng.choice([("report", "run"), ("check", "run"), killed.line])
            trial = forked(command(*other), before=self._enter)
            watched = watched or trial.code is not None
            bad = ended(trial)
            if bad not in (None, *GOOD):
                outcome, words = bad, f"{' '.join(other)}: {trial.words[-1500:]}"
        forked(command("report", "run"), before=self._enter)
        left = names(self.at) - wanted
        if outcome == "same":
            outcome = "silent" if killed.end(self.at) != expected else "left behind" if left else "same"
        self.tally.add("a study watched while it runs", outcome, {"seed": seed, "more": sorted(left), "words": words})  # type: ignore[arg-type]
        return outcome  # type: ignore[return-value]


def _inside(ground: Path, pattern: str) -> list[str]:
    return [path.name for path in (ground / "run").glob(pattern)]


LINES = (["--help"], ["run", "--help"], ["report", "nothing"], ["models"], ["clips"])


def interrupted_start(seed: int, at: Path, tally: Tally) -> Outcome:
    """Ctrl-C in a program's first three seconds, while it imports: it ends, and shows no traceback."""
    rng = random.Random(seed)
    words = rng.choice(LINES)
    at.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # where it is ignored, as behind a shell's &, the program would ignore it too
    process = subprocess.Popen(
        [sys.executable, "-m", "jepascope", *words], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(rng.uniform(0, 3))
    process.send_signal(signal.SIGINT)
    try:
        printed, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        printed, outcome = "", "hang"
    else:
        ours = "Traceback" in printed and "jepascope" in printed  # not Python's own, before our first line
        outcome = "traceback" if ours else "same"
    tally.add("Ctrl-C while it starts", outcome, {"seed": seed, "command": words, "words": printed[-400:]})  # type: ignore[arg-type]
    return outcome  # type: ignore[return-value]
