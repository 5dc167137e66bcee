"""What is said when a file cannot be written or read. What a remedy asks to delete is damaged, never merely out of reach."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from safetensors import SafetensorError

from jepascope.disk.shortage import HANDLES, REMEDIES, shortage
from jepascope.errors import RunFolderError

AGAIN = "Free some space and run the same command again; what is finished is kept."


def unwritable(path: Path, error: OSError | SafetensorError) -> RunFolderError:
    """``path`` could not be written."""
    # safetensors reports the system's errors in its own type, as text
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOSPC, errno.EDQUOT) or f"os error {errno.ENOSPC}" in str(error):
        return RunFolderError(f"The disk is full: '{path}' could not be written. {AGAIN}")
    if (lack := shortage(error)) == HANDLES:
        return RunFolderError(f"'{path}' could not be written: {lack}. {REMEDIES[lack]} and run again.")
    reason = os.strerror(number) if number else str(error)
    return RunFolderError(f"'{path}' could not be written ({reason}). Make the folder writable, or choose another one, and run again.")


class InUse(RunFolderError):
    """Another process has a folder in hand."""


def in_use(path: Path) -> InUse:
    """Another process has ``path`` in hand."""
    return InUse(f"'{path}' is in use by another jepascope process; wait for it or choose another --out.")


class Unreadable(RunFolderError):
    """A file is there and may be whole, but the system does not let it be read: nothing is to be made again in its place."""


def unreadable(path: Path, error: OSError) -> Unreadable:
    """``path`` is there and may be whole, but the system does not let it be read."""
    if (lack := shortage(error)) == HANDLES:
        return Unreadable(f"'{path}' could not be opened: {lack}. {REMEDIES[lack]} and run again.")
    reason = os.strerror(error.errno) if error.errno else str(error)
    return Unreadable(f"'{path}' could not be read ({reason}). Make it readable and run again.")


class Damaged(RunFolderError):
    """A file was read and is not what was written. ``what`` says so without the remedy, which depends on who reads."""

    def __init__(self, what: str, repair: str) -> None:
        super().__init__(f"{what}. {repair}")
        self.what = what

    def mended_by(self, repair: str) -> Damaged:
        """The same with another remedy."""
        return Damaged(self.what, repair)


def damaged(path: Path, reason: object, repair: str = "Run the study again with the same --out, which makes it anew.") -> Damaged:
    """``path`` was read and is not what was written."""
    first = (str(reason).splitlines() or [type(reason).__name__])[0][:200]
    return Damaged(f"'{path}' is damaged ({first})", repair)
