"""What a capture keeps is what the encoder computes, in memory or on disk, whole or resumed."""

from __future__ import annotations

import errno
import json
import logging
import pickle
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor

from jepascope.activations import store as store_module
from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.layout import FORMAT, SHARD
from jepascope.activations.site import pool
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import Task
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadData, JepascopeError, RunFolderError

R = TypeVar("R")

SITES, MOMENTS = (1, 3), (1,)


class Killed(Exception):
    """Stands for a kill between two batches."""


def same(a: Activations, b: Activations) -> bool:
    """Equal to the last bit in everything that a capture holds."""
    depth = a.encoder_card.depth
    return (
        all(torch.equal(a.pooled(layer, name), b.pooled(layer, name)) for layer in range(depth + 1) for name in ("all", "object"))
        and all(torch.equal(a.tokens(layer), b.tokens(layer)) for layer in a.sites)
        and all(
            torch.equal(a.moments(layer, name).covariance, b.moments(layer, name).covariance)
            for layer in MOMENTS
            for name in ("all", "object")
        )
        and torch.equal(a.object_mask, b.object_mask)
    )


@pytest.fixture(scope="module")
def whole(encoder: VJepa2Encoder, clips: ClipSet) -> Activations:
    return capture(encoder, clips, sites=SITES, moments=MOMENTS)


def test_every_layer_equals_the_encoders_own_forward(encoder: VJepa2Encoder, clips: ClipSet, whole: Activations) -> None:
    rows = slice(40, 60)  # across the border of two shards
    hidden = encoder.embed(clips.video(rows))
    mask = clips.object_tokens(encoder.card.grid, rows)
    for layer in range(encoder.card.depth + 1):
        hidden = encoder.run(hidden, layer - 1, layer) if layer else hidden
        assert torch.equal(whole.pooled(layer)[rows], pool(hidden))
        assert torch.equal(whole.pooled(layer, "object")[rows], pool(hidden, mask))
        if layer in SITES:
            assert torch.equal(whole.tokens(layer, rows), hidden)


@pytest.mark.parametrize("selection", ["all", "object"])
def test_token_moments_are_those_of_all_selected_tokens(whole: Activations, selection: str) -> None:
    tokens = whole.tokens(1)
    chosen = (tokens[whole.object_mask] if selection == "object" else tokens.flatten(0, 1)).double()
    moments = whole.moments(1, selection)
    assert moments.count == len(chosen)
    torch.testing.assert_close(moments.mean, chosen.mean(dim=0))
    torch.testing.assert_close(moments.covariance, torch.cov(chosen.T, correction=0))


def test_disk_and_memory_hold_the_same(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations) -> None:
    assert same(whole, capture(encoder, clips, tmp_path, SITES, moments=MOMENTS))


def test_a_capture_does_not_depend_on_its_batch(encoder: VJepa2Encoder, clips: ClipSet, whole: Activations) -> None:
    other = capture(encoder, clips, sites=SITES, batch=7)
    assert torch.equal(other.pooled(3, "object"), whole.pooled(3, "object"))
    assert torch.equal(other.tokens(3), whole.tokens(3))


def test_rows_come_in_the_order_asked_for(whole: Activations) -> None:
    order = [60, 3, 4, 51]
    assert torch.equal(whole.tokens(3, order), torch.stack([whole.tokens(3)[row] for row in order]))


@pytest.mark.parametrize("stored", [False, True])
def test_a_span_of_tokens_is_that_part_of_all_of_them(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, stored: bool) -> None:
    kept = capture(encoder, clips, tmp_path if stored else None, sites=SITES)
    for rows, span in ((slice(None), slice(2, 5)), ([60, 3, 51], slice(0, 1)), ([], slice(1, 3))):
        assert torch.equal(kept.tokens(3, rows, span), kept.tokens(3, rows)[:, span])


@pytest.mark.parametrize("stored", [False, True])
def test_tokens_of_some_tubelets_alone_are_kept_and_no_others_read(
    tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations, stored: bool
) -> None:
    _, rows, columns = encoder.card.grid
    kept = slice(rows * columns, 3 * rows * columns)
    some = capture(encoder, clips, tmp_path if stored else None, SITES, moments=MOMENTS, tokens="time:1-2")
    asked = [60, 3, 51]
    assert torch.equal(some.tokens(3, asked, kept), whole.tokens(3, asked)[:, kept])
    assert torch.equal(some.tokens(3, asked, slice(kept.stop - 2, kept.stop)), whole.tokens(3, asked)[:, kept][:, -2:])
    assert torch.equal(some.pooled(3, "object"), whole.pooled(3, "object"))
    assert torch.equal(some.moments(1).covariance, whole.moments(1).covariance)
    assert some.tokens(3, [], kept).shape == (0, 2 * rows * columns, encoder.card.width)
    for span in (slice(None), slice(0, kept.stop), slice(kept.start, kept.stop + 1)):
        with pytest.raises(
            BadArgument, match=rf"those at {kept.start}\.\.{kept.stop - 1} of .* with span=slice\({kept.start}, {kept.stop}\)"
        ):
            some.tokens(3, asked, span)
    for nothing in ("time:0-9", "time:3-1", "object", "some"):
        with pytest.raises(BadArgument, match="have no tokens"):
            capture(encoder, clips, sites=SITES, tokens=nothing)


def test_a_split_is_the_rows_of_that_split(whole: Activations) -> None:
    part = whole.split("judge")
    rows = (whole.clips.factors["split"] == "judge").to_numpy().nonzero()[0]
    assert part.clips.factors["split"].unique().tolist() == ["judge"]
    assert torch.equal(part.pooled(2, "object"), whole.pooled(2, "object")[rows])
    assert torch.equal(part.tokens(3), whole.tokens(3)[rows])
    assert torch.equal(part.object_mask, whole.object_mask[rows])


def test_a_second_capture_reads_the_first(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, monkeypatch: pytest.MonkeyPatch) -> None:
    first = capture(encoder, clips, tmp_path, SITES, moments=MOMENTS)

    def refuse(index: int, hidden: Tensor) -> Tensor:
        raise AssertionError("a block ran again")

    monkeypatch.setattr(encoder, "block", refuse)
    assert same(first, capture(encoder, clips, tmp_path, SITES, moments=MOMENTS))


def test_a_killed_capture_goes_on_where_it_stopped(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations) -> None:
    def kill(done: int, total: int) -> None:
        if done > SHARD:
            raise Killed

    with pytest.raises(Killed):
        capture(encoder, clips, tmp_path, SITES, progress=kill, moments=MOMENTS)
    seen: list[int] = []
    resumed = capture(encoder, clips, tmp_path, SITES, progress=lambda done, total: seen.append(done), moments=MOMENTS)
    assert seen[0] == SHARD  # the first shard was read in one piece
    assert seen[-1] == len(clips)
    assert same(whole, resumed)


def test_long_clips_lie_in_smaller_shards_and_pass_in_smaller_batches(
    tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, embed, passed = encoder.card, encoder.embed, list[int]()
    tokens, covariance = {layer: whole.tokens(layer) for layer in SITES}, whole.moments(1, "all").covariance
    pooled = [whole.pooled(layer, "object") for layer in range(card.depth + 1)]

    def counted(video: Tensor) -> Tensor:
        passed.append(len(video))
        return embed(video)

    monkeypatch.setattr("jepascope.activations.layout.SHARD_BYTES", 7 * len(SITES) * 4 * card.tokens * card.width)
    monkeypatch.setattr("jepascope.encoders.budget.AT_WORK", 3 * card.clip_bytes)
    monkeypatch.setattr(encoder, "embed", counted)
    found = capture(encoder, clips, tmp_path, SITES, moments=MOMENTS)
    assert len([*tmp_path.glob("*/shard-*")]) == -(-len(clips) // 7) and max(passed) == 3
    assert all(torch.equal(found.tokens(layer), tokens[layer]) for layer in SITES)
    assert all(torch.equal(found.pooled(layer, "object"), value) for layer, value in enumerate(pooled))
    torch.testing.assert_close(found.moments(1, "all").covariance, covariance)


@pytest.mark.parametrize("damage", ["truncated", "a bit flipped", "missing"])
def test_a_damaged_shard_is_computed_again_and_said_once(
    tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    capture(encoder, clips, tmp_path, SITES, moments=MOMENTS)
    for path in tmp_path.glob("*/shard-*.safetensors"):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.unlink()
        if damage != "missing":
            path.write_bytes(data if damage == "a bit flipped" else data[: len(data) // 2])
    with caplog.at_level(logging.WARNING):
        assert same(whole, capture(encoder, clips, tmp_path, SITES, moments=MOMENTS))
    # a shard that is missing is one that was not reached yet
    assert sum("computed again" in message for message in caplog.messages) == (damage != "missing")


def test_a_damaged_manifest_costs_time_not_numbers(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations) -> None:
    capture(encoder, clips, tmp_path, SITES, moments=MOMENTS)
    (manifest,) = tmp_path.glob("*/manifest.json")
    manifest.write_text(manifest.read_text()[:50])
    assert same(whole, capture(encoder, clips, tmp_path, SITES, moments=MOMENTS))


def test_the_folder_is_named_by_all_that_the_numbers_depend_on(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    class Mean:
        name = "mean"

        def __call__(self, video: Tensor) -> Tensor:
            return video.mean(dim=1, keepdim=True).expand_as(video)

    few = clips.select(torch.arange(4).numpy())
    capture(encoder, few, tmp_path)
    capture(encoder, few, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    capture(encoder, few, tmp_path, sites=(1,))
    capture(encoder, few, tmp_path, moments=(1,))
    capture(encoder, few, tmp_path, transform=Mean())
    capture(encoder, clips.select(torch.arange(1, 5).numpy()), tmp_path)
    capture(encoder.untrained(1), few, tmp_path)
    assert len(list(tmp_path.iterdir())) == 6
    assert all(json.loads(path.read_text())["format"] == FORMAT for path in tmp_path.glob("*/manifest.json"))


def full_disk(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    path.write_bytes(b"half")
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_gets_one_sentence_and_leaves_no_half_file(
    tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = store_module.save_file

    def second_shard_fails(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
        (written if "00000" in path.name else full_disk)(tensors, path, metadata)

    monkeypatch.setattr(store_module, "save_file", second_shard_fails)
    with pytest.raises(RunFolderError, match=r"disk is full.*shard-00001.*Free some space"):
        capture(encoder, clips, tmp_path, SITES, moments=MOMENTS)
    assert sorted(path.name for path in tmp_path.glob("*/*")) == ["manifest.json", "shard-00000.safetensors"]
    monkeypatch.undo()
    assert same(whole, capture(encoder, clips, tmp_path, SITES, moments=MOMENTS))


def test_a_store_that_is_a_file_is_refused(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunFolderError, match="could not be written"):
        capture(encoder, clips, tmp_path / "taken")


class Faulty(VJepa2Encoder):
    """The tiny encoder with a block that overflows, or a device on which only few clips fit."""

    fits = 10**6
    overflows = 0

    def block(self, index: int, hidden: Tensor) -> Tensor:
        if len(hidden) > self.fits:
            raise torch.OutOfMemoryError("no memory left")
        hidden = super().block(index, hidden)
        return hidden / 0 if index == self.overflows else hidden


def faulty(encoder: VJepa2Encoder) -> Faulty:
    return Faulty(encoder.model, "faulty")


def test_activations_that_are_not_finite_are_refused_by_layer(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    broken = faulty(encoder)
    broken.overflows = 2
    with pytest.raises(BadData, match="'faulty' gave NaN or infinite activations at layer 2"):
        capture(broken, clips, tmp_path)
    assert not list(tmp_path.glob("*/shard*"))


def test_too_little_memory_halves_the_batch_and_says_so(
    encoder: VJepa2Encoder, clips: ClipSet, whole: Activations, caplog: pytest.LogCaptureFixture
) -> None:
    small = faulty(encoder)
    small.fits = 5
    with caplog.at_level(logging.WARNING):
        found = capture(small, clips, sites=SITES, moments=MOMENTS, batch=25)
    assert [message for message in caplog.messages if "Out of memory" in message] == [
        "Out of memory with 25 clips a batch; going on with 12.",
        "Out of memory with 12 clips a batch; going on with 6.",
        "Out of memory with 6 clips a batch; going on with 3.",
    ]
    assert torch.equal(found.tokens(3), whole.tokens(3))
    torch.testing.assert_close(found.moments(1).covariance, whole.moments(1).covariance)
    small.fits = 0
    with pytest.raises(JepascopeError, match="does not fit in the memory"):
        capture(small, clips)


class Elsewhere(Faulty):
    """Hands tasks to workers as an engine does: what it sends is pickled, and tasks are taken before earlier ones are done."""

    def map(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        sent = [pickle.dumps((work, *task)) for task in tasks]
        done = []
        for one in reversed(sent):
            there, shared, own = pickle.loads(one)
            assert shared.progress is None, "a progress bar was sent to a worker"
            done.append(there(self, shared, *own))
        yield from reversed(done)


@pytest.mark.parametrize("stored", [False, True])
def test_shards_that_were_computed_elsewhere_are_the_same(
    tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet, whole: Activations, stored: bool
) -> None:
    seen: list[tuple[int, int]] = []
    engine, store = Elsewhere(encoder.model, encoder.card.name), tmp_path if stored else None
    found = capture(engine, clips, store, SITES, moments=MOMENTS, progress=lambda *done: seen.append(done))
    assert same(whole, found)
    assert seen == [(50, 64), (64, 64)]  # one report a shard


class Watching(Faulty):
    """Looks, whenever a shard is asked for, for shards that are still held."""

    held = 0

    def map(self, work: Callable[..., R], tasks: Iterable[tuple[Any, Task]]) -> Iterator[R]:
        before: list[weakref.ref[Tensor]] = []
        for task in tasks:
            self.held += sum(tensor() is not None for tensor in before)
            made = super().map(work, [task])
            for result in made:
                before.append(weakref.ref(result[0]["pooled.all"]))  # type: ignore[index]
                yield result
                del result


def test_one_shard_at_a_time_is_held_where_they_are_kept_on_disk(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    for store, held in ((tmp_path, 0), (None, 1)):
        watching = Watching(encoder.model, "watching")
        capture(watching, clips, store)
        assert watching.held == held


def test_what_a_capture_returns_is_small_however_many_clips_there_are(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    found = capture(encoder, clips, tmp_path, SITES, moments=MOMENTS)
    fields = {name: value for name, value in vars(found).items() if isinstance(value, Tensor)}
    assert {*fields} == {"rows"} and not found.reader._recent._kept
    few = found.select(np.array([3, 61]))
    assert torch.equal(few.object_mask, found.object_mask[[3, 61]])
    assert few.reader is found.reader


def test_what_does_not_exist_is_refused(encoder: VJepa2Encoder, clips: ClipSet, whole: Activations) -> None:
    with pytest.raises(BadArgument, match=r"layers 0\.\.3; there is no layer 4"):
        capture(encoder, clips, sites=(4,))
    with pytest.raises(BadData, match="is empty"):
        capture(encoder, replace(clips, factors=clips.factors.iloc[:0]))
    with pytest.raises(BadArgument, match="no layer 7"):
        whole.pooled(7)
    with pytest.raises(BadArgument, match="tokens of layer 2 were not captured"):
        whole.tokens(2)
    with pytest.raises(BadArgument, match="moments of layer 2 were not captured"):
        whole.moments(2)
    with pytest.raises(BadArgument, match="no token selection 'sky'"):
        whole.pooled(1, "sky")
