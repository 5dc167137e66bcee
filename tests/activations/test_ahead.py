"""Pixels made ahead are the same pixels; what goes wrong in the background is raised in front; nothing is left running."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from jepascope.activations.ahead import Ahead
from jepascope.activations.capture import capture
from jepascope.activations.memory import in_batches
from jepascope.clips.clipset import ClipSet, ClipSource
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadData


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("jepascope-ahead")]


@dataclass(frozen=True)
class Watched:
    """A clip source that notes in which thread it is asked, and fails at one clip."""

    inner: ClipSource
    asked: list[str]
    broken: int = -1

    @property
    def digest(self) -> str:
        return self.inner.digest

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        self.asked.append(threading.current_thread().name)
        if self.broken in rows["scene"].to_numpy():
            raise BadData(f"clip {self.broken} cannot be decoded.")
        return self.inner.video(rows, frames, size)

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Tensor:
        return self.inner.coverage(rows, frames, size)


def watched(clips: ClipSet, broken: int = -1) -> tuple[ClipSet, list[str]]:
    asked: list[str] = []
    return replace(clips, source=Watched(clips.source, asked, broken)), asked


def test_a_capture_does_not_depend_on_it(encoder: VJepa2Encoder, clips: ClipSet) -> None:
    seen, asked = watched(clips)
    with_it, without = capture(encoder, seen, sites=(1,), moments=(1,), ahead=True), capture(encoder, clips, sites=(1,), moments=(1,))
    # one clip to learn the precision, and the second shard's 14 clips, which are one batch
    assert sum(name.startswith("jepascope-ahead") for name in asked) == 4 and len(asked) == 6
    assert torch.equal(with_it.tokens(1), without.tokens(1))
    assert all(torch.equal(with_it.pooled(layer, "object"), without.pooled(layer, "object")) for layer in range(4))
    assert torch.equal(with_it.moments(1).covariance, without.moments(1).covariance)
    assert not threads()


def test_on_a_cpu_it_is_off(encoder: VJepa2Encoder, clips: ClipSet) -> None:
    seen, asked = watched(clips)
    capture(encoder, seen)
    assert not any(name.startswith("jepascope-ahead") for name in asked)


def test_what_fails_in_the_background_is_raised_and_keeps_finished_shards(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    factors = clips.factors.assign(scene=range(len(clips)))
    seen, _ = watched(replace(clips, factors=factors), broken=60)
    with pytest.raises(BadData, match="clip 60 cannot be decoded"):
        capture(encoder, seen, tmp_path, batch=4, ahead=True)
    assert [path.name for path in tmp_path.glob("*/shard-*")] == ["shard-00000.safetensors"]
    assert not list(tmp_path.rglob(".writing-*"))


def test_ctrl_c_does_not_wait_for_pixels_that_nobody_wants() -> None:
    release = threading.Event()

    def make(part: slice) -> int:
        if part.start:
            release.wait(20)
        return part.start

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), Ahead(make, 4, True) as made:
        assert made.get(slice(0, 2)) == 0
        raise KeyboardInterrupt
    assert time.monotonic() - began < 5
    release.set()
    while threads():  # the batch in hand is the last
        assert time.monotonic() - began < 10
        time.sleep(0.001)


def test_the_next_slice_is_made_while_this_one_is_in_use_and_never_two_at_once() -> None:
    begun, busy = [threading.Event() for _ in range(4)], threading.Lock()

    def make(part: slice) -> slice:
        assert busy.acquire(blocking=False)
        begun[part.start // 2].set()
        busy.release()
        return part

    with Ahead(make, 7, True) as made:
        for index in range(4):
            part = slice(2 * index, min(2 * index + 2, 7))
            assert made.get(part) == part
            assert index == 3 or begun[index + 1].wait(10)


@pytest.mark.parametrize("on", [True, False])
def test_slices_that_come_again_shorter_are_made_anew(on: bool) -> None:
    got: list[tuple[int, int]] = []

    def run(part: slice) -> None:
        value = made.get(part)
        assert value == (part.start, part.stop)
        if part.stop - part.start > 3 and part.start:
            raise torch.OutOfMemoryError("no memory left")
        got.append(value)

    with Ahead(lambda part: (part.start, part.stop), 11, on) as made:
        in_batches(11, 6, run)
    assert got == [(0, 6), (6, 8), (8, 10), (10, 11)]
