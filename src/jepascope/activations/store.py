"""Where captured activations lie: shards of up to 50 clips, in memory or as safetensors files that survive a kill.

docs/store.md is the protocol on disk; where it and this code disagree, one of them is a bug. Every file is written under a temporary
name and renamed, so that what is there is whole: the shards that lie in the folder are the list of what is done, and nothing that
grows with them is ever written again.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import IO, Protocol, runtime_checkable

from safetensors.torch import save_file
from torch import Tensor

from jepascope.activations.layout import Layout, canonical, described, digest_of
from jepascope.activations.shard_file import check_shard, described_tensors, read_part, signature
from jepascope.disk.folder import Folder
from jepascope.disk.refusals import Unreadable
from jepascope.errors import BadData, RunFolderError

log = logging.getLogger(__name__)


@runtime_checkable
class Store(Protocol):
    """Holds shards, each a dictionary of tensors as ``Layout.tensors`` lists them."""

    def has(self, shard: int) -> bool:
        """Whether a shard is there and whole; where not, it has to be computed."""

    def write(self, shard: int, tensors: dict[str, Tensor]) -> None: ...

    def read(self, shard: int, key: str, rows: Tensor | None = None, layer: int | None = None, span: slice = slice(None)) -> Tensor:
        """Some of a tensor of a shard that is there, and only that much is read: of its layer ``layer`` (where layers come first)
        the clips ``rows``, and of each of them the positions ``span``. Without rows it may be what is kept: do not change it."""


class MemoryStore:
    """Keeps everything; for studies that are not written to disk."""

    def __init__(self) -> None:
        self.shards: dict[int, dict[str, Tensor]] = {}

    def has(self, shard: int) -> bool:
        return shard in self.shards

    def write(self, shard: int, tensors: dict[str, Tensor]) -> None:
        self.shards[shard] = tensors

    def read(self, shard: int, key: str, rows: Tensor | None = None, layer: int | None = None, span: slice = slice(None)) -> Tensor:
        found = self.shards[shard][key]
        found = found if layer is None else found[layer]
        return found if rows is None else found[:, span][rows]


Stamp = tuple[int, int, int]


def stamp(about: os.stat_result) -> Stamp:
    """What stays as it is while nobody writes to a file or puts another in its place: inode, size and time of the last change."""
    return about.st_ino, about.st_size, about.st_mtime_ns


class DiskStore:
    """The shards of one capture in a folder below ``root``, named by the digest of everything that its numbers depend on.

    ``encoder``, ``clips``: their digests; ``transform``: the name of what changed the pixels. Several processes may write into one
    folder, also the same shards.
    """

    def __init__(self, root: Path, layout: Layout, encoder: str, clips: str, transform: str = "") -> None:
        self.layout = layout
        manifest = described(layout, encoder, clips, transform)
        self.digest = digest_of(manifest)
        self.files, self.folder = Folder(root), root / self.digest
        self.damage_said = False
        self._whole = dict[int, Stamp]()  # of shards that were checked, or written, by this process
        self._open(canonical(manifest))

    def _name(self, shard: int) -> str:
        return f"{self.digest}/shard-{shard:05d}.safetensors"

    def path(self, shard: int) -> Path:
        return self.files.root / self._name(shard)

    def has(self, shard: int) -> bool:
        self._whole.pop(shard, None)
        try:
            with self.files.reading(self._name(shard)) as file:
                self._check(file, shard)
        except FileNotFoundError:
            return False
        except Unreadable:
            raise
        except (RunFolderError, OSError, ValueError, TypeError, RecursionError) as error:
            self._say_damaged(self.path(shard), error)
            return False
        return True

    def _check(self, file: IO[bytes], shard: int) -> None:
        """Read a shard whole where it is not the file that was checked: it may have been damaged since, or written by another process."""
        now = stamp(os.fstat(file.fileno()))
        if self._whole.get(shard) != now:
            check_shard(file, self.digest, shard, self.layout.tensors(shard))
            file.seek(0)
            self._whole[shard] = now

    def write(self, shard: int, tensors: dict[str, Tensor]) -> None:
        expected, given = self.layout.tensors(shard), described_tensors(tensors)
        if given != expected:
            differing = sorted(key for key in {*expected, *given} if expected.get(key) != given.get(key))
            raise BadData(
                f"Shard {shard} of a capture should hold '{differing[0]}' as {expected.get(differing[0])}, "
                f"not {given.get(differing[0])}; the encoder changed its width, tokens or precision on the way."
            )
        with self.files.writing(self._name(shard)) as path:
            save_file(tensors, path, signature(self.digest, shard, tensors))
            written = stamp(path.stat())
        self._whole[shard] = written

    def read(self, shard: int, key: str, rows: Tensor | None = None, layer: int | None = None, span: slice = slice(None)) -> Tensor:
        try:
            with self.files.reading(self._name(shard)) as file:
                self._check(file, shard)
                return read_part(file, key, rows, layer, span)
        except Unreadable:
            raise
        except (RunFolderError, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunFolderError(f"'{self.path(shard)}' cannot be read any more ({error}); run again, which computes it anew.") from None

    def _open(self, manifest: str) -> None:
        name = f"{self.digest}/manifest.json"
        self.files.make(self.digest)
        try:
            there = self.files.read(name)
        except FileNotFoundError:
            there = None
        except Unreadable:
            raise
        except RunFolderError as error:
            there = str(error).encode()
        if there != manifest.encode():
            if there is not None:
                self._say_damaged(self.files.root / name, ValueError("it does not say what its folder's name says"))
            self.files.write(name, manifest)
        self.files.sweep()

    def _say_damaged(self, path: Path, error: Exception) -> None:
        if not self.damage_said:
            log.warning("'%s' is damaged (%s); what it held is computed again.", path, error)
        self.damage_said = True
