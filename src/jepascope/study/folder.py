"""The run folder: one study's spec, tables, subspaces and log. Everything is written under a temporary name and renamed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jepascope.errors import BadArgument, RunFolderError
from jepascope.study.spec import StudySpec, make_spec, read_spec

if TYPE_CHECKING:
    import pandas as pd


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes it on success; a full or read-only disk is one sentence."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if error.errno == errno.ENOSPC:
            raise RunFolderError(
                f"The disk is full: '{path}' could not be written. Free some space and run the same command again; finished steps are kept."
            ) from None
        raise RunFolderError(
            f"'{path}' could not be written ({error.strerror or error}). Choose a folder you can write to with --out."
        ) from None


class Run:
    """A run folder in use by this process."""

    def __init__(self, path: Path, spec: StudySpec) -> None:
        self.path, self.spec = path, spec
        self._lock: IO[str] | None = None

    @classmethod
    def open(cls, path: Path, spec: StudySpec) -> Run:
        """Create the folder or go on with it. A folder of another study, or in use by another process, is refused."""
        saved = path / "spec.yaml"
        if path.exists() and not path.is_dir():
            raise BadArgument(f"'{path}' is a file; give a folder with --out.")
        if saved.exists():
            theirs = make_spec(read_spec(saved), f"'{saved}'")
            if theirs.digest != spec.digest:
                mine, other = spec.model_dump(), theirs.model_dump()
                differing = ", ".join(f"{key} is {other[key]!r} there and {mine[key]!r} here" for key in mine if mine[key] != other[key])
                raise BadArgument(f"'{path}' holds another study ({differing}); nothing was changed. Choose another --out.")
        elif path.exists() and any(path.iterdir()):
            raise BadArgument(f"'{path}' is neither empty nor a run folder; nothing was changed. Choose another --out.")
        run = cls(path, spec)
        run._acquire()
        if not saved.exists():
            with writing(saved) as temporary:
                temporary.write_text(spec.to_yaml())
        return run

    def _acquire(self) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / ".lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunFolderError(f"'{self.path}' is in use by another jepascope process; wait for it or choose another --out.") from None
        except OSError as error:
            raise RunFolderError(
                f"'{self.path}' cannot be written ({error.strerror}); choose a folder you can write to with --out."
            ) from None

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def activations(self) -> Path:
        return self.path / "activations"

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """``name.parquet``, tidy, without an index."""
        with writing(self.path / f"{name}.parquet") as temporary:
            table.reset_index(drop=True).to_parquet(temporary, index=False)

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

    def write_json(self, name: str, value: Any) -> None:
        with writing(self.path / name) as temporary:
            temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")

    def json(self, name: str, default: Any = None) -> Any:
        path = self.path / name
        if not path.exists():
            return default
        try:
            return json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise RunFolderError(f"'{path}' cannot be read ({error}); delete it and run again.") from None

    def log(self, event: str, **details: Any) -> None:
        """One line in log.jsonl; a log that cannot be written never stops a study."""
        line = json.dumps({"time": time.strftime("%Y-%m-%dT%H:%M:%S"), "event": event, **details}, default=str)
        with contextlib.suppress(OSError), (self.path / "log.jsonl").open("a") as file:
            file.write(line + "\n")
