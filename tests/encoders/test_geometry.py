"""A stranger's config.json is refused before anything is built from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jepascope.encoders.geometry import read_json, sizes_of
from jepascope.encoders.models import WEIGHTS
from jepascope.errors import BadCheckpoint


def test_the_shipped_configurations_pass() -> None:
    for path in WEIGHTS.glob("*/config.json"):
        sizes = sizes_of(read_json(path), path)
        assert (sizes.frames, sizes.size) == (8, 48)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_hidden_layers", 10_000_000),
        ("pred_num_hidden_layers", 10_000_000),
        ("frames_per_clip", 10**9),
        ("crop_size", 10**9),
        ("crop_size", None),
        ("crop_size", [32, 32]),
        ("crop_size", 50),
        ("hidden_size", "x"),
        ("hidden_size", -48),
        ("hidden_size", 49),
        ("hidden_size", True),
        ("num_attention_heads", 0),
        ("patch_size", 0),
        ("tubelet_size", 0),
        ("in_chans", 10**9),
        ("mlp_ratio", 10**9),
        ("pred_mlp_ratio", 10**9),
        ("num_pooler_layers", 10**9),
        ("num_labels", 10**12),
        ("num_labels", 0),
    ],
)
def test_a_size_that_cannot_be_is_named(field: str, value: object, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    config = json.loads((WEIGHTS / "nano" / "config.json").read_text())
    path.write_text(json.dumps({**config, field: value}))
    with pytest.raises(BadCheckpoint, match=field):
        sizes_of(read_json(path), path)


def test_too_many_tokens_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    config = json.loads((WEIGHTS / "nano" / "config.json").read_text())
    path.write_text(json.dumps({**config, "crop_size": 4096, "frames_per_clip": 512}))
    with pytest.raises(BadCheckpoint, match="tokens a clip"):
        sizes_of(read_json(path), path)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", "x" * 1_000_001])
def test_what_is_no_configuration_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(BadCheckpoint):
        read_json(path)
