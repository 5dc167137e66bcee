"""Odd: folders with names that people and programs do not expect; checkpoints of strangers."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

from campaign.ground import trial_folder
from campaign.harm import harms
from campaign.trial import Outcome, Tally, command, contents, ended, forked

NAMES = (
    "a b", "ü", "'q'", '"q"', "$HOME", "-dash", "--out", "new\nline", os.fsdecode(b"\xff\xfe"), "x" * 200, "\x1b[31mred", "~tilde", "*",
    "[x]", "%s{0}{{", "<b>", "..dots", "a;b", "`id`", "\u202eabc",
)  # fmt: skip


def odd_name(seed: int, ground: Path, at: Path, tally: Tally) -> Outcome:
    """A run folder of an odd name: its page is built, or refused in words that a terminal does not obey."""
    rng = random.Random(seed)
    name = rng.choice(NAMES)
    trial_folder(ground, at)
    (at / "run").rename(at / name)
    given = f"./{name}" if name.startswith("-") else name
    line = rng.choice([("report", given), ("run", f"{given}/spec.yaml", "--out", given), ("compare", given, given, "--out", "c.html")])
    trial = forked(command(*line), before=lambda: os.chdir(at), limit=300)
    outcome = ended(trial) or "same"
    if "\x1b[31m" in trial.words:
        outcome = "bug"
    tally.add(
        "odd names", outcome, {"seed": seed, "command": [ascii(word) for word in line], "code": trial.code, "words": trial.words[-400:]}
    )
    return outcome


def checkpoint(seed: int, ground: Path, at: Path, tally: Tally) -> Outcome:
    """A model folder of a stranger is loaded, or refused."""
    rng = random.Random(seed)
    trial_folder(ground, at)
    shutil.copytree(ground / "model", at / "model")
    files = sorted(path for path in (at / "model").iterdir() if path.is_file())
    path = rng.choice(files)
    harm = rng.choice(harms(path))
    try:
        harm(path, rng)
    except (ValueError, IndexError, KeyError):
        return "same"
    outside = contents(at / "precious")

    def load() -> None:
        from jepascope.cli.terminal import answered
        from jepascope.encoders.load import load_encoder

        os.chdir(at)
        answered(lambda: load_encoder("./model") and None)()

    trial = forked(load if rng.random() < 0.7 else command("plan", "--model", "./model"), before=lambda: os.chdir(at))
    outcome = ended(trial) or ("same" if contents(at / "precious") == outside else "outside")
    about = {"seed": seed, "done": f"{harm.__name__} {path.name}", "code": trial.code, "peak": trial.peak, "words": trial.words[-400:]}
    tally.add("checkpoints", outcome, about)
    return outcome
