"""Every other family of encoders equals transformers' own forward at every layer, and its tokens are where the grid says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from encoders_at_hand import edit_weights, noise_video
from families_at_hand import CONFIGS, VIT, drawn, kind_of, saved
from torch import Tensor
from transformers import (
    Dinov2Config,
    Dinov2ForImageClassification,
    Dinov2WithRegistersConfig,
    DINOv3ViTConfig,
    IJepaConfig,
    IJepaForImageClassification,
    TimesformerConfig,
    TimesformerForVideoClassification,
    VideoMAEConfig,
    VideoMAEForPreTraining,
    VideoMAEForVideoClassification,
    VideoPrismVisionConfig,
    VivitConfig,
    VivitForVideoClassification,
)

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.presets import directions8
from jepascope.encoders.entries import ENCODERS
from jepascope.encoders.geometry import read_json, sizes_of
from jepascope.encoders.library import LibraryEncoder
from jepascope.encoders.load import load_encoder
from jepascope.encoders.models import published_models
from jepascope.encoders.selftest import self_test
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

ONE_EACH = tuple(name for name in ENCODERS.own if not name.startswith("vjepa2"))
IMAGES = tuple(name for name in ONE_EACH if "frames" not in ENCODERS.own[name].sizes)


@pytest.fixture(params=CONFIGS)
def family(request: pytest.FixtureRequest) -> LibraryEncoder:
    return drawn(request.param)


@pytest.fixture(params=ONE_EACH)
def one(request: pytest.FixtureRequest) -> LibraryEncoder:
    return drawn(request.param)


# what it computes


def test_the_self_test_passes_with_no_difference_at_all(family: LibraryEncoder) -> None:
    assert self_test(family) == 0.0


@torch.inference_mode()
def test_every_place_of_the_grid_is_its_own_token_and_the_extra_ones_are_of_no_place(one: LibraryEncoder) -> None:
    """A changed patch moves the token of its time, row and column in ``h_0`` and no other; extra tokens come after the grid."""
    card = one.card
    video = noise_video(one, 1)
    assert math.prod(one.reference(video).shape[:2]) == math.prod(card.grid) + card.extra
    before, tubelet, patch = one.placed(video), card.frames // card.grid[0], card.size // card.grid[1]
    for time, row, column in ((0, 0, 0), (1, 2, 3), (card.grid[0] - 1, 3, 1)):
        row, column = row % card.grid[1], column % card.grid[2]
        touched = video.clone()
        touched[:, time * tubelet : (time + 1) * tubelet, :, row * patch : (row + 1) * patch, column * patch : (column + 1) * patch] = 0.5
        moved = (one.placed(touched) - before).abs().amax(-1)[0].nonzero()[:, 0]
        assert moved.tolist() == [(time * card.grid[1] + row) * card.grid[2] + column]


@torch.inference_mode()
def test_extra_tokens_take_part_in_attention() -> None:
    with_extra = [encoder for encoder in map(drawn, ONE_EACH) if encoder.card.extra]
    assert len(with_extra) >= 5
    for encoder in with_extra:
        hidden = encoder.embed(noise_video(encoder, 1))
        moved = hidden.clone()
        moved[:, -1] += 1.0
        apart = (encoder.run(moved, 0) - encoder.run(hidden, 0))[:, : encoder.card.places].abs().amax(-1)[0].view(encoder.card.grid)
        alone = encoder.card.name in IMAGES  # the last frame's own
        assert bool((apart[-1] > 0).all()) and bool((apart[0] == 0).all()) == alone


@torch.inference_mode()
def test_images_do_not_see_each_other() -> None:
    for name in IMAGES:
        encoder = drawn(name)
        video = noise_video(encoder, 1)
        single = encoder.at(1, 16)
        third = encoder.run(encoder.embed(video), 0)[:, : encoder.card.places].unflatten(1, (encoder.card.frames, -1))[:, 3]
        torch.testing.assert_close(single.run(single.embed(video[:, 3:4]), 0)[:, : single.card.places], third, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("name", IMAGES)
def test_images_of_other_sizes_have_transformers_own_interpolated_positions(name: str) -> None:
    other = drawn(name).at(3, 24)
    video = noise_video(other, 2)
    assert other.card.grid == (3, 6, 6)
    assert float((other.norm(other.run(other.embed(video), 0)) - other.reference(video)).abs().max()) == 0.0
    with pytest.raises(BadArgument, match="multiple of 4"):
        other.at(3, 18)


@torch.inference_mode()
def test_videoprism_s_frames_first_see_each_other_in_its_blocks_over_time() -> None:
    encoder = drawn("videoprism_vision_model")
    video = noise_video(encoder, 1)
    touched = video.clone()
    touched[:, 0] = 0.5
    other_frames = slice(encoder.card.places // encoder.card.grid[0], None)
    for layer in range(encoder.card.depth + 1):
        ours, theirs = (encoder.run(encoder.embed(each), 0, layer)[:, other_frames] for each in (video, touched))
        assert bool((ours != theirs).any()) == (layer > 2)


# what the suite does with it


def captured(encoder: LibraryEncoder) -> Activations:
    card = encoder.card
    return capture(encoder, directions8().at(card.frames, card.size).select(torch.arange(5).numpy()), sites=(1,), moments=(1,), batch=2)


def test_object_background_and_time_never_select_an_extra_token(one: LibraryEncoder) -> None:
    activations, places = captured(one), one.card.places
    if places == one.card.grid[0]:
        with pytest.raises(BadArgument, match="None of these clips has a token of the background"):
            activations.mask("background")
    for tokens in ("object", *(("background",) if places > one.card.grid[0] else ()), "time:1"):
        mask = activations.mask(tokens)
        assert mask is not None and mask.shape == (5, one.card.tokens)
        assert bool(mask[:, :places].any(1).all()) and not bool(mask[:, places:].any())
    torch.testing.assert_close(activations.pooled(1), activations.tokens(1).mean(1))


@torch.inference_mode()
@pytest.mark.parametrize("selection", ["all", "object"])
def test_an_edit_re_run_after_its_layer_equals_the_whole_forward_with_that_edit(one: LibraryEncoder, selection: str) -> None:
    activations = captured(one)
    hidden, mask = activations.tokens(1), activations.mask(selection)

    def edit(hidden: Tensor, part: slice) -> Tensor:
        """Condition 0 changes nothing, condition 1 lets the first coordinate of the selected tokens out."""
        out = torch.stack([hidden, hidden])[part].clone()
        if part.stop > 1:
            out[-1, ..., 0].masked_fill_(torch.ones(hidden.shape[:2], dtype=torch.bool) if mask is None else mask, 0.0)
        return out

    kept = torch.empty(2, 5, one.card.width)

    def keep(part: slice, found: dict[int, Tensor]) -> None:
        kept[part] = found[one.card.depth]

    rerun(one, [Rerun(Sweep(hidden, 1, edit, {one.card.depth: PooledReader(mask)}), 2, keep)], 3)
    # of so few tokens a clip, the last digit of a matrix product depends on how many clips it has
    rounding = 1e-6 * float(kept.abs().max()) if one.sizes.tower else 0.0
    assert float((kept[0] - activations.pooled(one.card.depth, selection)).abs().max()) <= rounding
    assert float((kept[1] - kept[0]).abs().max()) > 0

    def hooked(module: torch.nn.Module, args: object, out: Any) -> Any:
        edited = one.inward(edit(one.outward(out[0] if isinstance(out, tuple) else out), slice(0, 2))[1])
        return (edited, *out[1:]) if isinstance(out, tuple) else edited

    one.blocks[0].register_forward_hook(hooked)
    whole = one.reference(activations.clips.video())
    assert float((one.norm(one.run(edit(hidden, slice(0, 2))[1], 1)) - whole).abs().max()) == 0.0


# loading


@torch.inference_mode()
def test_a_folder_gives_the_same_encoder_back(family: LibraryEncoder, tmp_path: Path) -> None:
    again = load_encoder(str(saved(family, tmp_path / "saved")))
    assert replace(again.card, name=family.card.name) == family.card and type(again) is type(family)
    video = noise_video(family, 1)
    assert torch.equal(again.run(again.embed(video), 0), family.run(family.embed(video), 0))


@torch.inference_mode()
@pytest.mark.parametrize(
    ("kind", "name", "prefix"),
    [
        (VideoMAEForPreTraining, "videomae", "videomae"),
        (VideoMAEForVideoClassification, "videomae pooled", "videomae"),
        (VivitForVideoClassification, "vivit", "vivit"),
        (TimesformerForVideoClassification, "timesformer", "timesformer"),
        (Dinov2ForImageClassification, "dinov2", "dinov2"),
        (IJepaForImageClassification, "ijepa", "ijepa"),
    ],
)
def test_of_a_checkpoint_with_more_than_the_encoder_the_encoder_is_read(kind: Any, name: str, prefix: str, tmp_path: Path) -> None:
    whole = kind(CONFIGS[name]()).eval()
    whole.save_pretrained(tmp_path / "whole")
    encoder = load_encoder(str(tmp_path / "whole"))
    video = noise_video(encoder, 1)
    theirs = type(encoder)(getattr(whole, prefix), "theirs")
    assert torch.equal(encoder.run(encoder.embed(video), 0), theirs.run(theirs.embed(video), 0))
    assert encoder.card.digest == theirs.card.digest


def test_untrained_twins_have_other_weights_and_the_same_shape(one: LibraryEncoder) -> None:
    state = torch.get_rng_state()
    twin = one.untrained(5)
    assert torch.equal(torch.get_rng_state(), state)
    assert replace(twin.card, name=one.card.name, digest=one.card.digest) == one.card
    assert twin.card.digest == one.untrained(5).card.digest != one.untrained(6).card.digest
    assert one.to("cpu", torch.bfloat16).embed(noise_video(one, 1)).dtype == torch.bfloat16


def test_the_digest_names_what_the_weights_do_not_tell() -> None:
    one, heads = drawn("ijepa"), IJepaConfig(**{**VIT, "num_attention_heads": 3}, patch_size=4, intermediate_size=48)
    other = kind_of("ijepa").from_config(heads, 0)
    other.model.load_state_dict(one.model.state_dict())
    assert type(other)(other.model, "heads").card.digest != one.card.digest


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
def test_code_that_a_config_names_is_never_asked_for(one: LibraryEncoder, key: str, tmp_path: Path) -> None:
    """transformers takes the name of a repository on the hub for an implementation of attention, and would run what lies there."""
    folder = saved(one, tmp_path / "saved")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, key: "someone/kernel"}))
    assert load_encoder(str(folder)).model.config._attn_implementation in ("sdpa", "eager")


# refusals


def config_of(name: str, folder: Path, **fields: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({**CONFIGS[name]().to_dict(), **fields}))
    return folder / "config.json"


@pytest.mark.parametrize(
    ("name", "field", "value", "said"),
    [
        ("videomae", "num_hidden_layers", 10**7, "num_hidden_layers"),
        ("videomae", "num_frames", 7, "num_frames"),
        ("videomae", "tubelet_size", 0, "tubelet_size"),
        ("vivit", "tubelet_size", 2, "tubelet_size is 2, but must be three numbers"),
        ("vivit", "tubelet_size", [2, 4, 8], "tubelet_size"),
        ("vivit", "image_size", 18, "image_size"),
        ("videoprism_vision_model", "num_temporal_layers", 0, "num_temporal_layers"),
        ("videoprism_vision_model", "image_size", [16, 16], "image_size"),
        ("timesformer", "attention_type", "space_only", "attention_type"),
        ("timesformer", "hidden_size", "x", "hidden_size"),
        ("dinov2", "mlp_ratio", 10**9, "mlp_ratio"),
        ("dinov2", "patch_size", [4, 4], "patch_size"),
        ("dinov2_with_registers", "num_register_tokens", 10**9, "num_register_tokens"),
        ("ijepa", "num_attention_heads", 5, "num_attention_heads"),
        ("ijepa", "intermediate_size", 10**9, "intermediate_size"),
        ("ijepa", "num_channels", 1, "num_channels"),
        ("ijepa", "image_size", 4096, "tokens a clip"),
        ("dinov3_vit", "num_attention_heads", 4, "not a multiple of 4 times num_attention_heads"),
    ],
)
def test_a_size_that_cannot_be_is_named(name: str, field: str, value: object, said: str, tmp_path: Path) -> None:
    path = config_of(name, tmp_path, **{field: value})
    with pytest.raises(BadCheckpoint, match=said) as caught:
        sizes_of(read_json(path), path)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore")
def test_a_damaged_checkpoint_is_refused_in_one_sentence(one: LibraryEncoder, tmp_path: Path) -> None:
    def pickled(folder: Path) -> None:
        (folder / "model.safetensors").rename(folder / "pytorch_model.bin")

    named = {"dinov3_vit": "norm.weight", "videoprism_vision_model": "layernorm2.weight", "pe_video_encoder": "norm.weight"}
    norm = named.get(one.card.name, "layernorm.weight")

    def nan(folder: Path) -> None:
        edit_weights(folder, lambda weights: [value.fill_(math.nan) for name, value in weights.items() if "norm" in name])

    damages: dict[str, Callable[[Path], object]] = {
        "lacks weights": lambda folder: edit_weights(folder, lambda weights: weights.pop(norm)),
        "has unknown weights: something": lambda folder: edit_weights(folder, lambda w: w.update({"something": torch.zeros(2)})),
        "has misshapen weights": lambda folder: edit_weights(folder, lambda w: w.update({norm: torch.zeros(5)})),
        "pickled weights are never read": pickled,
        "failed its self-test.*NaN": nan,
    }
    one = drawn("videomae") if one.card.name == "videomae" else one
    for number, (said, damage) in enumerate(damages.items()):
        folder = saved(one, tmp_path / str(number))
        damage(folder)
        with pytest.raises(BadCheckpoint, match=said) as caught:
            load_encoder(str(folder))
        assert "\n" not in str(caught.value)


def test_clips_of_another_length_or_size_are_refused(one: LibraryEncoder, tmp_path: Path) -> None:
    with pytest.raises(BadArgument, match="set up for"):
        one.embed(torch.zeros(1, one.card.frames + 1, 3, 16, 16))
    if one.sizes.fixed:
        with pytest.raises(BadArgument, match=rf"takes clips of {one.card.frames} frames of 16 pixels alone"):
            load_encoder(str(saved(one, tmp_path / "saved")), size=32)


# plans


@pytest.mark.parametrize("name", ONE_EACH)
def test_a_plan_counts_the_tokens_that_the_encoder_has(name: str, tmp_path: Path) -> None:
    config_of(name, tmp_path)
    found, card = geometry(StudySpec(model=str(tmp_path))), drawn(name).card
    assert (found.width, found.depth, found.tokens, found.times) == (card.width, card.depth, card.tokens, card.grid[0])
    assert not found.has_predictor and not found.has_head


def test_a_plan_refuses_what_the_encoder_would(tmp_path: Path) -> None:
    config_of("vivit", tmp_path)
    with pytest.raises(BadArgument, match="6 frames of 16 pixels alone"):
        geometry(StudySpec(model=str(tmp_path), frames=8))
    assert geometry(StudySpec(model="facebook/dinov2-base", frames=4, size=224)).tokens == 4 * (16 * 16 + 1)
    with pytest.raises(BadArgument, match="16 frames of 224 pixels alone"):
        geometry(StudySpec(model="MCG-NJU/videomae-base", frames=8))


# (configuration, beside the card's sizes) of the published checkpoints
PUBLISHED: dict[str, Any] = {
    "google/vivit-b-16x2": VivitConfig(),
    "google/vivit-b-16x2-kinetics400": VivitConfig(),
    "facebook/timesformer-base-finetuned-k400": TimesformerConfig(),
    "facebook/timesformer-base-finetuned-ssv2": TimesformerConfig(),
    "facebook/timesformer-hr-finetuned-k400": TimesformerConfig(num_frames=16, image_size=448),
    "facebook/timesformer-hr-finetuned-ssv2": TimesformerConfig(num_frames=16, image_size=448),
    "facebook/dinov3-vits16-pretrain-lvd1689m": DINOv3ViTConfig(num_register_tokens=4),
    "facebook/dinov3-vitb16-pretrain-lvd1689m": DINOv3ViTConfig(
        hidden_size=768, num_attention_heads=12, intermediate_size=3072, num_register_tokens=4
    ),
    "facebook/dinov3-vitl16-pretrain-lvd1689m": DINOv3ViTConfig(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096, num_register_tokens=4
    ),
    "MCG-NJU/videomae-base": VideoMAEConfig(use_mean_pooling=False),
    "MCG-NJU/videomae-large": VideoMAEConfig(
        hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096, use_mean_pooling=False
    ),
    "google/videoprism-base-f16r288": VideoPrismVisionConfig(),
    "google/videoprism-large-f8r288": VideoPrismVisionConfig(
        hidden_size=1024, num_attention_heads=16, intermediate_size=4096, num_spatial_layers=24, num_frames=8
    ),
    "facebook/dinov2-small": Dinov2Config(hidden_size=384, num_attention_heads=6, image_size=518, patch_size=14),
    "facebook/dinov2-giant": Dinov2Config(
        hidden_size=1536, num_hidden_layers=40, num_attention_heads=24, image_size=518, patch_size=14, use_swiglu_ffn=True
    ),
    "facebook/dinov2-with-registers-base": Dinov2WithRegistersConfig(image_size=518, patch_size=14),
    "facebook/ijepa_vith14_1k": IJepaConfig(
        hidden_size=1280, num_hidden_layers=32, num_attention_heads=16, intermediate_size=5120, patch_size=14
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_known_checkpoints_have_the_sizes_of_their_published_configuration(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # VideoMAE's table of sines is no parameter, and takes two seconds
    monkeypatch.setattr("transformers.models.videomae.modeling_videomae.get_sinusoid_encoding_table", torch.empty)
    config, row = PUBLISHED[name], next(model for model in published_models() if model.name == name)
    sizes = sizes_of(config.to_dict(), Path("config.json"))
    beside = ("width", "depth", "frames", "size", "patch", "tubelet", "extra", "extra_per_frame", "fixed")
    assert [getattr(sizes, field) for field in beside] == [getattr(row.sizes, field) for field in beside]
    encoder = kind_of(config.model_type)
    with torch.device("meta"):
        model = encoder.kind(config, **encoder.built)
    assert sizes.weights < sum(weight.numel() for weight in model.parameters()) == row.parameters
