"""What a folder of videos holds, named in a moment: so that a study knows its videos again without opening one."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from jepascope.clips.video.files import find

PART = 1 << 16  # bytes of a file's head and tail that are hashed


def folder_digest(folder: Path) -> str:
    """Names paths, sizes, heads and tails of all videos below a folder, and of the tables beside them that may hold labels.

    Raises BadArgument where there is no folder, or no video. A file that cannot be read counts as unreadable.
    """
    found = find(folder)
    root = Path(folder).expanduser().resolve()
    names = sorted([*(one.file for one in found.candidates), *(path.relative_to(root).as_posix() for path in found.tables)])
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{_file(root / name)}\n".encode())
    return digest.hexdigest()[:16]


def _file(path: Path) -> str:
    try:
        stat = path.stat()
        return _ends(str(path), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    except OSError as error:
        return f"unreadable {error.errno}"


@lru_cache(maxsize=1 << 18)
def _ends(path: str, size: int, modified: int, inode: int) -> str:
    """Digest of size, head and tail; ``modified`` and ``inode`` are there for the cache."""
    digest = hashlib.sha256(str(size).encode())
    with open(path, "rb") as file:
        digest.update(file.read(PART))
        if size > PART:
            file.seek(max(PART, size - PART), os.SEEK_SET)
            digest.update(file.read(PART))
    return digest.hexdigest()[:16]
