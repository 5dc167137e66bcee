"""Scarce: a study begins with too little disk, memory or too few file handles, then goes on with enough."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

from campaign.ground import results
from campaign.trial import GOOD, Outcome, Tally, command, ended, forked

Limit = Callable[[random.Random], Callable[[], None]]


def _limited(which: int, amount: int) -> Callable[[], None]:
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then the write fails, as it does on a full disk
        resource.setrlimit(which, (amount, amount))

    return limit


def _pages() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")


LIMITS: dict[str, Limit] = {
    "files of limited size": lambda rng: _limited(resource.RLIMIT_FSIZE, rng.choice([0, 100, 4096, 20_000, 200_000])),
    "few handles": lambda rng: _limited(resource.RLIMIT_NOFILE, rng.randint(4, 40)),
    "little memory": lambda rng: _limited(resource.RLIMIT_AS, _pages() + rng.choice([1, 8, 32, 128]) * (1 << 20)),
}


class Scarce:
    """Studies of the ``ground``'s spec in ``at``."""

    def __init__(self, ground: Path, at: Path, tally: Tally) -> None:
        self.ground, self.at, self.tally = ground, at, tally
        self.expected = results(ground / "run")

    def one(self, seed: int) -> Outcome:
        rng = random.Random(seed)
        what = rng.choice(sorted(LIMITS))
        shutil.rmtree(self.at, ignore_errors=True)
        self.at.mkdir(parents=True)
        line = command("run", str(self.ground / "run" / "spec.yaml"), "--out", "run")
        limit = LIMITS[what](rng)

        def enter() -> None:
            os.chdir(self.at)
            limit()

        first = forked(line, before=enter, limit=300)
        outcome = ended(first) or "same"
        said = first.words
        if outcome in GOOD:
            again = forked(line, before=lambda: os.chdir(self.at), limit=300)
            bad = ended(again)
            outcome = ("bug" if bad == "refused" else bad) if bad else "same" if results(self.at / "run") == self.expected else "silent"
            said += again.words
        self.tally.add(what, outcome, {"seed": seed, "code": first.code, "words": said[-600:]})
        return outcome
