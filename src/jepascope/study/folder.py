"""The run folder: one study's spec, tables, subspaces and log. Everything is written under a temporary name and renamed."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jepascope.errors import BadArgument, JepascopeError, RunFolderError
from jepascope.study.files import SPEC, part_name, read_json, write_json, writing
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec, read_spec
from jepascope.study.trust import code_named

if TYPE_CHECKING:
    import pandas as pd

LOCK = ".lock"
LABELS = "labels.csv"
LEFT_BY_A_KILL = frozenset({LOCK, f"{SPEC}.tmp", LABELS, f"{LABELS}.tmp"})  # all that a run killed in its first moments leaves


def _same_study(saved: Path, spec: StudySpec) -> None:
    try:
        theirs = make_spec(read_spec(saved, code_named(spec.model_dump())), f"'{saved}'")
    except JepascopeError as error:
        raise RunFolderError(
            f"{error} It names the study that the folder holds: put it back, or choose another --out; nothing was changed."
        ) from None
    mine, other = spec.identity(), theirs.identity()
    if spec.of_videos and theirs.of_videos and mine["clips_digest"] != other["clips_digest"] and spec.clips == theirs.clips:
        raise BadArgument(
            f"The videos in '{spec.clips}' changed since the run in '{saved.parent}' began; put them back, or choose another --out."
        )
    differing = ", ".join(f"{key} is {other.get(key)!r} there and {mine[key]!r} here" for key in mine if mine[key] != other.get(key))
    if differing:
        raise BadArgument(f"'{saved.parent}' holds another study ({differing}); nothing was changed. Choose another --out.")


class Run:
    """A run folder in use by this process."""

    def __init__(self, path: Path, spec: StudySpec) -> None:
        self.path, self.spec = path, spec
        self._lock: IO[str] | None = None

    @classmethod
    def open(cls, path: Path, spec: StudySpec) -> Run:
        """Create the folder or go on with it. A folder of another study, or in use by another process, is refused."""
        cls.check(path, spec)
        run = cls(path, spec)
        run._acquire()
        saved = path / SPEC
        try:
            if not saved.exists():
                run._keep_labels()
                with writing(saved) as temporary:
                    temporary.write_text(run._saved().to_yaml())
        except BaseException:
            run.close()
            raise
        if spec.labels is not None:
            run.spec = spec.model_copy(update={"labels": str(path / LABELS)})  # from here on the copy is read
        return run

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
        source, copy = Path(self.spec.labels).expanduser(), self.path / LABELS
        contents = source.read_bytes()
        if copy.exists() and copy.read_bytes() != contents:
            raise BadArgument(f"'{self.path}' holds a labels.csv of its own; nothing was changed. Choose another --out.")
        if not copy.exists():
            with writing(copy) as temporary:
                temporary.write_bytes(contents)

    @staticmethod
    def check(path: Path, spec: StudySpec) -> None:
        """Refuse a folder that cannot be used for this study. Nothing is written, so that a later refusal leaves no folder behind."""
        saved = path / SPEC
        if path.exists() and not path.is_dir():
            raise BadArgument(f"'{path}' is a file; give a folder with --out.")
        if saved.exists():
            _same_study(saved, spec)
        elif path.exists() and any(entry.name not in LEFT_BY_A_KILL for entry in path.iterdir()):
            raise BadArgument(f"'{path}' is neither empty nor a run folder; nothing was changed. Choose another --out.")
        parent = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
            raise RunFolderError(
                f"'{path}' cannot be written ('{parent}' is not a writable folder); make it writable, or choose another folder."
            )

    def _acquire(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / LOCK).open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise RunFolderError(f"'{self.path}' is in use by another jepascope process; wait for it or choose another --out.") from None
        except OSError as error:
            self.close()
            raise RunFolderError(
                f"'{self.path}' cannot be written ({error.strerror}); make it writable, or choose another folder."
            ) from None

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
        return self.path / "activations"

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def write_table(self, table: str, frame: pd.DataFrame, part: str = "") -> None:
        """A table as jepascope.schema declares it, tidy, without an index: ``table.parquet``, or a ``part`` of it in ``parts/``.

        Raises BadData where it is not what is declared.
        """
        from jepascope.schema import TABLES
        from jepascope.schema.check import check

        with writing(self.path / f"{part_name(table, part)}.parquet") as temporary:
            check(TABLES[table], frame).reset_index(drop=True).to_parquet(temporary, index=False)

    def table(self, name: str) -> pd.DataFrame:
        """A table that an earlier step wrote; a damaged one is refused with the way out."""
        import pandas as pd

        path = self.path / f"{name}.parquet"
        try:
            return pd.read_parquet(path)
        except Exception as error:  # pyarrow raises many kinds; each means the file is not what was written
            raise RunFolderError(
                f"'{path}' cannot be read ({str(error).splitlines()[0][:200]}); delete it and run again to make it anew."
            ) from None

    def part(self, name: str, tables: tuple[str, ...], make: Callable[[], tuple[pd.DataFrame, ...]]) -> tuple[pd.DataFrame, ...]:
        """Tables of one part of a step, read from ``parts/`` where a killed run left them."""
        names = [part_name(table, name) for table in tables]
        if not all(self.has(f"{part}.parquet") for part in names):
            for table, frame in zip(tables, make(), strict=True):
                self.write_table(table, frame, part=name)
        return tuple(self.table(part) for part in names)

    def write_json(self, name: str, value: Any) -> None:
        write_json(self.path / name, value)

    def json(self, name: str, default: Any = None) -> Any:
        return read_json(self.path / name, default)

    def log(self, event: str, **details: Any) -> None:
        """One line in log.jsonl; a log that cannot be written never stops a study."""
        line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "event": event, **details}, default=str)
        with contextlib.suppress(OSError), (self.path / "log.jsonl").open("a") as file:
            file.write(line + "\n")
