"""Opening one file of a folder that may come from a stranger: no link is followed, and nothing is opened but a regular file.

A folder that somebody sends can hold links to files elsewhere, pipes that never end and devices; `tar` and `rsync` keep all of them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath

from jepascope.errors import RunFolderError

KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}
MODE = 0o666  # of new files, before the user's umask


class Foreign(RunFolderError):
    """A link, a pipe or something else lies where a run folder has a file or a folder."""


def foreign(path: Path, mode: int, wanted: str = "a file of its own") -> Foreign:
    """What lies at ``path`` is not what a run folder holds there."""
    return Foreign(
        f"'{path}' is {KINDS.get(stat.S_IFMT(mode), 'no regular file')}, where a run folder has {wanted}; nothing was read or written "
        "through it. Remove it and run again."
    )


def holding(root: Path, name: str) -> int:
    """Descriptor of the folder that holds ``name`` below ``root``. ``root`` may be a link, as the user named it; nothing below may.

    Raises FileNotFoundError where a folder is missing, RunFolderError where one is a link or no folder.
    """
    current, path = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), root
    try:
        for part in PurePosixPath(name).parts[:-1]:
            path = path / part
            mode = os.stat(part, dir_fd=current, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(mode):
                raise foreign(path, mode, "a folder of its own")
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            os.close(current)
            current = below
    except BaseException:
        os.close(current)
        raise
    return current


def opened(root: Path, name: str, flags: int = os.O_RDONLY) -> int:
    """Descriptor of the regular file ``name`` below ``root``.

    Looks before it opens, since opening a device may do something, and again afterwards, since it may have been exchanged.
    Raises RunFolderError for a link, pipe, socket, device or folder; OSError as the system does for everything else.
    """
    last, path = PurePosixPath(name).name, root / name
    folder = holding(root, name)
    try:
        try:
            mode = os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                raise
        else:
            if not stat.S_ISREG(mode):
                raise foreign(path, mode)
        try:
            descriptor = os.open(last, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, MODE, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                raise foreign(path, stat.S_IFLNK if error.errno == errno.ELOOP else stat.S_IFIFO) from None
            raise
    finally:
        os.close(folder)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise foreign(path, mode)
    return descriptor


def kind_of(root: Path, name: str) -> int | None:
    """Kind of what lies at ``name`` below ``root``, as ``stat.S_IFMT`` names it; None for nothing. A link is a link."""
    try:
        folder = holding(root, name)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return stat.S_IFMT(os.stat(PurePosixPath(name).name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return None
    finally:
        os.close(folder)
