"""What a folder of videos holds, and what a file holds, named without opening a video: so that a study knows its videos again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from jepascope.clips.video.files import find
from jepascope.disk.named import open_named

PART = 1 << 16  # bytes of a file's head and tail by which a folder is known
WHOLE = 8 << 20  # bytes of a file that is known by all of them; a larger one by a head, middle and tail of so many
LARGE_PART = 1 << 20


def folder_digest(folder: Path) -> str:
    """Names paths, sizes, heads and tails of all videos below a folder, and of the tables beside them that may hold labels.

    Raises BadArgument where there is no folder, or no video. A file that cannot be read counts as unreadable.
    """
    files = find(folder)
    root = Path(folder).expanduser().resolve()
    names = sorted([*(one.file for one in files.candidates), *(path.relative_to(root).as_posix() for path in files.tables)])
    digest = hashlib.sha256()
    for name in names:
        digest.update(f"{name}\0{_file(root / name)}\n".encode())
    return digest.hexdigest()[:16]


def content_digest(path: Path, size: int) -> str:
    """Names a file's content: all bytes of a file up to 8 MB, else its size, first, middle and last megabyte."""
    large = [(0, LARGE_PART), (size // 2, LARGE_PART), (size - LARGE_PART, LARGE_PART)]
    return _digest(path, size, [(0, size)] if size <= WHOLE else large)


def _file(path: Path) -> str:
    try:
        stat = path.stat()
        return _ends(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    except OSError as error:
        return f"unreadable {error.errno}"


@lru_cache(maxsize=1 << 18)
def _ends(path: Path, size: int, modified: int, inode: int) -> str:
    """Digest of size, head and tail; ``modified`` and ``inode`` are there for the cache."""
    return _digest(path, size, [(0, PART), *([(max(PART, size - PART), PART)] if size > PART else [])])


def _digest(path: Path, size: int, parts: Iterable[tuple[int, int]]) -> str:
    """Of a file's size and of the parts (from, bytes) of it."""
    digest = hashlib.sha256(str(size).encode())
    with open_named(path) as file:
        for start, count in parts:
            file.seek(start)
            digest.update(file.read(count))
    return digest.hexdigest()[:16]
