"""Damage: one or more files of a finished run are harmed, then a command is given the folder."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

from campaign.ground import names, results, trial_folder
from campaign.harm import harms
from campaign.trial import Outcome, Tally, Trial, command, contents, ended, forked

COMMANDS = {
    "report": ("report", "run"),
    "compare": ("compare", "run", "other", "--out", "compare.html"),
    "run": ("run", "run/spec.yaml", "--out", "run"),
    "check": ("check", "run"),
    "probe": ("probe", "run", "--variable", "color"),
}
OFTEN = ("report", "report", "report", "report", "check", "check", "compare", "run", "probe")
PAGES = {"report": "run/report.html", "compare": "compare.html"}
REBUILT = re.compile(r"^(report\.html|figures/.*|log\.jsonl|\.lock)$")


class Damage:
    """Trials of damage on copies of a ``ground``, made in ``at``."""

    def __init__(self, ground: Path, at: Path, tally: Tally) -> None:
        self.ground, self.at, self.tally = ground, at, tally
        self.files = sorted(name for name in names(ground / "run") if not name.startswith("figures/"))
        self.expected = results(ground / "run")
        listed = json.loads((ground / "run" / "manifest.json").read_text())["files"]
        self.listed = {name: (ground / "run" / name).read_bytes() for name in listed}
        self.pages: dict[str, str] = {}

    def page(self, name: str) -> str:
        """What a command's page says of the run as it was."""
        if name not in self.pages:
            trial_folder(self.ground, self.at)
            self._link_other()
            trial = forked(command(*COMMANDS[name]), before=self._enter)
            assert trial.code == 0, trial.words
            self.pages[name] = (self.at / PAGES[name]).read_text()
        return self.pages[name]

    def _enter(self) -> None:
        import os

        os.chdir(self.at)

    def _link_other(self) -> None:
        (self.at / "other").symlink_to(self.ground / "other")

    def one(self, seed: int) -> Outcome:
        """One trial, which its seed makes again."""
        rng = random.Random(seed)
        name = rng.choice(OFTEN)
        if name in PAGES:
            self.page(name)
        trial_folder(self.ground, self.at)
        self._link_other()
        done: list[str] = []
        for harmed in rng.sample(self.files, rng.choice([1, 1, 1, 2])):
            path = self.at / "run" / harmed
            harm = rng.choice(harms(path))
            try:
                harm(path, rng)
            except (ValueError, IndexError, KeyError):  # there is nothing in it that this could be done to
                continue
            done.append(f"{harm.__name__} {harmed}")
        outside = contents(self.at / "precious")
        trial = forked(command(*COMMANDS[name]), before=self._enter)
        outcome = self._outcome(name, trial, outside)
        about = {"seed": seed, "command": " ".join(COMMANDS[name]), "done": done, "code": trial.code, "seconds": round(trial.seconds, 1)}
        self.tally.add(f"damage, then {name}", outcome, {**about, "peak": trial.peak, "words": trial.words[-400:]})
        return outcome

    def _outcome(self, name: str, trial: Trial, outside: dict[str, str]) -> Outcome:
        if contents(self.at / "precious") != outside:
            return "outside"
        if (bad := ended(trial)) is not None:
            return bad
        if name in PAGES:
            page = (self.at / PAGES[name]).read_text()
            return (
                "same" if page == self.pages[name] else "refused" if page.count("damaged") > self.pages[name].count("damaged") else "silent"
            )
        if name == "run":
            return "healed" if results(self.at / "run") == self.expected else "silent"
        changed = any((self.at / "run" / each).read_bytes() != held for each, held in self.listed.items())
        return "silent" if name == "check" and changed else "same"
