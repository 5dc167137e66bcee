"""One shard as a safetensors file that says whose it is and carries each tensor's checksum: signed when written, checked when found."""

from __future__ import annotations

import json
import math
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

import torch
from jaxtyping import Int
from torch import Tensor

from jepascope.activations.layout import BYTES, Described, canonical

SIGNATURE = "jepascope"  # the one key of the file's metadata, so that the same tensors make the same bytes
HEADER_LIMIT = 1 << 24  # bytes: far more than any layout needs, and little enough to read from a file by a stranger
BLOCK = 1 << 22  # bytes read at once
SMALL = 1 << 20  # bytes of a stretch of clips that is read whole, gaps and all, rather than clip by clip

TYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.uint8: "U8",
}
DTYPES = {name: dtype for dtype, name in TYPES.items()}


def signature(capture: str, shard: int, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """The metadata of a shard: its capture's digest, its number and the CRC-32 of each tensor's bytes."""
    sums = {key: zlib.crc32(value.reshape(-1).view(torch.uint8).numpy().data) for key, value in tensors.items()}
    return {SIGNATURE: canonical({"capture": capture, "shard": shard, "crc32": sums})}


def described_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Described]:
    """Types and shapes of tensors, as a layout names them."""
    return {key: (TYPES.get(value.dtype, str(value.dtype)), tuple(value.shape)) for key, value in tensors.items()}


def check_shard(file: IO[bytes], capture: str, shard: int, expected: Mapping[str, Described]) -> None:
    """Read a whole shard in blocks and refuse one that is not what its capture's layout says, bit for bit.

    ValueError says what is wrong, OSError that it cannot be read. Nothing is allocated by what the file claims.
    """
    size = os.fstat(file.fileno()).st_size
    header, start = _header(file, size)
    signed = _signed(header.pop("__metadata__", None))
    if (signed["capture"], signed["shard"]) != (capture, shard):
        raise ValueError("it is a shard of another capture, or another shard")
    if {key: (entry["dtype"], tuple(entry["shape"])) for key, entry in header.items()} != dict(expected):
        raise ValueError("its tensors are not those of its capture")
    if signed["crc32"].keys() != header.keys():
        raise ValueError("it lacks checksums")
    at = 0
    for key in sorted(header, key=lambda key: (header[key]["data_offsets"], key)):
        dtype, shape = expected[key]
        stop = at + BYTES[dtype] * math.prod(shape)
        if header[key]["data_offsets"] != [at, stop]:
            raise ValueError(f"'{key}' does not lie where its header says")
        if _checksum(file, stop - at) != signed["crc32"][key]:
            raise ValueError(f"the checksum of '{key}' differs")
        at = stop
    if start + at != size:
        raise ValueError("it is longer than its header says")


def check_sums(file: IO[bytes]) -> None:
    """Read a shard of whatever capture and compare each tensor's checksum with the one that it carries. ValueError says what is wrong."""
    size = os.fstat(file.fileno()).st_size
    header, start = _header(file, size)
    sums, at = _signed(header.pop("__metadata__", None))["crc32"], 0
    for key in sorted(header, key=lambda key: header[key]["data_offsets"]):
        begin, stop = header[key]["data_offsets"]
        if begin != at or _checksum(file, stop - begin) != sums.get(key):
            raise ValueError(f"the checksum of '{key}' differs")
        at = stop
    if start + at != size:
        raise ValueError("it is longer than its header says")


def read_part(
    file: IO[bytes], key: str, rows: Int[Tensor, " rows"] | None = None, layer: int | None = None, span: slice = slice(None)
) -> Tensor:
    """Some of one tensor, reading hardly any other bytes: of its layer ``layer`` (where layers come first) the clips ``rows``, and of
    each of them the positions ``span``.

    Not by a memory map: the first touch of a mapped page made the system read up to ten times as much around it.
    OSError and ValueError say why it cannot be read.
    """
    dtype, shape, start = _located(file, os.fstat(file.fileno()).st_size, key)
    if layer is not None:
        shape = shape[1:]
        start += layer * BYTES[dtype] * math.prod(shape)
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # what lies around is not wanted
    if rows is None:
        part = torch.empty(shape, dtype=DTYPES[dtype])
        _fill(part, file, start)
        return part
    inside = range(shape[1])[span]
    place = BYTES[dtype] * math.prod(shape[2:])  # bytes of a position, and of a clip
    clip = place * shape[1]
    pieces = list(_pieces(rows.tolist(), together=len(inside) == shape[1]))
    first, last = int(rows.min()), int(rows.max())
    if len(pieces) > 1 and clip * (last + 1 - first) <= SMALL:
        stretch = torch.empty(last + 1 - first, *shape[1:], dtype=DTYPES[dtype])
        _fill(stretch, file, start + first * clip)
        return stretch[:, span][rows - first]
    part = torch.empty(len(rows), len(inside), *shape[2:], dtype=DTYPES[dtype])
    for at, first in pieces:
        _fill(part[at], file, start + first * clip + inside.start * place)
    return part


def _located(file: IO[bytes], size: int, key: str) -> tuple[str, list[int], int]:
    """A tensor's type and shape, and where in the file it begins."""
    header, start = _header(file, size)
    if key not in header:
        raise ValueError(f"it holds no '{key}'")
    dtype, shape, (begin, end) = (header[key][name] for name in ("dtype", "shape", "data_offsets"))
    if end - begin != BYTES[dtype] * math.prod(shape) or not 0 <= begin <= end <= size - start:
        raise ValueError(f"'{key}' does not lie where its header says")
    return dtype, shape, start + begin


def _pieces(rows: list[int], together: bool) -> Iterator[tuple[slice, int]]:
    """Where each piece goes that is read at once, and its first row: rows that follow each other, if they may be read together."""
    begun = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or not together or rows[at] != rows[at - 1] + 1:
            yield slice(begun, at), rows[begun]
            begun = at


def _fill(tensor: Tensor, file: IO[bytes], start: int) -> None:
    """Read a contiguous tensor's bytes from a place in the file."""
    bytes_ = memoryview(tensor.reshape(-1).view(torch.uint8).numpy().data)
    done = 0
    while done < len(bytes_):
        read = os.preadv(file.fileno(), [bytes_[done:]], start + done)
        if not read:
            raise ValueError("it is cut off")
        done += read


def _header(file: IO[bytes], size: int) -> tuple[dict[str, Any], int]:
    """The header of a safetensors file and where the data begin."""
    length = int.from_bytes(file.read(8), "little")
    if length > min(HEADER_LIMIT, size - 8):
        raise ValueError("it is cut off, or no safetensors file")
    header = json.loads(file.read(length))
    entry = {"dtype": str, "shape": list, "data_offsets": list}
    if not isinstance(header, dict) or not all(
        key == "__metadata__" or (isinstance(value, dict) and all(isinstance(value.get(name), kind) for name, kind in entry.items()))
        for key, value in header.items()
    ):
        raise ValueError("its header is no safetensors header")
    return header, 8 + length


def _signed(metadata: Any) -> dict[str, Any]:
    signed = json.loads(metadata[SIGNATURE]) if isinstance(metadata, dict) and isinstance(metadata.get(SIGNATURE), str) else None
    if not isinstance(signed, dict) or not isinstance(signed.get("crc32"), dict) or not {"capture", "shard"} <= signed.keys():
        raise ValueError("it is not signed as a shard of a capture")
    return signed


def _checksum(file: IO[bytes], length: int) -> int:
    """CRC-32 of the next bytes; -1 where there are fewer."""
    value = 0
    while length:
        block = file.read(min(BLOCK, length))
        if not block:
            return -1
        value, length = zlib.crc32(block, value), length - len(block)
    return value
