"""Whether a run is as it was written: files that its lists name, those of folders inside it, and every shard of its captures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jepascope.activations.shard_file import check_sums
from jepascope.disk.folder import Folder
from jepascope.disk.manifest import MEANINGS, NAME, Manifest, digest
from jepascope.errors import BadArgument, RunFolderError
from jepascope.study.files import SPEC, resume_line
from jepascope.study.folder import LISTED

UNCHECKED = "no list says what it was when it was written"


@dataclass(frozen=True)
class FileState:
    """One file, by its name below the run: ``whole``, or what is wrong with it."""

    name: str
    whole: bool
    meaning: str
    step: str = ""


def file_states(run: Path) -> list[FileState]:
    """Every file of a run that is listed or should be, and every shard. Reads all of them; changes nothing."""
    if not (run / SPEC).is_file():
        raise BadArgument(f"'{run}' is no run folder: it has no {SPEC}. Give the folder that 'jepascope run --out' wrote.")
    inside = sorted(path.parent for path in run.glob(f"*/{NAME}") if not path.parent.is_symlink() and (path.parent / SPEC).is_file())
    listed = [state for folder in (run, *inside) for state in _listed(run, folder)]
    captures = [path for pattern in ("manifest.json", "shard-*.safetensors") for path in run.glob(f"**/activations/*/{pattern}")]
    return [*listed, *(_captured(run, path) for path in sorted(captures))]


def repair(run: Path) -> str:
    """The command that makes again what is not whole."""
    return resume_line(run)


def _listed(run: Path, folder: Path) -> Iterator[FileState]:
    below = "" if folder == run else f"{folder.relative_to(run)}/"
    files = Folder(folder)
    try:
        manifest = Manifest(files)
    except RunFolderError as error:
        yield FileState(f"{below}{NAME}", False, str(error))
        return
    for name in sorted({*manifest.files, *(name for pattern in LISTED for name in files.names(pattern))}):
        if not manifest.known:
            yield FileState(f"{below}{name}", True, UNCHECKED)
            continue
        state = manifest.state(name)
        step = manifest.files[name].step if name in manifest.files else ""
        yield FileState(f"{below}{name}", state == "whole", MEANINGS[state], step)


def _captured(run: Path, path: Path) -> FileState:
    """A shard, which carries its checksums, or the list of a capture, whose folder's name is its digest."""
    name = str(path.relative_to(run))
    try:
        if path.suffix == ".json":
            contents = Folder(path.parent).read(path.name)
            if digest(contents)[: len(path.parent.name)] != path.parent.name:
                raise ValueError(MEANINGS["damaged"])
        else:
            with Folder(path.parent).reading(path.name) as file:
                check_sums(file)
    except (RunFolderError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        return FileState(name, False, str(error), "capture")
    return FileState(name, True, MEANINGS["whole"], "capture")
