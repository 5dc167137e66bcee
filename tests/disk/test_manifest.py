"""A file of a run is what was written, by the step that made it from what is there now, or it is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from jepascope.disk.folder import Folder
from jepascope.disk.manifest import NAME, Manifest
from jepascope.disk.plain import DEEPEST, depth, parsed
from jepascope.errors import RunFolderError


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    made = Manifest(Folder(tmp_path))
    made.write("probes.parquet", b"probes", "probes")
    made.write("effects.parquet", b"effects", "edits", ("probes.parquet",))
    return made


def states(manifest: Manifest) -> dict[str, str]:
    again = Manifest(manifest.folder)
    return {name: again.state(name) for name in sorted(again.files)}


def test_what_was_written_is_whole(manifest: Manifest) -> None:
    assert states(manifest) == {"effects.parquet": "whole", "probes.parquet": "whole"}
    assert Manifest(manifest.folder).read("probes.parquet") == b"probes"


def test_one_flipped_bit_is_seen(manifest: Manifest) -> None:
    path = manifest.folder.root / "probes.parquet"
    for bit in range(8 * len(b"probes")):
        changed = bytearray(b"probes")
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        assert states(manifest)["probes.parquet"] == "damaged"
        with pytest.raises(RunFolderError, match="not those that were written"):
            Manifest(manifest.folder).read("probes.parquet")


def test_files_that_changed_places_are_seen(manifest: Manifest) -> None:
    root = manifest.folder.root
    (root / "probes.parquet").write_bytes(b"effects")
    (root / "effects.parquet").write_bytes(b"probes")
    assert set(states(manifest).values()) == {"damaged"}


def test_what_was_made_from_a_file_that_is_another_by_now_is_outdated(manifest: Manifest) -> None:
    manifest.write("probes.parquet", b"others", "probes")
    assert states(manifest) == {"effects.parquet": "outdated", "probes.parquet": "whole"}


def test_a_file_that_nobody_listed_and_one_that_went_are_named(manifest: Manifest) -> None:
    (manifest.folder.root / "more.parquet").write_bytes(b"more")
    (manifest.folder.root / "probes.parquet").unlink()
    again = Manifest(manifest.folder)
    assert (again.state("more.parquet"), again.state("probes.parquet")) == ("unlisted", "missing")


def test_a_folder_without_a_manifest_is_read_unchecked(tmp_path: Path) -> None:
    (tmp_path / "old.parquet").write_bytes(b"old")
    manifest = Manifest(Folder(tmp_path))
    assert not manifest.known and manifest.read("old.parquet") == b"old"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"format": "jepascope-folder-1"}',
        '{"format": "jepascope-folder-9", "files": {}}',
        '{"format": "jepascope-folder-1", "about": {}, "files": {"x": 3}}',
        '{"format": "jepascope-folder-1", "about": {}, "files": {"x": {"sha256": 3, "step": "", "inputs": {}}}}',
        '{"format": "jepascope-folder-1", "about": {"spec": 3}, "files": {}}',
        '{"x": ' + "9" * 5000 + "}",
        '{"x":' * 5000 + "1" + "}" * 5000,
        '{"x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    ],
    ids=range(11),
)
def test_a_damaged_manifest_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(text)
    with pytest.raises(RunFolderError, match=r"manifest.json' is damaged \("):
        Manifest(Folder(tmp_path))


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(10**17), 10**17) | some.floats(allow_nan=False, allow_infinity=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=40)
@given(some.dictionaries(some.text(), VALUES, max_size=4))
def test_every_object_of_bounded_depth_comes_back(value: dict[str, object]) -> None:
    if depth(value) <= DEEPEST:
        assert parsed(json.dumps(value).encode()) == value
