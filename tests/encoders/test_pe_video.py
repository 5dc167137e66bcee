"""PE-Video: its tower against timm's, its own blocks against transformers', wholes that hold it, and files that it cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import patterned
from families_at_hand import drawn, pe_video, saved
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from jepascope.cli import app
from jepascope.encoders.frame_tower import ARGUMENTS, NAMED
from jepascope.encoders.geometry import read_json, sizes_of
from jepascope.encoders.load import load_encoder
from jepascope.encoders.pe_video import PeVideoEncoder
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

FRAMES = 5
# what transformers' PeVideoEncoder around timm 1.0.31's own tower gives of the same weights and pixels, run outside of this project with
# torchvision stubbed: four values each of the first, the third and the last frame, and of the class token
REFERENCE = {
    "vit_pe_core_large_patch14_336": (
        "-0.358062565 -0.164863095 0.265515983 0.313911498 -0.484469175 -1.37265015 -0.28607291 1.21206224 "
        "-0.225401938 -0.988737106 -0.329629183 0.803698719 -0.79894805 0.00170588994 0.799905658 0.447324008"
    ),
    "vit_pe_core_gigantic_patch14_448": (
        "-1.5625385 -0.553162396 1.59295928 0.465557903 -1.52424002 -0.577477574 1.55599809 0.491905719 "
        "-0.516810238 -1.3993119 0.59376514 1.36665797 -0.805905819 -2.58701634 0.948178113 2.5348711"
    ),
}


def patterned_encoder(architecture: str) -> PeVideoEncoder:
    """With the weights that the reference code was given: in the order of their names."""
    encoder = PeVideoEncoder.from_config(pe_video(architecture), 0)
    for number, (name, value) in enumerate(sorted(encoder.model.state_dict().items())):
        value.copy_(0.3 * patterned(tuple(value.shape), number) + float(value.ndim == 1 and name.endswith("weight")))
    return PeVideoEncoder(encoder.model, "patterned").at(FRAMES, 16)


@torch.inference_mode()
@pytest.mark.parametrize("architecture", REFERENCE)
def test_latents_are_those_of_the_reference_code(architecture: str, capsys: pytest.CaptureFixture[str]) -> None:
    encoder = patterned_encoder(architecture)
    latents = encoder.norm(encoder.run(encoder.embed(0.5 + 0.5 * patterned((1, FRAMES, 3, 16, 16), 99)), 0))
    expected = torch.tensor([float(number) for number in REFERENCE[architecture].split()]).view(4, 4)
    difference = float((latents[0, [0, 2, FRAMES - 1, FRAMES], :4] - expected).abs().max())
    with capsys.disabled():
        print(f"\n{architecture}: largest difference from the reference code {difference:.1e}")
    assert difference < 5e-6 * float(expected.abs().max())


@torch.inference_mode()
def test_the_tower_sees_each_frame_by_itself() -> None:
    encoder = drawn("pe_video_encoder")
    tower, images = encoder.model.embedder.vision_model.timm_model, torch.rand(11, 3, 16, 16)
    touched = images.clone()
    touched[3] = 0.5
    moved = (tower(touched) - tower(images)).abs().amax(1).nonzero()[:, 0]
    assert moved.tolist() == [3] and len(tower(images)) == 11


# wholes


@torch.inference_mode()
@pytest.mark.parametrize(
    ("kind", "before", "within"),
    [
        ("pe_video", "video_encoder.", ("video_config",)),
        ("pe_audio_video", "video_model.video_encoder.", ("audio_video_config", "video_config")),
        ("pe_audio_video", "audio_video_encoder.embedder.video_encoder.", ("audio_video_config", "video_config")),
    ],
)
def test_of_a_whole_the_video_encoder_is_read(kind: str, before: str, within: tuple[str, ...], tmp_path: Path) -> None:
    alone = drawn("pe_video_encoder")
    folder = whole(alone, tmp_path, kind, before, within)
    encoder = load_encoder(str(folder))
    assert encoder.card.digest == alone.card.digest
    planned = geometry(StudySpec(model=str(folder)))
    assert (planned.tokens, planned.depth, planned.width) == (encoder.card.tokens, encoder.card.depth, encoder.card.width)
    told = CliRunner().invoke(app, ["models", str(folder)])
    assert told.exit_code == 0 and "A token is a whole frame, which a tower makes (2 blocks of width 32)" in told.stdout
    assert planned.parameters > 12 * planned.depth * 24**2, "and its tower's"


def whole(alone: Any, folder: Path, kind: str, before: str, within: tuple[str, ...]) -> Path:
    """A folder that holds more than the video encoder."""
    saved(alone, folder)
    weights = {f"{before}{name}": value for name, value in load_file(folder / "model.safetensors").items()}
    others = {"text_model.layers.0.weight": torch.zeros(3), "video_head.proj.weight": torch.zeros(2, 2)}
    save_file({**weights, **others}, folder / "model.safetensors")
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    for key in reversed(within):
        config = {key: config}
    (folder / "config.json").write_text(json.dumps({**config, "model_type": kind}))
    return folder


# clips, and what cannot be


def test_clips_have_any_length_and_the_size_of_the_tower(tmp_path: Path) -> None:
    folder = saved(drawn("pe_video_encoder"), tmp_path / "saved")
    encoder = load_encoder(str(folder), frames=7)
    assert (encoder.card.grid, encoder.card.extra) == ((7, 1, 1), 1)
    for refused in (lambda: encoder.at(7, 32), lambda: geometry(StudySpec(model=str(folder), size=32))):
        with pytest.raises(BadArgument, match="takes frames of 16 pixels alone, not of 32"):
            refused()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("model_type", ["pe_video"], "model; jepascope reads"),
        ("head_dim", 10**9, "head_dim is 1000000000"),
        ("head_dim", 7, r"head_dim \(7\) is not a multiple of 2"),
        ("vision_config", [], "must describe the tower"),
        ("vision_config", {"architecture": "resnet50"}, f"is a 'resnet50'; read are {next(iter(NAMED))}"),
        ("vision_config", {"model_args": [1]}, "model_args that are no settings"),
        ("vision_config", {"model_args": {"global_pool": "avg"}}, f"sets 'global_pool' of its tower; .* are {next(iter(ARGUMENTS))}"),
        ("vision_config", {"model_args": {"depth": 10**7}}, "depth is 10000000"),
        ("vision_config", {"model_args": {"mlp_ratio": 10**7}}, "mlp_ratio"),
        ("vision_config", {"model_args": {"img_size": 100}}, r"img_size \(100\) is not a multiple of patch_size"),
        ("vision_config", {"model_args": {"embed_dim": 36}}, "not a multiple of 4 times num_heads"),
        ("vision_config", {"model_args": {"attn_pool_num_heads": 7}}, "not a multiple of attn_pool_num_heads"),
    ],
)
def test_a_size_that_cannot_be_is_named(field: str, value: object, said: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({**pe_video().to_dict(), field: value}))
    with pytest.raises(BadCheckpoint, match=said) as caught:
        sizes_of(read_json(path), path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_key_value_heads": 10**9}, "num_key_value_heads must be 2"),
        ({"hidden_act": "no such thing"}, "could not be loaded"),
        ({"rms_norm_eps": "x"}, "could not be loaded"),
        ({"vision_config": {**pe_video().vision_config.to_dict(), "model_args": {"depth": 200}}}, "weights at least, and its safetensors"),
        ({"model_type": "pe_video"}, "video_config does not describe the video encoder"),
    ],
)
def test_a_folder_that_says_something_else_than_its_weights_is_refused(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    folder = saved(drawn("pe_video_encoder"), tmp_path / "saved")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **changes}))
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(str(folder))
    assert "\n" not in str(caught.value)


def test_the_digest_names_where_positions_lie() -> None:
    one = drawn("pe_video_encoder")
    other = PeVideoEncoder.from_config(pe_video("vit_pe_core_base_patch16_224"), 0)  # the same sizes, over 14 rows and not 24
    other.model.load_state_dict(one.model.state_dict())
    assert PeVideoEncoder(other.model, "other").card.digest != one.card.digest


@pytest.mark.parametrize("lost", ["embedder.proj.weight", "embedder.vision_model.timm_model.pos_embed", "layers.1.mlp.up_proj.weight"])
def test_a_folder_that_lacks_a_weight_is_refused(lost: str, tmp_path: Path) -> None:
    folder = saved(drawn("pe_video_encoder"), tmp_path / "saved")
    weights = load_file(folder / "model.safetensors")
    del weights[lost]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(BadCheckpoint, match=rf"lacks weights: {lost}"):
        load_encoder(str(folder))
