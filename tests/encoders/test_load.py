"""load_encoder gives a tested encoder or one sentence: what is wrong, where, and what to do."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from encoders_at_hand import SHIPPED, edit_weights, noise_video

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.models import WEIGHTS, shipped_models
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument, BadCheckpoint

MEGABYTE = 2**20


@pytest.fixture
def folder(tmp_path: Path, tiny: VJepa2Encoder) -> Path:
    """A sound checkpoint, to be damaged."""
    save_encoder(tiny, tmp_path / "tiny", {"targets": "centred"})
    return tmp_path / "tiny"


@torch.inference_mode()
def test_what_was_saved_is_loaded_at_half_precision_of_its_weights(folder: Path, tiny: VJepa2Encoder) -> None:
    again = load_encoder(str(folder))
    assert (again.card.name, again.card.width, again.card.depth, again.card.grid) == ("tiny", 48, 3, (4, 4, 4))
    assert again.extra["targets"] == "centred"
    ours, theirs = tiny.model.state_dict(), again.model.state_dict()
    assert set(ours) == set(theirs)
    assert all(torch.equal(ours[name].half().float(), theirs[name]) for name in ours)
    video = noise_video(tiny, 1)
    before, after = (encoder.norm(encoder.run(encoder.embed(video), 0)) for encoder in (tiny, again))
    assert (before - after).abs().max() < 0.01 * before.abs().max()


def test_saving_what_was_loaded_changes_nothing(folder: Path, tmp_path: Path) -> None:
    first = load_encoder(str(folder))
    save_encoder(first, tmp_path / "again", {})
    assert load_encoder(str(tmp_path / "again")).card.digest == first.card.digest


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_encoders_load_by_name_at_any_length_and_size(name: str) -> None:
    row = next(model for model in shipped_models() if model.name == name)
    encoder = load_encoder(name, frames=4, size=64)
    assert (encoder.card.frames, encoder.card.size) == (4, 64)
    assert (encoder.card.width, encoder.card.depth) == (row.sizes.width, row.sizes.depth)
    assert sum(p.numel() for p in encoder.model.parameters()) == row.parameters


def test_two_encoders_of_different_width_and_depth_are_shipped_in_at_most_16_megabytes() -> None:
    assert len({(model.sizes.width, model.sizes.depth) for model in shipped_models()}) == 2
    assert sum(path.stat().st_size for path in WEIGHTS.rglob("*.safetensors")) <= 16 * MEGABYTE
    assert not [path for path in WEIGHTS.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]


@pytest.mark.parametrize("name", ["/nowhere/vitl", "./vitl", "../vitl", "weights.pt", "folder/model.safetensors"])
def test_a_path_that_is_no_folder_is_refused_with_what_is_expected(name: str) -> None:
    with pytest.raises(BadCheckpoint, match=r"not a folder with config\.json and model\.safetensors.*nano"):
        load_encoder(name)


def test_a_device_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(BadArgument, match="Device 'quantum' cannot be used"):
        load_encoder(str(folder), device="quantum")


def test_a_size_off_the_grid_is_refused(folder: Path) -> None:
    with pytest.raises(BadArgument, match="multiple of 8"):
        load_encoder(str(folder), size=33)


def without_config(folder: Path) -> None:
    (folder / "config.json").unlink()


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def truncated(folder: Path) -> None:
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def another_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "clip"}))


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "vjepa2", ')


def config_that_is_a_list(folder: Path) -> None:
    (folder / "config.json").write_text("[1]")


def broken_extras(folder: Path) -> None:
    (folder / "jepascope.json").write_text('{"targets": "cen')


def missing_key(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.pop("encoder.layer.1.mlp.fc1.weight"))


def unknown_key(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.update({"encoder.layer.7.mlp.fc1.weight": torch.zeros(2)}))


def misshapen_key(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights.update({"encoder.layer.1.mlp.fc1.weight": torch.zeros(5, 5)}))


def nan_weights(folder: Path) -> None:
    edit_weights(folder, lambda weights: weights["encoder.layer.1.mlp.fc1.weight"].fill_(float("nan")))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without_config, "has no config.json"),
        (without_weights, r"no \.safetensors weights \(pickled weights are never read\)"),
        (truncated, "could not be loaded.*Download it again"),
        (empty, "could not be loaded.*Download it again"),
        (another_architecture, "is of a 'clip' model; jepascope reads V-JEPA 2, V-JEPA 2.1, V-JEPA 2.1 in transformers' format"),
        (broken_config, "not a readable configuration"),
        (config_that_is_a_list, "does not hold a configuration"),
        (broken_extras, r"jepascope\.json' is not a readable configuration"),
        (missing_key, r"lacks weights: encoder\.layer\.1\.mlp\.fc1\.weight"),
        (unknown_key, r"has unknown weights: encoder\.layer\.7\.mlp\.fc1\.weight"),
        (misshapen_key, r"has misshapen weights: .*encoder\.layer\.1\.mlp\.fc1\.weight"),
        (nan_weights, "failed its self-test.*NaN"),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_sentence(folder: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(folder)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(folder))
    print(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_code_that_a_config_names_is_never_asked_for(folder: Path, key: str) -> None:
    """transformers takes the name of a repository on the hub for an implementation of attention, and would run what lies there."""
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: "someone/kernel"}))
    assert load_encoder(str(folder)).model.config._attn_implementation == "sdpa"


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.mark), "w")


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_pickled_weights_are_never_read(folder: Path, tmp_path: Path) -> None:
    mark = tmp_path / "unpickled"
    for name in ("pytorch_model.bin", "model.pt", "checkpoint.pt"):
        (folder / name).write_bytes(pickle.dumps(Trap(mark)))
    load_encoder(str(folder))
    without_weights(folder)
    with pytest.raises(BadCheckpoint, match="pickled weights are never read"):
        load_encoder(str(folder))
    (folder / "other.safetensors").write_bytes(b"")
    with pytest.raises(BadCheckpoint):
        load_encoder(str(folder))
    assert not mark.exists()
    pickle.loads((folder / "model.pt").read_bytes())
    assert mark.exists()  # the trap works: had anything read it, the test would have seen it
