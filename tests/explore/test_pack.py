"""What is packed for the page comes out again as it was."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from jepascope.explore.clips import differences
from jepascope.explore.pack import TYPES, pack


def unpacked(header: list[list[Any]], contents: str) -> dict[str, np.ndarray]:
    data, found, at = zlib.decompress(base64.b64decode(contents)), {}, 0
    plain = {short: np.dtype(name) for name, short in TYPES.items()}
    for name, kind, shape in header:
        count = int(np.prod(shape, dtype=int))
        found[name] = np.frombuffer(data, plain[kind], count, at).reshape(shape)
        at += count * plain[kind].itemsize
    assert at == len(data)
    return found


@given(arrays(np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32, allow_nan=False)), st.integers(0, 255))
def test_every_number_comes_back_exactly(numbers: np.ndarray, byte: int) -> None:
    given_ones = {"numbers": torch.from_numpy(numbers.copy()), "bytes": np.array([byte], np.uint8), "mask": torch.tensor([True, False])}
    header, contents = pack(given_ones)
    found = unpacked(header, contents)
    assert np.array_equal(found["numbers"].astype(np.float32), numbers)
    assert found["bytes"].tolist() == [byte] and found["mask"].tolist() == [1, 0]


def test_halves_are_kept_as_halves_and_nothing_else_is() -> None:
    header, _ = pack({"half": torch.tensor([0.5, -2.0]), "third": torch.tensor([1 / 3]), "huge": torch.tensor([1e20])})
    assert [kind for _, kind, _ in header] == ["f2", "f4", "f4"]


@given(arrays(np.uint16, (3, 2, 3, 2, 2)), st.integers(0, 2))
def test_differences_of_frames_are_undone_by_sums(frames: np.ndarray, own: int) -> None:
    coded = differences(frames, own)
    first = coded[own].copy()
    first[:, 1:] += first[:, :1]
    again = coded + first
    again[own] = first
    assert np.array_equal(again, frames)
