"""A file that torch.save wrote, read as tensors, numbers and text alone: nothing that it brings is ever run.

torch's own restricted unpickler does the reading (``weights_only=True``, since torch 2.6 without the hole of CVE-2025-32434).
Zip files, what torch has written since 1.6, are mapped: of a checkpoint with its optimiser only the weights that are used are read.
"""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jepascope.disk.named import check_named
from jepascope.encoders.lacking import kept_away
from jepascope.errors import BadCheckpoint

SHARDED = "torch.distributed."  # where the classes of tensors live that are spread over processes


def read_torch_file(path: Path) -> dict[Any, Any]:
    """The dictionary that a file holds, its tensors on the CPU; BadCheckpoint in one sentence for anything else."""
    try:
        check_named(path)
        zipped = zipfile.is_zipfile(path)
        if zipped:
            _check_index(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of formats that torch no longer writes
            contents = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # a damaged or hostile file makes torch raise a dozen kinds; each means the same to the caller
        if (lack := kept_away(path, error, [path])) is not None:
            raise lack from None
        raise _refusal(path, str(error).strip() or type(error).__name__) from None
    if not isinstance(contents, dict):
        raise BadCheckpoint(f"'{path}' holds a {type(contents).__name__}, not a dictionary of weights; give one of Meta's V-JEPA 2 files.")
    return contents


def check_tensors(path: Path, tensors: Iterable[tuple[str, Any]]) -> None:
    """Refuse what is no plain tensor of numbers, claims more than the file has, or is not what was written (CRC-32 of each record)."""
    records: set[tuple[int, int]] = set()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            records = {(record.file_size, record.CRC) for record in archive.infolist()}
    left, sound = path.stat().st_size, set()
    for name, value in tensors:
        if isinstance(value, Tensor) and type(value).__module__.startswith(SHARDED):
            raise BadCheckpoint(_sharded(path))
        plain = isinstance(value, Tensor) and value.layout == torch.strided and value.device.type == "cpu"
        if not plain or not value.is_floating_point():
            raise BadCheckpoint(f"'{path}': {name} is not a plain tensor of floating-point numbers; give one of Meta's V-JEPA 2 files.")
        left -= value.nbytes
        if left < 0:
            raise BadCheckpoint(f"'{path}' claims more weights than its {path.stat().st_size:,} bytes can hold; download it again.")
        storage = value.untyped_storage()
        if not records or storage.data_ptr() in sound:
            continue
        written = torch.empty(0, dtype=torch.uint8).set_(storage).numpy().data
        if (len(written), zlib.crc32(written)) not in records:
            raise BadCheckpoint(f"'{path}' is damaged: {name} is not what was written (its checksum differs). Download it again.")
        sound.add(storage.data_ptr())


def _check_index(path: Path) -> None:
    """Read the record that names all tensors once, for its checksum: torch does not look at it. Nothing may grow as it is read."""
    with zipfile.ZipFile(path) as archive:
        for record in archive.infolist():
            if record.compress_type != zipfile.ZIP_STORED:
                raise zipfile.BadZipFile(f"record {record.filename!a:.80} is compressed, and torch.save compresses nothing")
            if record.filename.endswith("data.pkl"):
                archive.read(record)


def _sharded(path: Path) -> str:
    return (
        f"'{path}' is one process's share of a sharded model (FSDP, DTensor); save all of it where it was trained, with "
        "torch.distributed.checkpoint.state_dict.get_model_state_dict and StateDictOptions(full_state_dict=True, cpu_offload=True)."
    )


def _refusal(path: Path, reason: str) -> BadCheckpoint:
    """In our words: torch's own advise to read the file without its guard."""
    brought = re.search(r"GLOBAL (\S+)", reason)
    if brought and brought[1].startswith(SHARDED):
        return BadCheckpoint(_sharded(path))
    if brought:
        return BadCheckpoint(
            f"'{path}' holds more than weights: it asks for {brought[1]!a:.100}, and such a file can run code. "
            "Nothing of it was run or used; give a file of weights alone."
        )
    first = reason.split("WeightsUnpickler error:")[-1].strip().splitlines()[0].encode("ascii", "backslashreplace").decode()
    return BadCheckpoint(f"'{path}' could not be read: {first[:200]} -- is it complete, and of torch.save? Download it again.")
