"""Damage: one or more files of a finished run are harmed, then a command is given the folder.

A stranger can write a list that fits what was done, or leave it out: then nobody can tell that a number was changed, and what is asked is
that what cannot be right is refused in a sentence.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
from pathlib import Path
from typing import Any, Literal

from campaign.ground import names, results, trial_folder
from campaign.harm import harmed
from campaign.trial import Outcome, Tally, Trial, command, contents, ended, forked

COMMANDS = {
    "report": ("report", "run"),
    "compare": ("compare", "run", "other", "--out", "compare.html"),
    "run": ("run", "run/spec.yaml", "--out", "run"),
    "check": ("check", "run"),
    "probe": ("probe", "run", "--variable", "colour"),
}
OFTEN = ("report",) * 8 + ("check",) * 4 + ("compare",) * 4 + ("run", "probe")
PAGES = {"report": "run/report.html", "compare": "compare.html"}
Standing = Literal["its list kept", "listed again", "without a list"]
STANDINGS: tuple[Standing, ...] = ("its list kept", "its list kept", "listed again", "without a list")
LIST = "manifest.json"
DRAWN = 0.1  # of pages have their figures drawn, which takes most of a page's time


def list_again(run: Path) -> None:
    """Give every listed file the digest that it has now, also where it is named as what another was made from."""
    try:
        listed = json.loads((run / LIST).read_text())
        files, digests = listed["files"], {}
        for name, entry in files.items():
            if (run / name).is_file() and not (run / name).is_symlink() and (run / name).stat().st_size < 1 << 24:
                digests[entry["sha256"]] = hashlib.sha256((run / name).read_bytes()).hexdigest()
                entry["sha256"] = digests[entry["sha256"]]
        for entry in files.values():
            entry["inputs"] = {name: digests.get(digest, digest) for name, digest in entry["inputs"].items()}
    except (ValueError, OSError, KeyError, TypeError, AttributeError):  # the list is what was harmed
        return
    (run / LIST).unlink()
    (run / LIST).write_text(json.dumps(listed))


def stand(run: Path, standing: Standing) -> None:
    """Bring the list of a harmed run to a ``standing``."""
    if standing == "listed again" and not (run / LIST).is_symlink() and (run / LIST).is_file():
        list_again(run)
    elif standing == "without a list" and (run / LIST).is_file():
        (run / LIST).unlink()


def blank_figures() -> None:
    from matplotlib.figure import Figure

    whole = Figure.savefig

    def blank(self: Figure, file: Any, **settings: Any) -> None:
        if settings.get("format") != "svg":
            return whole(self, file, **settings)
        file.write('<svg xmlns="http://www.w3.org/2000/svg" width="1pt" height="1pt" viewBox="0 0 1 1"><g id="figure_1"></g></svg>')

    Figure.savefig = blank  # type: ignore[method-assign, assignment]


class Damage:
    """Trials of damage on copies of a ``ground``, made in ``at``."""

    def __init__(self, ground: Path, at: Path, tally: Tally) -> None:
        self.ground, self.at, self.tally = ground, at, tally
        self.files = sorted(names(ground / "run"))
        self.read = [name for name in self.files if not name.startswith(("parts/", "activations/", "probe-", "figures/"))]  # by a page
        self.expected = results(ground / "run")
        listed = json.loads((ground / "run" / LIST).read_text())["files"]
        self.listed = {name: (ground / "run" / name).read_bytes() for name in listed}
        self.pages: dict[tuple[str, bool], str] = {}

    def page(self, name: str, drawn: bool) -> str:
        """What a command's page says of the run as it was."""
        if (name, drawn) not in self.pages:
            trial_folder(self.ground, self.at)
            trial = self._run(name, drawn)
            assert trial.code == 0, trial.words
            self.pages[name, drawn] = (self.at / PAGES[name]).read_text()
        return self.pages[name, drawn]

    def _run(self, name: str, drawn: bool) -> Trial:
        def enter() -> None:
            os.chdir(self.at)
            if not drawn:
                blank_figures()

        (self.at / "other").symlink_to(self.ground / "other")
        return forked(command(*COMMANDS[name]), before=enter)

    def one(self, seed: int) -> Outcome:
        """One trial, which its seed makes again."""
        rng = random.Random(seed)
        name, standing, drawn = rng.choice(OFTEN), rng.choice(STANDINGS), rng.random() < DRAWN
        if name in PAGES:
            self.page(name, drawn)
        trial_folder(self.ground, self.at)
        files = self.read if name in PAGES and rng.random() < 0.8 else self.files
        done = [harmed(self.at / "run" / each, rng) for each in rng.sample(files, rng.choice([1, 1, 1, 2]))]
        stand(self.at / "run", standing)
        outside = contents(self.at / "precious")
        trial = self._run(name, drawn)
        outcome = self._outcome(name, trial, outside, drawn)
        if outcome == "silent" and standing != "its list kept":
            outcome = "taken"
        about = {"seed": seed, "command": " ".join(COMMANDS[name]), "done": [standing, *done], "code": trial.code}
        more = {"seconds": round(trial.seconds, 1), "peak": trial.peak, "words": trial.words[-1500:]}
        self.tally.add(f"damage, {standing}, then {name}", outcome, {**about, **more})
        return outcome

    def _outcome(self, name: str, trial: Trial, outside: dict[str, str], drawn: bool) -> Outcome:
        if contents(self.at / "precious") != outside:
            return "outside"
        if (bad := ended(trial)) is not None:
            return bad
        if name in PAGES:
            page, expected = (self.at / PAGES[name]).read_text(), self.pages[name, drawn]
            if re.search(r"<(script>alert|img src=x)", page):
                return "bug"
            return "same" if page == expected else "refused" if page.count("damaged") > expected.count("damaged") else "silent"
        if name == "run":
            return "healed" if results(self.at / "run") == self.expected else "silent"
        changed = any((self.at / "run" / each).read_bytes() != held for each, held in self.listed.items())
        return "silent" if name == "check" and changed else "same"
