"""Kills: a study is killed at random moments until it ends, and must end with the same results as one that was not, and nothing else."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from campaign.ground import names, results
from campaign.trial import Outcome, Tally, command, ended, forked


class Kills:
    """Studies of the ``ground``'s spec in ``at``. ``longest``: seconds that one takes."""

    def __init__(self, ground: Path, at: Path, tally: Tally) -> None:
        self.ground, self.at, self.tally = ground, at, tally
        self.expected, self.names, self.longest = results(ground / "run"), names(ground / "run"), 20.0

    def one(self, seed: int) -> Outcome:
        """One study, killed up to eight times; every kill is counted."""
        rng = random.Random(seed)
        shutil.rmtree(self.at, ignore_errors=True)
        self.at.mkdir(parents=True)
        os.chdir(self.at)
        line = command("run", str(self.ground / "run" / "spec.yaml"), "--out", "run")
        killed = 0
        for attempt in range(9):
            began = time.monotonic()
            trial = forked(line, limit=rng.uniform(0, self.longest) if attempt < 8 else 600)
            if trial.code is not None:
                break
            killed += 1
        if attempt == 0:
            self.longest = time.monotonic() - began
        kept = {name for name in names(self.at / "run") if not name.startswith(("probe-", "activations"))}
        wanted = {name for name in self.names if not name.startswith(("probe-", "activations"))}
        outcome: Outcome
        if (bad := ended(trial)) is not None:
            outcome = "bug" if bad == "refused" else bad
        elif results(self.at / "run") != self.expected:
            outcome = "silent"
        else:
            outcome = "left behind" if kept - wanted else "same"
        about = {"seed": seed, "kills": killed, "code": trial.code, "more": sorted(kept - wanted), "words": trial.words[-400:]}
        self.tally.add(f"a study killed {killed} times", outcome, about)
        return outcome


LINES = (["--help"], ["run", "--help"], ["report", "nothing"], ["models"], ["clips"])


def interrupted_start(seed: int, at: Path, tally: Tally) -> Outcome:
    """Ctrl-C in a program's first three seconds, while it imports: it ends, and shows no traceback."""
    rng = random.Random(seed)
    words = rng.choice(LINES)
    at.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "jepascope", *words], cwd=at, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    time.sleep(rng.uniform(0, 3))
    process.send_signal(signal.SIGINT)
    try:
        said, _ = process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        said, outcome = "", "hang"
    else:
        outcome = "traceback" if "Traceback" in said else "same"
    tally.add("Ctrl-C while it starts", outcome, {"seed": seed, "command": words, "words": said[-400:]})  # type: ignore[arg-type]
    return outcome  # type: ignore[return-value]
