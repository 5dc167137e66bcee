"""The run folder: one study's spec, tables, subspaces and log. Everything is written under a temporary name and renamed."""

from __future__ import annotations

import io
import json
import logging
import os
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jepascope.clips.labels_table import MAX_BYTES
from jepascope.disk.folder import Folder, is_own
from jepascope.disk.manifest import ASIDE, MEANINGS, Manifest
from jepascope.disk.manifest import NAME as MANIFEST
from jepascope.disk.named import read_named
from jepascope.disk.plain import written
from jepascope.disk.refusals import Unreadable, damaged
from jepascope.errors import BadArgument, JepascopeError, RunFolderError, first_line
from jepascope.findings.stored import typed
from jepascope.study.files import SPEC, mended_with, part_name
from jepascope.study.identity import identity
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, read_spec
from jepascope.study.trust import code_named

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
LABELS = "labels.csv"
LISTED = (
    "*.parquet",
    "parts/*.parquet",
    "subspaces/**/*.safetensors",
    "figures/stimuli.png",
    "summary.json",
    "claims.json",
    "provenance.json",
    "seconds.json",
)


def _left_by_a_kill(name: str) -> bool:
    """Whether it is all that a run killed in its first moments leaves."""
    return name == LABELS or is_own(name)


def check_place(path: Path, what: str, ours: Callable[[str], bool]) -> None:
    """Refuse a file, a folder that is neither empty nor ``what`` (all names in it are ``ours``), and one that cannot be written."""
    if path.exists() and not path.is_dir():
        raise BadArgument(f"'{path}' is a file; give a folder with --out.")
    if path.exists() and not all(ours(entry.name) for entry in path.iterdir()):
        raise BadArgument(f"'{path}' is neither empty nor {what}; nothing was changed. Choose another --out.")
    parent = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise RunFolderError(
            f"'{path}' cannot be written ('{parent}' is not a writable folder); make it writable, or choose another folder."
        )


def _same_study(saved: Path, spec: StudySpec) -> None:
    try:
        with Folder(saved.parent).reading(saved.name):  # nothing but a file of the folder's own
            pass
        theirs = make_spec(read_spec(saved, code_named(spec.model_dump())), f"'{saved}'")
    except JepascopeError as error:
        raise RunFolderError(
            f"{error} It names the study that the folder holds: put it back, or choose another --out; nothing was changed."
        ) from None
    mine, other = identity(spec), identity(theirs)
    if spec.of_videos and theirs.of_videos and mine["clips_digest"] != other["clips_digest"] and spec.clips == theirs.clips:
        raise BadArgument(
            f"The videos in '{spec.clips}' changed since the run in '{saved.parent}' began; put them back, or choose another --out."
        )
    differing = ", ".join(f"{key} is {other.get(key)!r} there and {mine[key]!r} here" for key in mine if mine[key] != other.get(key))
    if differing:
        raise BadArgument(f"'{saved.parent}' holds another study ({differing}); nothing was changed. Choose another --out.")


class Run:
    """A run folder in use by this process.

    ``heals``: whether what is not as it was written is set aside and made again, or refused. ``step``: what is being made, and
    ``reading``: the files that have been read for it, as the folder's manifest lists them.
    """

    def __init__(self, path: Path, spec: StudySpec, heals: bool = True) -> None:
        self.path, self.spec, self.heals = path, spec, heals
        self.files = Folder(path)
        self.step, self.reading = "", list[set[str]]()
        self._lock: IO[bytes] | None = None

    @cached_property
    def manifest(self) -> Manifest:
        """Read when it is first asked for; where it is damaged itself, nothing is known of the files and all are made again."""
        try:
            return Manifest(self.files)
        except Unreadable:
            raise
        except RunFolderError:
            if not self.heals:
                raise
            self.files.move(MANIFEST, f"{ASIDE}/{MANIFEST}")
            log.warning("'%s' is damaged; it is set aside, and everything is made again.", self.path / MANIFEST)
            manifest = Manifest(self.files)
            manifest.start(self._about, [SPEC])
            return manifest

    @property
    def _about(self) -> dict[str, str]:
        return {"spec": self.spec.digest}

    @classmethod
    def open(cls, path: Path, spec: StudySpec, heals: bool = True) -> Run:
        """Create the folder or go on with it. A folder of another study, or in use by another process, is refused."""
        cls.check(path, spec)
        run = cls(path, spec, heals)
        run._lock = run.files.hold()
        saved = path / SPEC
        try:
            if not saved.exists():
                run._keep_labels()
                run.files.write(SPEC, run._saved().to_yaml())
            run._check_list()
        except BaseException:
            run.close()
            raise
        if spec.labels is not None:
            run.spec = spec.model_copy(update={"labels": str(path / LABELS)})  # from here on the copy is read
        return run

    def _check_list(self) -> None:
        """Begin the folder's list of files. Those of a version that kept none are taken as they are, where they can be read."""
        if not self.manifest.known:
            there = {name: self._unreadable(name) for pattern in LISTED for name in self.files.names(pattern)}
            for name, why in there.items():
                if why and self.heals:
                    self._set_aside(name, why)
            self.manifest.start(self._about, [SPEC, *(name for name, why in there.items() if not why or not self.heals)])
        if self.manifest.about.get("spec", self.spec.digest) != self.spec.digest:
            raise RunFolderError(
                f"The files of '{self.path}' are of another study than its {SPEC} names; nothing was changed. Choose another --out."
            )
        if self.heals and SPEC in self.manifest.files and self.manifest.state(SPEC) != "whole":  # it says the same, in other bytes
            self.manifest.write(SPEC, self._saved().to_yaml().encode())

    def _unreadable(self, name: str) -> str:
        """Why a table or JSON file holds nothing that a study writes; empty where it does."""
        from jepascope.schema.parquet import frame_of

        try:
            if name.endswith(".parquet"):
                frame_of(self.files.read(name))
            elif name.endswith(".json"):
                typed(name, self.files.read(name))
        except (ValueError, RunFolderError) as error:
            return first_line(error)
        return ""

    def _saved(self) -> StudySpec:
        """The spec as it is written: its labels lie beside it, as its clips may, so that the folder can be moved."""
        beside = {} if self.spec.labels is None else {"labels": LABELS}
        if self.spec.of_arrays and Path(self.spec.clips).parent == self.path.resolve():
            beside["clips"] = f"./{Path(self.spec.clips).name}"
        return self.spec.model_copy(update=beside)

    def _keep_labels(self) -> None:
        """A copy of the labels file, so that the run can be made again from its folder."""
        if self.spec.labels is None:
            return
        contents = read_named(Path(self.spec.labels).expanduser(), MAX_BYTES)
        if not self.files.has(LABELS):
            self.files.write(LABELS, contents)
        elif self.files.read(LABELS) != contents:
            raise BadArgument(f"'{self.path}' holds a labels.csv of its own; nothing was changed. Choose another --out.")

    @staticmethod
    def check(path: Path, spec: StudySpec) -> None:
        """Refuse a folder that cannot be used for this study. Nothing is written, so that a later refusal leaves no folder behind."""
        saved = path / SPEC
        if saved.exists():
            _same_study(saved, spec)
        check_place(path, "a run folder", lambda name: saved.exists() or _left_by_a_kill(name))

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def activations(self) -> Path:
        """Where captures go; RunFolderError where a link lies in their place."""
        self.files.make("activations")
        return self.path / "activations"

    def has(self, name: str) -> bool:
        """Whether a file is there as it was written. One that is not is set aside, so that it is made again, or refused."""
        if not self.files.has(name):
            return False
        state = self.manifest.state(name)
        if state == "whole":
            return True
        if not self.heals:
            raise damaged(self.path / name, MEANINGS[state], mended_with(self.path))
        self._set_aside(name, MEANINGS[state])
        return False

    def _set_aside(self, name: str, why: str) -> None:
        away = self.manifest.set_aside(name)
        self.log("set aside", file=name, why=why, now=away)
        log.warning("'%s': %s. It is set aside (%s) and made again.", self.path / name, why, away)

    def write(self, name: str, contents: bytes) -> None:
        """A file of the study, made by the step that runs from what was read for it."""
        self.manifest.write(name, contents, self.step, set().union(*self.reading) - {name})

    def read(self, name: str) -> bytes:
        """What ``write`` wrote, and nothing else."""
        return self.manifest.read(name)

    def write_table(self, table: str, frame: pd.DataFrame, part: str = "") -> None:
        """A table as jepascope.schema declares it, tidy, without an index: ``table.parquet``, or a ``part`` of it in ``parts/``.

        Raises BadData where it is not what is declared.
        """
        from jepascope.schema import TABLES
        from jepascope.schema.check import check

        contents = io.BytesIO()
        check(TABLES[table], frame).reset_index(drop=True).to_parquet(contents, index=False)
        self.write(f"{part_name(table, part)}.parquet", contents.getvalue())

    def table(self, name: str) -> pd.DataFrame:
        """A table that an earlier step wrote; a damaged one is refused with the way out."""
        from jepascope.schema.parquet import frame_of

        try:
            return frame_of(self.read(f"{name}.parquet"))
        except (ValueError, FileNotFoundError) as error:
            raise damaged(self.path / f"{name}.parquet", error, mended_with(self.path)) from None

    def part(self, name: str, tables: tuple[str, ...], make: Callable[[], tuple[pd.DataFrame, ...]]) -> tuple[pd.DataFrame, ...]:
        """Tables of one part of a step, read from ``parts/`` where a killed run left them."""
        names = [part_name(table, name) for table in tables]
        if not all(self.has(f"{part}.parquet") for part in names):
            for table, frame in zip(tables, make(), strict=True):
                self.write_table(table, frame, part=name)
        return tuple(self.table(part) for part in names)

    def write_json(self, name: str, value: Any) -> None:
        self.manifest.write(name, written(value), self.step)

    def json(self, name: str, default: Any = None) -> Any:
        """A JSON object of the folder; ``default`` where there is none."""
        if not self.has(name):
            return default
        try:
            return typed(name, self.read(name))
        except ValueError as error:
            if not self.heals:
                raise damaged(self.path / name, error, mended_with(self.path)) from None
            self._set_aside(name, str(error))
            return default

    def log(self, event: str, **details: Any) -> None:
        """One line in log.jsonl; a log that cannot be written never stops a study."""
        line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "event": event, **details}, default=str)
        self.files.append("log.jsonl", line)
