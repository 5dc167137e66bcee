"""A folder from a stranger can fail, in one line: it never runs code, reads other files, or asks for more memory than its files hold."""

from __future__ import annotations

import json
import os
import pickle
import re
import shlex
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import tiny_config
from families_at_hand import drawn, saved
from safetensors.torch import load_file, save_file

from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadCheckpoint

PADDING = b"\0" * 300_000  # so that there is as much as config.json describes


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "tiny"
    save_encoder(VJepa2Encoder.from_config(tiny_config(), seed=0), folder, {})
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "room" / "tiny"))


class Trap:
    """Unpickling it leaves a folder behind."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.mark),)


def config(**fields: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / "config.json").write_text(json.dumps({**json.loads((folder / "config.json").read_text()), **fields}))

    return edit


def code_of_its_own(folder: Path) -> None:
    config(auto_map={"AutoModel": "modeling.Model", "AutoConfig": "modeling.Config"})(folder)
    (folder / "modeling.py").write_text(f"import os; os.mkdir({str(folder.parent / 'ran')!r})")


def adapter(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "LORA", "base_model_name_or_path": "someone/else"}')


def in_parts(of: Callable[[Path], object], **index: Any) -> Callable[[Path], None]:
    """The weights in a part that the index names as ``of`` does."""

    def edit(folder: Path) -> None:
        names = list(load_file(folder / "model.safetensors"))
        (folder / "model.safetensors").rename(folder / "model-00001-of-00001.safetensors")
        parts = {"metadata": {}, "weight_map": dict.fromkeys(names, of(folder)), **index}
        (folder / "model.safetensors.index.json").write_text(json.dumps(parts))

    return edit


def beside(folder: Path) -> str:
    shutil.copy(folder / "model-00001-of-00001.safetensors", folder.parent / "model.safetensors")
    return "../model.safetensors"


def pickled_part(folder: Path) -> str:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(folder.parent / "ran")))
    return "pytorch_model.bin"


def header(text: bytes, length: int | None = None) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + PADDING)

    return edit


def tensor(shape: list[int], end: int) -> bytes:
    return json.dumps({"encoder.layernorm.weight": {"dtype": "F32", "shape": shape, "data_offsets": [0, end]}}).encode()


def pickled_in_disguise(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(Trap(folder.parent / "ran")) + PADDING)


def pipe(name: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return edit


def without_predictor_that_is_huge(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: value for name, value in weights.items() if "predictor" not in name}, folder / "model.safetensors", {"format": "pt"})
    config(pred_hidden_size=16_384, pred_num_hidden_layers=200, pred_num_attention_heads=256)(folder)


def unknown_weight_that_a_terminal_obeys(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "\x1b[31mred\n": torch.zeros(2)}, folder / "model.safetensors", {"format": "pt"})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (code_of_its_own, r"names code of its own \(auto_map\), which is never run"),
        (config(quantization_config={"quant_method": "someone/else"}), r"its weights are quantised \(quantization_config\)"),
        (config(transformers_weights="../../model.safetensors"), r"names another file of weights \(transformers_weights\)"),
        (config(hidden_act="os.system"), "could not be loaded: 'os.system'"),
        (config(dtype="__import__", torch_dtype="os.system"), "could not be loaded: module 'torch' has no attribute"),
        (config(model_type="vjepa2\n\x1b[31m"), r"is of a 'vjepa2\\n\\x1b\[31m' model"),
        (config(use_return_dict=True), "could not be loaded: property 'use_return_dict'"),
        (adapter, r"is an adapter \(adapter_config\.json\) to another model"),
        (in_parts(beside), r"names '\.\./model\.safetensors', but parts are \.safetensors files beside it"),
        (in_parts(lambda folder: str(folder / "model-00001-of-00001.safetensors")), "names '/.*, but parts are"),
        (in_parts(pickled_part), r"names 'pytorch_model\.bin', but parts are"),
        (in_parts(lambda folder: ["model-00001-of-00001.safetensors"]), "but parts are"),
        (in_parts(lambda folder: "model-00002-of-00002.safetensors"), r"lacks model-00002-of-00002\.safetensors, which its index names"),
        (in_parts(beside, weight_map=[]), "has no weight_map"),
        (header(b"{}", length=2**62), "could not be loaded: .*header too large"),
        (header(tensor([2**40, 2**40], 2**62)), "could not be loaded: .*overflow"),
        (header(tensor([0, 2**60], 0)), "could not be loaded: .*not fully covered"),
        (header(tensor([2**30], 2**32)), "could not be loaded: .*header"),
        (header(b"[" * 100_000), "could not be loaded: .*invalid JSON"),
        (pickled_in_disguise, "could not be loaded: .*header too large"),
        (
            config(hidden_size=16_384, num_hidden_layers=200, num_attention_heads=256),
            "describes 644,2.* weights at least",
        ),
        (config(patch_size=256, crop_size=256, tubelet_size=64, frames_per_clip=64), "describes 604,0.* weights at least"),
        (without_predictor_that_is_huge, "describes a predictor of 644,245,094,400 weights, more than"),
        (pipe("model.safetensors"), "has neither model.safetensors nor"),
        (pipe("config.json"), "is not a configuration file"),
        (pipe("jepascope.json"), "is not a configuration file"),
        (pipe("preprocessor_config.json"), "is not a configuration file"),
        (unknown_weight_that_a_terminal_obeys, r"names a weight .\\x1b\[31mred\\n., as no known checkpoint does"),
    ],
)
def test_it_is_refused_in_one_line_and_nothing_of_it_is_run(
    damage: Callable[[Path], None], said: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damage(folder)
    capfd.readouterr()
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(folder))
    print(caught.value)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 700
    assert capfd.readouterr().err == ""
    assert not (folder.parent / "ran").exists()


def test_a_table_of_positions_that_takes_hours_is_refused(tmp_path: Path) -> None:
    folder = saved(drawn("videomae"), tmp_path / "saved")
    config(hidden_size=1536, num_attention_heads=24, num_hidden_layers=1, intermediate_size=1, num_frames=4096, tubelet_size=1)(folder)
    with pytest.raises(BadCheckpoint, match="its table of positions has more than 33,554,432 numbers"):
        load_encoder(str(folder))


def test_parts_and_links_are_read(folder: Path, sound: Path) -> None:
    """As the hub's own cache lays a checkpoint out."""
    in_parts(lambda folder: "model-00001-of-00001.safetensors")(folder)
    for file in list(folder.iterdir()):
        file.rename(folder.parent / file.name)
        file.symlink_to(folder.parent / file.name)
    assert load_encoder(str(folder)).card.digest == load_encoder(str(sound)).card.digest


def test_files_of_code_beside_the_weights_are_left_alone(folder: Path) -> None:
    for name in ("modeling_vjepa2.py", "configuration_vjepa2.py", "custom_generate/generate.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"import os; os.mkdir({str(folder.parent / 'ran')!r})")
    load_encoder(str(folder))
    assert not (folder.parent / "ran").exists()


def test_pickled_weights_come_with_the_command_that_makes_safetensors_of_them(tmp_path: Path) -> None:
    """Some checkpoints of TimeSformer and ViViT on the hub have no safetensors."""
    encoder = drawn("timesformer")
    folder = saved(encoder, tmp_path / 'what\'s "$HOME" saved')
    weights = sorted(load_file(folder / "model.safetensors").items())
    torch.save(dict(weights[:20]), folder / "pytorch_model-00001-of-00002.bin")
    torch.save(dict(weights[20:]), folder / "pytorch_model-00002-of-00002.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(BadCheckpoint, match=r"no \.safetensors weights \(pickled weights are never read\)") as caught:
        load_encoder(str(folder))
    python, flag, code = shlex.split(re.findall("`([^`]+)`", str(caught.value))[-1])
    assert (python, flag) == (sys.executable, "-c")
    exec(code, {})
    assert load_encoder(str(folder)).card.digest == encoder.card.digest
    torch.save({"weight": Trap(tmp_path / "ran")}, folder / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(pickle.UnpicklingError):
        exec(code, {})
    assert not (tmp_path / "ran").exists()
    torch.load(folder / "pytorch_model-00001-of-00002.bin", weights_only=False)
    assert (tmp_path / "ran").exists()  # the trap works: had anything run it, the tests would have seen it
