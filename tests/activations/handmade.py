"""Captures written and read as docs/store.md says, with the standard library and NumPy only: what another program would do."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np

Tensors = dict[str, tuple[str, np.ndarray]]
"""Type (as safetensors names it) and numbers by key."""

TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U8": "u1"}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def write_manifest(root: Path, **changes: Any) -> Path:
    """The capture's folder."""
    manifest = {
        "format": "jepascope-activations-3",
        "shard_clips": 50,
        "transform": "",
        "dtype": "F32",
        "sites": [],
        "moments": [],
        **changes,
    }
    text = canonical(manifest).encode("ascii")
    folder = root / hashlib.sha256(text).hexdigest()[:16]
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_bytes(text)
    return folder


def shard_bytes(tensors: Tensors, capture: str, shard: int, **changes: Any) -> bytes:
    """A shard's file. ``changes`` replace parts of its signature."""
    header: dict[str, Any] = {}
    data = b""
    for key, (kind, numbers) in tensors.items():
        one = np.ascontiguousarray(numbers, dtype=TYPES[kind]).tobytes()
        header[key] = {"dtype": kind, "shape": list(np.shape(numbers)), "data_offsets": [len(data), len(data) + len(one)]}
        data += one
    sums = {key: zlib.crc32(data[slice(*entry["data_offsets"])]) for key, entry in header.items()}
    header["__metadata__"] = {"jepascope": canonical({"capture": capture, "shard": shard, "crc32": sums, **changes})}
    head = json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + data


def read_shard(path: Path) -> dict[str, np.ndarray]:
    """Its tensors, after every check that can be made without the manifest."""
    whole = path.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8:start])
    signed = json.loads(header.pop("__metadata__")["jepascope"])
    assert signed["capture"] == path.parent.name
    assert path.name == f"shard-{signed['shard']:05d}.safetensors"
    found, end = {}, 0
    for key, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        begin, end_ = entry["data_offsets"]
        assert begin == end, "tensors lie one after another"
        end = end_
        one = whole[start + begin : start + end]
        assert zlib.crc32(one) == signed["crc32"][key]
        found[key] = np.frombuffer(one, TYPES[entry["dtype"]]).reshape(entry["shape"])
    assert start + end == len(whole)
    return found
