"""What lies in a folder of runs: each run with its state, its headline and its age. Reads small files alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepascope.disk.folder import Folder
from jepascope.disk.plain import parsed
from jepascope.errors import BadArgument, JepascopeError
from jepascope.findings.names import short
from jepascope.study.files import SPEC, read_json

LOG = "log.jsonl"
DEPTH = 2  # folders below the one that is asked for
MOST_LOG = 1 << 20  # bytes of the log that are read, from its end


@dataclass(frozen=True)
class FoundRun:
    """``state``: finished, unfinished (with the step it came to), or why it cannot be read. ``headline``: what it found, "" before.
    ``changed``: when it was last written to, in seconds since the epoch."""

    path: Path
    state: str
    changed: float
    model: str = ""
    clips: str = ""
    variable: str = ""
    headline: str = ""


def runs_in(folder: Path) -> list[FoundRun]:
    """Every run in a folder or in folders of it, the one that was written to last first. BadArgument where there is no such folder."""
    if not folder.is_dir():
        raise BadArgument(
            f"There is no folder '{folder}'; name one that runs were written to, or make one: jepascope run --out {folder}/first"
        )
    found = [_read(path) for path in _folders(folder, DEPTH)]
    return sorted(found, key=lambda run: (-run.changed, str(run.path)))


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / SPEC).is_file():
        yield folder
    elif depth:
        for path in sorted(folder.iterdir()):
            if path.is_dir() and not path.is_symlink() and not path.name.startswith("."):
                try:
                    yield from _folders(path, depth - 1)
                except OSError:  # a folder that may not be listed holds no run of ours to show
                    continue


def _read(path: Path) -> FoundRun:
    changed = max(file.stat().st_mtime for name in (SPEC, LOG, "summary.json") if (file := path / name).is_file())
    try:
        summary = read_json(path / "summary.json", {})
    except JepascopeError as error:
        return FoundRun(path, short(str(error), 200), changed)
    if not summary:
        return FoundRun(path, f"unfinished{_step(path / LOG)}", changed)
    model, clips, variable = (short(str(summary.get(name, ""))) for name in ("model", "clips", "variable"))
    return FoundRun(path, "finished", changed, model, clips, variable, title_in(summary))


def title_in(summary: Mapping[str, Any]) -> str:
    """What a run found in one sentence: its title, or of an earlier version the first sentence of its headline."""
    return short(str(summary.get("title") or summary.get("headline") or "").split(". ")[0], 200)


def _step(log: Path) -> str:
    """The step that it came to, by the last line of the log that names one."""
    try:
        with Folder(log.parent).reading(log.name) as file:
            file.seek(max(0, log.stat().st_size - MOST_LOG))
            lines = file.read().decode(errors="replace").splitlines()
    except (OSError, JepascopeError):
        return ""
    for line in reversed(lines):
        try:
            step = parsed(line).get("step")
        except ValueError:
            continue
        if isinstance(step, str):
            return f", at {short(step)}"
    return ""
