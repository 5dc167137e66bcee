"""Files that the user named: a spec, labels, a video, a checkpoint's parts. Links are followed, since what they lead to is what was meant.

Nothing is opened but regular files. A pipe, /dev/stdin among them, is refused: such files are read more than once, and read again when a
study goes on.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from jepascope.disk.entry import KINDS


class NoFile(OSError):
    """What lies at a path is no regular file, or is larger than is read; ``strerror`` says which."""

    def __str__(self) -> str:
        return str(self.strerror)


def check_named(path: Path) -> os.stat_result:
    """What is known of the regular file that ``path`` leads to; nothing is opened. NoFile for anything else, OSError as the system does."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise NoFile(errno.EINVAL, f"it is {KINDS.get(stat.S_IFMT(about.st_mode), 'something else')}, not a regular file", str(path))
    return about


def open_named(path: Path) -> BufferedReader:
    """The file, open for reading. Looks before it opens and again afterwards, as ``entry.opened`` does."""
    check_named(path)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NoFile(errno.EINVAL, "it is not a regular file any more", str(path))
    return open(descriptor, "rb")


def read_named(path: Path, most: int) -> bytes:
    """All bytes of the file, which are ``most`` or fewer."""
    with open_named(path) as file:
        contents = file.read(most + 1) if os.fstat(file.fileno()).st_size <= most else None
    if contents is None or len(contents) > most:
        raise NoFile(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return contents
