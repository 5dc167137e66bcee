"""Files of a run folder: written under a temporary name and renamed, and read so that a damaged one is one sentence."""

from __future__ import annotations

import contextlib
import errno
import glob
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from jepascope.catalog import file_name
from jepascope.errors import RunFolderError, quoted

SPEC = "spec.yaml"


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary name beside ``path`` that becomes it on success; a full or read-only disk is one sentence."""
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            for left in path.parent.glob(f"{glob.escape(temporary.name)}*"):  # a writer may use a temporary name of its own
                left.unlink()
        if not isinstance(error, OSError | SafetensorError):
            raise
        # safetensors reports the system's errors in its own type, as text
        if getattr(error, "errno", None) == errno.ENOSPC or f"os error {errno.ENOSPC}" in str(error):
            raise RunFolderError(
                f"The disk is full: '{path}' could not be written. Free some space and run the same command again; finished steps are kept."
            ) from None
        reason = getattr(error, "strerror", None) or error
        raise RunFolderError(f"'{path}' could not be written ({reason}). Make the folder writable, or choose another one.") from None


def subspace_file(run: Path, finder: str, layer: int, below: str = "") -> Path:
    """Where the subspace of a finder lies in a run folder."""
    return run / "subspaces" / below / f"{file_name(finder)}-layer{layer}.safetensors"


def part_name(table: str, part: str) -> str:
    """Where a table lies in its folder, without the ending; ``part``: a finished piece of it, for resuming."""
    return f"parts/{table}-{part}" if part else table


def write_json(path: Path, value: Any) -> None:
    with writing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path, default: Any = None) -> Any:
    """A JSON object; ``default`` where there is no file, RunFolderError where it is damaged."""
    if not path.exists():
        return default
    try:
        value = json.loads(path.read_text())
        if not isinstance(value, dict):
            raise ValueError("it holds no JSON object")
        return value
    except (OSError, ValueError, RecursionError) as error:
        raise RunFolderError(f"'{path}' cannot be read ({error}); delete it and run again.") from None


def run_line(folder: Path | str, out: Path | str, dtype: str = "float32") -> str:
    """The command that runs the study of a run folder, in a precision."""
    precision = "" if dtype == "float32" else f" --dtype {quoted(dtype)}"
    return f"jepascope run {quoted(Path(folder) / SPEC)} --out {quoted(out)}{precision}"


def resume_line(folder: Path) -> str:
    """The command that goes on with a run, from its folder alone, in the precision that it began in."""
    try:
        dtype = read_json(folder / "provenance.json", {}).get("dtype")
    except RunFolderError:
        dtype = None
    return run_line(folder, folder, dtype if isinstance(dtype, str) else "float32")


def known_best(folder: Path) -> int | None:
    """The layer that a run makes its claims for, by its summary; None where it has not come so far."""
    best = read_json(folder / "summary.json", {}).get("best_layer")
    return best if isinstance(best, int) and not isinstance(best, bool) else None
