"""The store on disk is what docs/store.md says: another program reads and writes it, and what is not so is refused."""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from handmade import Tensors, read_shard, shard_bytes, write_manifest
from torch import Tensor

from jepascope.activations import reader as reader_module
from jepascope.activations import shard_file
from jepascope.activations.capture import capture
from jepascope.activations.layout import SHARD, Layout, described, digest_of
from jepascope.activations.reader import Reader
from jepascope.activations.store import DiskStore, MemoryStore
from jepascope.clips.clipset import ClipSet
from jepascope.disk.folder import WORKING
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadData, RunFolderError

LAYOUT = Layout(clips=SHARD + 3, layers=2, width=4, tokens=10, sites=(1,), moments=(0,), dtype="F16")
NAMES = {"encoder": "the encoder", "clips": "the clips"}


def drawn(shard: int, layout: Layout = LAYOUT) -> dict[str, Tensor]:
    """Tensors that the layout asks for."""
    types = {"F16": torch.float16, "F32": torch.float32, "F64": torch.float64, "U8": torch.uint8, "I64": torch.int64}
    draw = torch.Generator().manual_seed(shard)
    return {
        key: torch.randint(0, 4, shape, generator=draw).to(types[kind])
        if kind in ("U8", "I64")
        else torch.randn(shape, generator=draw).to(types[kind])
        for key, (kind, shape) in layout.tensors(shard).items()
    }


def by_hand(shard: int) -> Tensors:
    """The same as another program holds them."""
    return {key: (LAYOUT.tensors(shard)[key][0], value.numpy()) for key, value in drawn(shard).items()}


def handmade(root: Path) -> Path:
    return write_manifest(root, **NAMES, count=SHARD + 3, layers=2, width=4, tokens=10, sites=[1], moments=[0], dtype="F16")


def filled(root: Path) -> DiskStore:
    store = DiskStore(root, LAYOUT, **NAMES)
    for shard in range(LAYOUT.shards):
        store.write(shard, drawn(shard))
    return store


def test_what_another_program_wrote_is_read(tmp_path: Path) -> None:
    folder = handmade(tmp_path)
    for shard in range(2):
        (folder / f"shard-{shard:05d}.safetensors").write_bytes(shard_bytes(by_hand(shard), folder.name, shard))
    store = DiskStore(tmp_path, LAYOUT, **NAMES)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    for shard in range(2):
        assert store.has(shard)
        assert all(torch.equal(store.read(shard, key), value) for key, value in drawn(shard).items())


def test_another_program_reads_what_a_capture_wrote(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    found = capture(encoder, clips, tmp_path, sites=(1,), moments=(2,))
    (folder,) = tmp_path.iterdir()
    text = (folder / "manifest.json").read_bytes()
    manifest = json.loads(text)
    assert hashlib.sha256(text).hexdigest()[:16] == folder.name
    assert (manifest["count"], manifest["layers"], manifest["width"], manifest["tokens"]) == (64, 4, 48, 64)
    shards = [read_shard(path) for path in sorted(folder.glob("shard-*.safetensors"))]
    together = {
        key: np.concatenate([shard[key] for shard in shards], axis=int(key.startswith("pooled"))) for key in shards[0] if "mo" not in key
    }
    for layer in range(4):
        for name in ("all", "object"):
            np.testing.assert_array_equal(together[f"pooled.{name}"][layer], found.pooled(layer, name))
    np.testing.assert_array_equal(together["tokens.1"], found.tokens(1))
    bits = np.unpackbits(together["object_mask"], axis=1, bitorder="little")
    np.testing.assert_array_equal(bits[:, :64].astype(bool), found.object_mask)
    counts = [int(shard["moments.2.object.count"]) for shard in shards]
    assert counts == [int(part.sum()) for part in np.split(found.object_mask.numpy(), [SHARD])]
    mean = sum(count * shard["moments.2.object.mean"] for count, shard in zip(counts, shards, strict=True)) / sum(counts)
    np.testing.assert_allclose(mean, found.moments(2, "object").mean)
    first = np.zeros((48, 48))
    first[np.tril_indices(48)] = shards[0]["moments.2.all.covariance"]
    tokens = encoder.run(encoder.embed(clips.video(slice(0, SHARD))), 0, 2).detach().flatten(0, 1).double()
    np.testing.assert_allclose(first, np.tril(torch.cov(tokens.T, correction=0)), atol=1e-9)


@pytest.mark.parametrize("small", [0, 1 << 20])
def test_rows_in_any_order_are_those_of_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int) -> None:
    memory, disk = MemoryStore(), filled(tmp_path)
    for shard in range(2):
        memory.write(shard, drawn(shard))
    rows = torch.tensor([52, 0, 1, 2, 49, 50, 51, 7, 7])
    monkeypatch.setattr(shard_file, "SMALL", small)
    whole = torch.cat([drawn(shard)["tokens.1"] for shard in range(2)])
    for store in (memory, disk):
        reader = Reader(store, LAYOUT)
        assert torch.equal(reader.tokens(1, rows), whole[rows])
        assert torch.equal(reader.tokens(1, rows, slice(3, 7)), whole[rows, 3:7])
        pooled = torch.cat([drawn(shard)["pooled.object"] for shard in range(2)], dim=1)
        assert torch.equal(reader.pooled(1, "object", rows), pooled[1, rows])
        assert reader.object_mask(rows[:0]).shape == (0, 10)


def test_little_room_for_what_was_read_changes_nothing_but_what_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, rows = filled(tmp_path), torch.tensor([52, 3, 4])
    roomy = Reader(store, LAYOUT)
    monkeypatch.setattr(reader_module, "CACHE", 20)  # bytes
    tight = Reader(store, LAYOUT)
    monkeypatch.undo()
    for layer in range(2):
        assert torch.equal(roomy.pooled(layer, "all", rows), tight.pooled(layer, "all", rows))
    assert torch.equal(roomy.object_mask(rows), tight.object_mask(rows))
    assert torch.equal(roomy.moments(0, "all").covariance, tight.moments(0, "all").covariance)
    assert (len(roomy._recent._kept), len(tight._recent._kept)) == (4, 1)


@pytest.mark.parametrize(("span", "bytes_"), [(slice(None), 10 * 4 * 2), (slice(2, 5), 3 * 4 * 2)])
def test_only_the_bytes_of_what_is_asked_for_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, span: slice, bytes_: int) -> None:
    reader, read, preadv = Reader(filled(tmp_path), LAYOUT), [], os.preadv

    def counting(file: int, into: list[memoryview], at: int) -> int:
        read.append(preadv(file, into, at))
        return read[-1]

    monkeypatch.setattr(os, "preadv", counting)
    reader.tokens(1, torch.tensor([51]), span)
    assert read == [bytes_]


def without_key(tensors: Tensors) -> Tensors:
    return {key: value for key, value in tensors.items() if key != "object_mask"}


def of_another_type(tensors: Tensors) -> Tensors:
    return {**tensors, "tokens.1": ("F32", tensors["tokens.1"][1])}


def of_another_shape(tensors: Tensors) -> Tensors:
    kind, value = tensors["pooled.all"]
    return {**tensors, "pooled.all": (kind, value.swapaxes(0, 1))}


def with_another_key(tensors: Tensors) -> Tensors:
    return {**tensors, "extra": ("U8", np.zeros(1))}


def header_of(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """A change of the header alone."""

    def changed(whole: bytes) -> bytes:
        stop = 8 + int.from_bytes(whole[:8], "little")
        header = json.loads(whole[8:stop])
        change(header)
        head = json.dumps(header).encode()
        return len(head).to_bytes(8, "little") + head + whole[stop:]

    return changed


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut off": lambda whole: whole[:-1],
    "longer": lambda whole: whole + b"0",
    "a header of 2^60 bytes": lambda whole: (1 << 60).to_bytes(8, "little") + whole[8:],
    "a header that is no JSON": lambda whole: whole[:8] + b"!" + whole[9:],
    "a header of brackets": lambda whole: (200_000).to_bytes(8, "little") + b"[" * 200_000 + whole,
    "a header that is a list": lambda whole: (2).to_bytes(8, "little") + b"[]",
    "a bit flipped": lambda whole: whole[:-9] + bytes([whole[-9] ^ 4]) + whole[-8:],
    "no signature": header_of(lambda header: header.pop("__metadata__")),
    "tensors that overlap": header_of(lambda header: header["pooled.all"].update(data_offsets=header["pooled.object"]["data_offsets"])),
    "offsets that are words": header_of(lambda header: header["pooled.all"].update(data_offsets=["0", "8"])),
    "an entry that is a number": header_of(lambda header: header.update({"pooled.all": 3})),
    "negative sizes": header_of(lambda header: header["pooled.all"].update(shape=[-2, -50, 4])),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_damaged_file_is_refused_and_said_once(fault: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = filled(tmp_path)
    path = store.path(0)
    path.write_bytes(BROKEN[fault](path.read_bytes()))
    with caplog.at_level(logging.WARNING):
        assert not store.has(0) and not store.has(0)
    assert sum("computed again" in message for message in caplog.messages) == 1
    assert store.has(1)
    store.write(0, drawn(0))
    assert store.has(0)


@pytest.mark.parametrize("change", [without_key, of_another_type, of_another_shape, with_another_key])
def test_a_whole_file_of_another_layout_is_refused(change: Callable[[Tensors], Tensors], tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.path(0).write_bytes(shard_bytes(change(by_hand(0)), store.digest, 0))
    assert not store.has(0)


@pytest.mark.parametrize("changes", [{"capture": "0" * 16}, {"shard": 1}, {"crc32": {}}, {"crc32": None}])
def test_a_shard_of_another_capture_or_place_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    store = filled(tmp_path)
    store.path(0).write_bytes(shard_bytes(by_hand(0), **{"capture": store.digest, "shard": 0, **changes}))
    assert not store.has(0)


def test_what_does_not_fit_the_layout_is_not_written(tmp_path: Path) -> None:
    store = DiskStore(tmp_path, LAYOUT, **NAMES)
    with pytest.raises(BadData, match=r"Shard 0 .*'tokens\.1' as \('F16', \(50, 10, 4\)\), not \('F32'"):
        store.write(0, {**drawn(0), "tokens.1": torch.zeros(50, 10, 4)})
    assert [path.name for path in store.folder.iterdir()] == ["manifest.json"]


def test_a_file_that_is_cut_off_while_it_is_in_use_is_one_sentence(tmp_path: Path) -> None:
    store = filled(tmp_path)
    whole = store.path(1).read_bytes()
    for kept in (whole[: len(whole) // 2], whole[:4], b""):
        store.path(1).write_bytes(kept)
        with pytest.raises(RunFolderError, match=r"shard-00001.* cannot be read any more .*run again"):
            Reader(store, LAYOUT).tokens(1, torch.tensor([51]))


@pytest.mark.parametrize("checked", [True, False])
def test_a_file_that_is_damaged_after_it_was_checked_or_written_is_not_read(checked: bool, tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert not checked or store.has(0)
    whole = store.path(0).read_bytes()
    time.sleep(0.02)  # longer than a file system's clock takes for a step
    with store.path(0).open("r+b") as file:  # in place and as long as before
        file.write(BROKEN["a bit flipped"](whole))
    with pytest.raises(RunFolderError, match=r"the checksum of .* differs.*run again"):
        store.read(0, "object_mask")
    store.path(0).unlink()
    store.path(0).write_bytes(whole)  # as another process writes it, which computed the same
    assert torch.equal(store.read(0, "object_mask"), drawn(0)["object_mask"])


def test_a_shard_more_writes_one_file_whatever_lies_there(tmp_path: Path) -> None:
    layout = Layout(clips=40 * SHARD, layers=1, width=2, tokens=1)
    store = DiskStore(tmp_path, layout, **NAMES)
    tensors = drawn(0, layout)
    for shard in range(layout.shards):
        store.write(shard, tensors)
        before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in store.folder.iterdir() if path != store.path(shard)}
        if shard in (1, 39):
            store.write(shard, tensors)
            assert {
                path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in store.folder.iterdir() if path.name in before
            } == before
    assert len(before) == layout.shards  # the manifest and the other shards


def test_two_writers_of_one_folder_see_each_others_shards(tmp_path: Path) -> None:
    one, other = DiskStore(tmp_path, LAYOUT, **NAMES), DiskStore(tmp_path, LAYOUT, **NAMES)
    one.write(1, drawn(1))
    assert not other.has(0) and other.has(1)
    other.write(0, drawn(0))
    other.write(1, drawn(1))
    assert one.has(0) and one.has(1)


def test_what_dead_processes_had_begun_is_removed_and_what_live_ones_write_is_not(tmp_path: Path) -> None:
    store = filled(tmp_path)
    dead = tmp_path / f"{WORKING}{0:016x}"
    dead.mkdir()
    (dead / "shard-00000.safetensors").write_bytes(b"half")
    with store.files.writing("live") as live:
        live.write_bytes(b"half")
        assert filled(tmp_path).has(0)
        assert live.exists() and not dead.exists()


def test_captures_of_older_versions_are_neither_read_nor_touched(tmp_path: Path, encoder: VJepa2Encoder, clips: ClipSet) -> None:
    few = clips.select(np.arange(4))
    fresh = capture(encoder, few, tmp_path / "fresh")
    layout = fresh.reader.layout
    older = {**described(layout, encoder.card.digest, few.digest), "format": "jepascope-activations-2"}
    old = tmp_path / "root" / digest_of(older)
    old.mkdir(parents=True)
    (old / "manifest.json").write_text(json.dumps({**older, "shards": {"0": 1}}))
    (old / "shard-00000.safetensors").write_bytes(b"of version 2")
    before = {path: path.read_bytes() for path in old.iterdir()}
    assert torch.equal(capture(encoder, few, tmp_path / "root").pooled(3), fresh.pooled(3))
    assert {path: path.read_bytes() for path in old.iterdir()} == before


@pytest.mark.parametrize(("clips", "sites", "moments", "width"), [(3, (), (), 2), (SHARD, (1,), (), 96), (2 * SHARD + 1, (0, 1), (1,), 7)])
def test_the_size_of_a_capture_is_known_before_it_is_made(
    clips: int, sites: tuple[int, ...], moments: tuple[int, ...], width: int, tmp_path: Path
) -> None:
    layout = Layout(clips, 3, width, 10, sites, moments)
    store = DiskStore(tmp_path, layout, encoder="0123456789abcdef", clips="0123456789abcdef")
    for shard in range(layout.shards):
        store.write(shard, drawn(shard, layout))
    kept = sum(path.stat().st_size for path in store.folder.iterdir())
    assert sum(layout.stored_bytes().values()) == pytest.approx(kept, rel=0.01)
    tensors = [value for shard in range(layout.shards) for key, value in drawn(shard, layout).items() if key.startswith("tokens")]
    assert layout.stored_bytes()["tokens"] == sum(4 * value.numel() for value in tensors)


WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from conftest import CONFIG
from jepascope.activations.capture import capture
from jepascope.clips.presets import directions8
from jepascope.encoders.vjepa2 import VJepa2Encoder
encoder, clips = VJepa2Encoder.from_config(CONFIG, seed=0), directions8(seed=0, per_class=25, frames=8, size=32)
capture(encoder, clips, Path(sys.argv[2]), sites=(1,), moments=(1,))
"""


@pytest.mark.slow
def test_one_of_two_processes_that_share_a_store_is_killed_and_nothing_is_lost(
    tmp_path: Path, encoder: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jepascope.clips.presets import directions8

    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(tmp_path)]
    with subprocess.Popen(command) as victim, subprocess.Popen(command) as other:
        while len(list(tmp_path.glob("*/shard-*.safetensors"))) < 2:
            assert victim.poll() is None, "it ended before it could be killed"
            time.sleep(0.001)
        os.kill(victim.pid, signal.SIGKILL)
        assert other.wait() == 0
    assert len(list(tmp_path.glob("*/shard-*.safetensors"))) == 4
    clips = directions8(seed=0, per_class=25, frames=8, size=32)
    whole = capture(encoder, clips, sites=(1,), moments=(1,))

    def refuse(index: int, hidden: Tensor) -> Tensor:
        raise AssertionError("a block ran again")

    monkeypatch.setattr(encoder, "block", refuse)
    found = capture(encoder, clips, tmp_path, sites=(1,), moments=(1,))
    assert not list(tmp_path.glob(f"{WORKING}*"))
    assert torch.equal(found.pooled(3), whole.pooled(3)) and torch.equal(found.tokens(1), whole.tokens(1))
    assert torch.equal(found.moments(1).covariance, whole.moments(1).covariance)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE])
def test_a_shard_that_the_system_does_not_let_be_read_is_not_computed_again(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = filled(tmp_path)

    def refused(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("jepascope.disk.folder.opened", refused)
    for use in (lambda: store.has(0), lambda: store.read(0, "pooled"), lambda: filled(tmp_path)):
        with pytest.raises(RunFolderError, match=r"could not be (read|opened)"):
            use()
