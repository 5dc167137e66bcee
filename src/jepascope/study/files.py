"""Names of files of a run folder, and the commands that make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jepascope.catalog import file_name
from jepascope.disk.folder import Folder
from jepascope.disk.manifest import Manifest
from jepascope.disk.plain import read_object
from jepascope.disk.refusals import Damaged, damaged
from jepascope.errors import RunFolderError, quoted
from jepascope.findings.stored import typed

SPEC = "spec.yaml"


def subspace_name(finder: str, layer: int, below: str = "") -> str:
    """Where the subspace of a finder lies in its run folder."""
    return "/".join(part for part in ("subspaces", below, f"{file_name(finder)}-layer{layer}.safetensors") if part)


def part_name(table: str, part: str) -> str:
    """Where a table lies in its folder, without the ending; ``part``: a finished piece of it, for resuming."""
    return f"parts/{table}-{part}" if part else table


def read_json(path: Path, default: Any = None) -> Any:
    """A JSON object, as the folder's list knows it; ``default`` where there is no file, RunFolderError where it is damaged."""
    try:
        return typed(path.name, Manifest(Folder(path.parent)).read(path.name))
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise damaged(path, error) from None


def run_line(folder: Path | str, out: Path | str, dtype: str = "float32") -> str:
    """The command that runs the study of a run folder, in a precision."""
    precision = "" if dtype == "float32" else f" --dtype {quoted(dtype)}"
    return f"jepascope run {quoted(Path(folder) / SPEC)} --out {quoted(out)}{precision}"


def resume_line(folder: Path) -> str:
    """The command that goes on with a run, from its folder alone, in the precision that it began in."""
    try:
        dtype = read_object(Folder(folder), "provenance.json").get("dtype")  # listed or not: it only advises
    except (RunFolderError, FileNotFoundError):
        dtype = None
    return run_line(folder, folder, dtype if isinstance(dtype, str) else "float32")


def mended_with(folder: Path) -> str:
    """The remedy for a file that is not what was written."""
    return f"Make it again with: {resume_line(folder)}"


def known_best(folder: Path) -> int | None:
    """The layer that a run makes its claims for, by its summary; None where it has not come so far."""
    try:
        best: int | None = read_json(folder / "summary.json", {}).get("best_layer")
    except Damaged as error:
        raise error.mended_by(mended_with(folder)) from None
    return best
