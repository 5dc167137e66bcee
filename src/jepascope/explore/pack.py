"""Pack: named arrays as one compressed text, which the page's assets/pack.js takes apart again."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

TYPES = {"float32": "f4", "float16": "f2", "uint16": "u2", "uint8": "u1"}
"""What the page can read."""


def pack(arrays: Mapping[str, Tensor | np.ndarray]) -> tuple[list[list[Any]], str]:
    """(name, type, shape) of every array, in their order, and all of them deflated, in base64.

    Floats become float32; float16 where that holds every one of them exactly, as it does the shipped weights.
    """
    header, parts = [], []
    for name, given in arrays.items():
        array = _plain(given)
        header.append([name, TYPES[str(array.dtype)], list(array.shape)])
        parts.append(array.tobytes())
    return header, base64.b64encode(zlib.compress(b"".join(parts), 9)).decode()


def _plain(given: Tensor | np.ndarray) -> np.ndarray:
    array = given.detach().cpu().numpy() if isinstance(given, torch.Tensor) else np.asarray(given)
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype.kind != "f":
        return np.ascontiguousarray(array)
    array = np.ascontiguousarray(array, dtype=np.float32)
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half.astype(np.float32), array) else array
