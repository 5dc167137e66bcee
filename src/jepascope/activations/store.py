"""Where captured activations lie: shards of 50 clips, in memory or as safetensors files that survive a kill.

On disk a capture is one folder, named by the digest of everything that its numbers depend on::

    manifest.json            what was captured, and the checksum of every shard that is done
    shard-00000.safetensors  clips 0..49: pooled.all, pooled.object (clips, layers, width), object_mask (clips, tokens),
                             tokens.<layer> (clips, tokens, width), moments.<layer>.<selection>.{count,mean,covariance}

Every file is written under a temporary name and renamed. The manifest is the list of what is done: a shard that it does
not name, or whose checksum differs, is computed again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import zlib
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from jepascope.errors import RunFolderError

FORMAT = "jepascope-activations-2"  # 2: object tokens are the places passed, at all times
SHARD = 50  # clips a file

log = logging.getLogger(__name__)


@runtime_checkable
class Store(Protocol):
    """Holds shards. ``read`` returns everything but the tokens, or None where the shard has to be computed."""

    def read(self, index: int) -> dict[str, Tensor] | None: ...
    def write(self, index: int, tensors: dict[str, Tensor]) -> None: ...
    def tokens(self, index: int, layer: int, rows: Tensor, span: slice = slice(None)) -> Tensor: ...


class MemoryStore:
    """Keeps everything; for studies that are not written to disk."""

    def __init__(self) -> None:
        self.shards: dict[int, dict[str, Tensor]] = {}

    def read(self, index: int) -> dict[str, Tensor] | None:
        return self.shards.get(index)

    def write(self, index: int, tensors: dict[str, Tensor]) -> None:
        self.shards[index] = tensors

    def tokens(self, index: int, layer: int, rows: Tensor, span: slice = slice(None)) -> Float[Tensor, "rows tokens width"]:
        return self.shards[index][f"tokens.{layer}"][:, span][rows]


class DiskStore:
    """Shards in a folder under ``root`` named by the digest of ``description``."""

    def __init__(self, root: Path, description: dict[str, Any]) -> None:
        self.description = {"format": FORMAT, "shard_clips": SHARD, **description}
        self.folder = root / digest_of(self.description)
        self.damage_said = False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self.done = self._read_manifest()

    def path(self, index: int) -> Path:
        return self.folder / f"shard-{index:05d}.safetensors"

    def read(self, index: int) -> dict[str, Tensor] | None:
        expected = self.done.get(str(index))
        if expected is None:
            return None
        try:
            if checksum(self.path(index)) != expected:
                raise OSError("its checksum differs")
            with safe_open(self.path(index), framework="pt") as file:
                return {key: file.get_tensor(key) for key in file.keys() if not key.startswith("tokens.")}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            self._say_damaged(self.path(index), error)
            return None

    def write(self, index: int, tensors: dict[str, Tensor]) -> None:
        path = self.path(index)
        temporary = path.with_suffix(".tmp")
        try:
            save_file(tensors, temporary)
            self.done[str(index)] = checksum(temporary)
            temporary.replace(path)
            self._write_manifest()
        except (OSError, SafetensorError) as error:
            temporary.unlink(missing_ok=True)
            self.done.pop(str(index), None)
            raise _unwritable(path, error) from None

    def tokens(self, index: int, layer: int, rows: Tensor, span: slice = slice(None)) -> Float[Tensor, "rows tokens width"]:
        try:
            # the file is mapped, so only the rows and tokens asked for are read from disk
            with safe_open(self.path(index), framework="pt") as file:
                return file.get_tensor(f"tokens.{layer}")[:, span][rows]  # type: ignore[no-any-return]
        except (OSError, SafetensorError) as error:
            raise RunFolderError(f"'{self.path(index)}' cannot be read any more ({error}); run again, which computes it anew.") from None

    def _read_manifest(self) -> dict[str, int]:
        path = self.folder / "manifest.json"
        try:
            manifest = json.loads(path.read_text())
            return {str(key): int(value) for key, value in manifest["shards"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._say_damaged(path, error)
            return {}

    def _write_manifest(self) -> None:
        temporary = self.folder / "manifest.tmp"
        try:
            temporary.write_text(json.dumps({**self.description, "shards": self.done}, indent=1, sort_keys=True))
            temporary.replace(self.folder / "manifest.json")
        finally:
            temporary.unlink(missing_ok=True)

    def _say_damaged(self, path: Path, error: Exception) -> None:
        if not self.damage_said:
            log.warning("'%s' is damaged (%s); what it held is computed again.", path, error)
        self.damage_said = True


def digest_of(description: dict[str, Any]) -> str:
    """Name of a capture: SHA-256 of its description in canonical JSON."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()[:16]


def checksum(path: Path) -> int:
    """CRC-32 of a file's bytes."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            value = zlib.crc32(block, value)
    return value


def _unwritable(path: Path, error: Exception) -> RunFolderError:
    # safetensors reports the system's errors in its own type, as text
    full = getattr(error, "errno", None) == errno.ENOSPC or f"os error {errno.ENOSPC}" in str(error)
    if full:
        return RunFolderError(
            f"The disk is full: '{path}' could not be written. Free some space or choose another folder, and run again; "
            "finished shards are kept."
        )
    reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return RunFolderError(f"'{path}' could not be written ({reason}). Choose a folder that you can write to, and run again.")
