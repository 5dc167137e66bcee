"""Folder: everything that is done to the files of a run or a store goes through one.

Files are written in a working folder whose name cannot be guessed, and renamed: a file under its own name is whole. A working folder is
held by a lock for as long as its process lives, so that what a dead process left is known by the lock and not by a process number, which
means nothing on another machine or in another container.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from safetensors import SafetensorError

from jepascope.disk.entry import foreign, holding, kind_of, opened
from jepascope.disk.refusals import damaged, in_use, unreadable, unwritable
from jepascope.errors import RunFolderError

WORKING = ".writing-"
DIGITS = "[0-9a-f]" * 16  # of a working folder's name: what a user calls alike is left alone
HELD = "held"  # the lock in a working folder
LOCK = ".lock"  # of a folder that one process at a time writes
LARGEST = 1 << 28  # bytes of a file that is read whole: far more than a study writes


def is_own(name: str) -> bool:
    """Whether a file of that name is ours and says nothing: a lock, or what a process that was killed was writing."""
    return name == LOCK or name.startswith(WORKING)


@dataclass(frozen=True)
class Folder:
    """The files below ``root``, which the user named. Names are relative, with ``/``; no link below ``root`` is followed."""

    root: Path

    def kind(self, name: str) -> int | None:
        """What lies there, as ``stat.S_IFMT`` names it; None for nothing."""
        return kind_of(self.root, name)

    def has(self, name: str) -> bool:
        """Whether something lies there, of whatever kind; reading says whether it is a file."""
        return self.kind(name) is not None

    def names(self, pattern: str) -> list[str]:
        """Names of regular files that fit ``pattern``, sorted."""
        fitting = sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))
        return [name for name in fitting if self.kind(name) == stat.S_IFREG]

    def make(self, name: str = "") -> None:
        """Make the folder ``name``, and those above it, where they are missing."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            parts = PurePosixPath(name).parts
            for depth in range(len(parts)):
                below = "/".join(parts[: depth + 1])
                within = holding(self.root, below)
                try:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(parts[depth], dir_fd=within)
                finally:
                    os.close(within)
                kind = self.kind(below)
                if kind is not None and kind != stat.S_IFDIR:
                    raise foreign(self.root / below, kind, "a folder of its own")
        except OSError as error:
            raise unwritable(self.root / name, error) from None

    @contextlib.contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """The file, unbuffered. FileNotFoundError where there is none; RunFolderError where it cannot be read."""
        try:
            descriptor = opened(self.root, name)
        except (FileNotFoundError, NotADirectoryError):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root / name)) from None
        except OSError as error:
            raise unreadable(self.root / name, error) from None
        with open(descriptor, "rb", buffering=0) as file:
            yield file

    def read(self, name: str, most: int = LARGEST) -> bytes:
        """All bytes of a file, or RunFolderError where it is larger than ``most``. FileNotFoundError where there is none."""
        with self.reading(name) as file:
            if os.fstat(file.fileno()).st_size > most:
                raise damaged(self.root / name, f"it is larger than {most} bytes, more than any study writes")
            try:
                contents = b"".join(iter(lambda: file.read(1 << 22), b""))
            except OSError as error:
                refusal = damaged if error.errno == errno.EIO else unreadable  # a bad sector does not mend
                raise refusal(self.root / name, error) from None
        return contents

    @contextlib.contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path to write to that becomes the file ``name`` on success, and leaves nothing behind otherwise."""
        path = self.root / name
        self.make(str(PurePosixPath(name).parent))
        try:
            with self._working() as working:
                temporary = working / PurePosixPath(name).name
                yield temporary
                within = holding(self.root, name)
                try:
                    if self.kind(name) == stat.S_IFDIR:
                        raise foreign(path, stat.S_IFDIR)
                    os.rename(temporary, path.name, dst_dir_fd=within)  # replaces a link or a pipe, never what it leads to
                finally:
                    os.close(within)
        except (OSError, SafetensorError) as error:
            raise unwritable(path, error) from None

    def write(self, name: str, contents: bytes | str) -> None:
        """A file with these contents; text as UTF-8."""
        with self.writing(name) as temporary:
            temporary.write_bytes(contents.encode() if isinstance(contents, str) else contents)

    def append(self, name: str, line: str) -> None:
        """A line at the end of a file. Nothing happens where that cannot be, or where the file has another name elsewhere."""
        with contextlib.suppress(OSError, RunFolderError):
            descriptor = opened(self.root, name, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            with open(descriptor, "a", encoding="utf-8") as file:
                if os.fstat(file.fileno()).st_nlink == 1:
                    file.write(line + "\n")

    def remove(self, name: str) -> None:
        """Remove a file or link; nothing happens where there is none."""
        with contextlib.suppress(FileNotFoundError):
            within = holding(self.root, name)
            try:
                os.unlink(PurePosixPath(name).name, dir_fd=within)
            finally:
                os.close(within)

    def move(self, name: str, to: str) -> None:
        """Give whatever lies at ``name`` another name; links are moved, not followed. What lay at ``to`` is replaced."""
        self.make(str(PurePosixPath(to).parent))
        old, new = holding(self.root, name), holding(self.root, to)
        try:
            if stat.S_ISDIR(os.stat(PurePosixPath(name).name, dir_fd=old, follow_symlinks=False).st_mode):
                to = f"{to}-{secrets.token_hex(4)}"  # a folder replaces no other
            os.rename(PurePosixPath(name).name, PurePosixPath(to).name, src_dir_fd=old, dst_dir_fd=new)
        finally:
            os.close(old)
            os.close(new)

    def lock(self, name: str) -> IO[bytes] | None:
        """The file ``name``, locked until it is closed; None where another process holds it. Its contents are left as they are."""
        descriptor = opened(self.root, name, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return open(descriptor, "r+b", buffering=0)

    def hold(self) -> IO[bytes]:
        """Make the folder, lock it until what this returns is closed, and remove what dead processes left in it.

        RunFolderError where another process holds it, or where it cannot be written.
        """
        self.make()
        try:
            held = self.lock(LOCK)
        except OSError as error:
            raise unwritable(self.root, error) from None
        if held is None:
            raise in_use(self.root)
        self.sweep()
        return held

    def sweep(self) -> None:
        """Remove working folders whose process is dead, wherever it ran."""
        for working in self.root.glob(f"{WORKING}{DIGITS}"):
            with contextlib.suppress(OSError, RunFolderError):
                if stat.S_ISDIR(working.lstat().st_mode) and (held := Folder(working).lock(HELD)) is not None:
                    with held:
                        shutil.rmtree(working)

    @contextlib.contextmanager
    def _working(self) -> Iterator[Path]:
        """A new folder of this process's own."""
        while True:
            working = self.root / f"{WORKING}{secrets.token_hex(8)}"
            working.mkdir(mode=0o700)
            try:
                held = Folder(working).lock(HELD)
            except FileNotFoundError:  # another process swept it before it was held
                continue
            if held is not None:
                break
        try:
            yield working
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(working)
            held.close()
