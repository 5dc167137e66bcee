"""Readers: many files of a run are harmed at once; its list must name each of them, and what reads its kind must refuse it."""

from __future__ import annotations

import contextlib
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from campaign.damage import LIST, STANDINGS, Standing, stand
from campaign.ground import names, trial_folder
from campaign.harm import harmed
from campaign.trial import Outcome, Tally, ended, forked

MANY = 25  # files a trial


def read(run: Path, name: str) -> Any:
    """A file as commands read it, in a form that can be compared."""
    from jepascope.activations.shard_file import check_sums, read_part
    from jepascope.discovery.subspace import Subspace
    from jepascope.disk.folder import Folder
    from jepascope.disk.manifest import Manifest
    from jepascope.disk.refusals import damaged
    from jepascope.report.folder import read_json
    from jepascope.report.tables import read_table
    from jepascope.schema import TABLES
    from jepascope.schema.parquet import frame_of

    files, path = Manifest(Folder(run)), Path(name)
    if name.startswith("activations/"):
        with Folder(run).reading(name) as file:
            if path.suffix == ".json":
                return file.read(1 << 20)  # what a store needs of it is that it says what its folder's name says
            check_sums(file)
            return [read_part(file, key, layer=0).numpy().tobytes() for key in ("tokens", "pooled") if key in _keys(file)]
    if path.suffix == ".json":
        return json.dumps(read_json(files, name), sort_keys=True)
    if path.suffix == ".safetensors":
        return Subspace.from_bytes(files.read(name), run / name).to_bytes()
    if path.suffix == ".parquet" and path.stem in TABLES:
        return read_table(files, name, TABLES[path.stem], {})
    try:
        return frame_of(files.read(name))
    except ValueError as error:
        raise damaged(run / name, error) from None


def _keys(file: Any) -> set[str]:
    file.seek(0)
    return set(json.loads(file.read(int.from_bytes(file.read(8), "little"))))


def same(first: Any, second: Any) -> bool:
    return bool(first.equals(second)) if hasattr(first, "equals") else type(first) is type(second) and bool(first == second)


class Readers:
    """Trials on copies of a ``ground``, made in ``at``."""

    def __init__(self, ground: Path, at: Path, tally: Tally) -> None:
        self.ground, self.at, self.tally = ground, at, tally
        self.files = sorted(name for name in names(ground / "run") if self.is_read(name))

    def is_read(self, name: str) -> bool:
        inside_another = name.startswith("probe-") or name == LIST
        return not inside_another and Path(name).suffix in (".parquet", ".safetensors", ".json")

    def one(self, seed: int) -> list[Outcome]:
        """One trial of many files, each of which is counted."""
        rng = random.Random(seed)
        standing = rng.choice(STANDINGS)
        trial_folder(self.ground, self.at)
        run = self.at / "run"
        done = {name: harmed(run / name, rng) for name in rng.sample(self.files, MANY)}
        stand(run, standing)
        trial = forked(lambda: self._read_all(list(done)), before=lambda: os.chdir(self.at))
        bad, read_as = ended(trial), dict[str, tuple[Outcome, str]]()
        for line in trial.words.splitlines():
            with contextlib.suppress(ValueError, TypeError):
                name, outcome, words = json.loads(line)
                read_as[name] = outcome, words
        if bad not in (None, "refused"):
            self.tally.add("files harmed and read", bad, {"seed": seed, "done": done, "words": trial.words[-1500:]})  # type: ignore[arg-type]
            return [bad]  # type: ignore[list-item]
        outcomes = [self._count(name, standing, done[name], read_as.get(name, ("bug", trial.words[-1500:])), seed) for name in done]
        return outcomes

    def _count(self, name: str, standing: Standing, how: str, as_read: tuple[Outcome, str], seed: int) -> Outcome:
        outcome, reason = as_read
        if outcome == "silent" and standing != "its list kept":
            outcome = "taken"
        about = {"seed": seed, "file": name, "done": how, "words": reason}
        self.tally.add(f"a file harmed, {standing}, and read", outcome, about)
        return outcome

    def _read_all(self, harmed_files: list[str]) -> None:
        from jepascope.errors import JepascopeError
        from jepascope.study.whole import file_states

        run = Path("run")
        named = {state.name for state in file_states(run) if not state.whole}
        for name in harmed_files:
            outcome, words = self._outcome(lambda name=name: read(run, name), name, (JepascopeError, FileNotFoundError))  # type: ignore[misc]
            if outcome == "silent" and name in named:
                outcome = "refused"  # by `check`; what lies in activations is checked when its study asks for it
            elif outcome == "refused" and (run / LIST).exists() and name not in named and not name.startswith("activations/"):
                outcome, words = "silent" if self._changed(name) else outcome, f"check does not name it; {words}"
            print(json.dumps([name, outcome, words]), flush=True)

    def _changed(self, name: str) -> bool:
        path = Path("run") / name
        return not path.is_file() or path.is_symlink() or path.read_bytes() != (self.ground / "run" / name).read_bytes()

    def _outcome(self, reading: Callable[[], Any], name: str, refusals: tuple[type[Exception], ...]) -> tuple[Outcome, str]:
        try:
            value = reading()
        except refusals as error:
            return "refused", str(error)[:300]
        except ValueError as error:
            return ("refused" if name.startswith("activations/") else "bug"), str(error)[:300]
        except Exception as error:
            return "bug", f"{type(error).__name__}: {error}"[:300]
        return ("same" if same(value, read(self.ground / "run", name)) else "silent"), ""
