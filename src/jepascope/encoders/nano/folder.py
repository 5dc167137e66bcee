"""The folder of a training: one process at a time, and never one that holds something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jepascope.disk.folder import Folder, is_own
from jepascope.errors import BadArgument

CHECKPOINT = "checkpoint.pt"
CURVES = "curves.jsonl"


@contextmanager
def training_folder(path: Path) -> Iterator[Folder]:
    """The folder, made where it is not there, locked until the block ends.

    BadArgument for a file, or for a folder of another making; RunFolderError where another process trains in it.
    """
    if path.exists() and not path.is_dir():
        raise BadArgument(f"'{path}' is a file; give a folder with --out.")
    files = Folder(path)
    strange = path.exists() and any(not is_own(entry.name) for entry in path.iterdir())
    if strange and not files.has(CHECKPOINT) and not files.has(CURVES):
        raise BadArgument(f"'{path}' is neither empty nor a training folder; nothing was changed. Choose another --out.")
    with files.hold():
        yield files
