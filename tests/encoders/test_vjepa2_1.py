"""V-JEPA 2.1 from Meta's .pt files, against a plain implementation of its video path: equal to rounding at any size, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from meta_2_1_at_hand import WIDTH, MetaEncoder, State, change, checkpoint, random_encoder, saved
from torch import Tensor
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders import vjepa2
from jepascope.encoders.dense_predictor import DenseModel
from jepascope.encoders.depths import LEVELS, TEACHER
from jepascope.encoders.frozen import weights_digest
from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.meta import meta_sizes
from jepascope.encoders.models import published_models
from jepascope.encoders.rotary import V2, V2_1, RotaryRule, rotary_table
from jepascope.encoders.selftest import self_test
from jepascope.encoders.vjepa2 import BESIDE_SHAPES, VJepa2Encoder
from jepascope.encoders.vjepa2_1 import as_2_0, sizes_2_1
from jepascope.errors import BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

DEPTH = 4


@pytest.fixture(scope="module")
def meta() -> MetaEncoder:
    return random_encoder()


@pytest.fixture(scope="module")
def encoder(meta: MetaEncoder, tmp_path_factory: pytest.TempPathFactory) -> VJepa2Encoder:
    loaded = load_encoder(saved(tmp_path_factory.mktemp("meta"), checkpoint(meta)), frames=4, size=64)
    assert isinstance(loaded, VJepa2Encoder)
    return loaded


def clips_for(encoder: VJepa2Encoder, clips: int = 1) -> Tensor:
    card = encoder.card
    return torch.rand(clips, card.frames, 3, card.size, card.size, generator=torch.Generator().manual_seed(0))


def latents_of(encoder: VJepa2Encoder, video: Tensor) -> Tensor:
    return encoder.norm(encoder.run(encoder.embed(video), 0))


# parity


@torch.inference_mode()
@pytest.mark.parametrize(("frames", "size"), [(2, 32), (8, 64), (4, 112), (4, 256), (2, 384)])
def test_latents_equal_metas_arithmetic_at_any_size(encoder: VJepa2Encoder, meta: MetaEncoder, frames: int, size: int) -> None:
    fitted = encoder.at(frames, size)
    video = clips_for(fitted, 2)
    difference = float((latents_of(fitted, video) - meta(video)).abs().max())
    print(f"{frames} frames of {size} pixels, grid {fitted.card.grid}: largest difference {difference:.2e}")
    assert difference < 1e-5


RULES_LEFT_OUT = {
    "rotation of V-JEPA 2, positions of V-JEPA 2": V2,
    "positions of V-JEPA 2": RotaryRule("", paired=True, span=None),
    "rotation of V-JEPA 2": RotaryRule("", paired=False, span=16),
}


@torch.inference_mode()
@pytest.mark.parametrize("left_out", RULES_LEFT_OUT)
def test_without_either_rule_the_latents_are_others(
    encoder: VJepa2Encoder, meta: MetaEncoder, left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vjepa2, "rotary_table", lambda grid, head, rule: rotary_table(grid, head, RULES_LEFT_OUT[left_out]))
    fresh = VJepa2Encoder(encoder.model, "without").at(4, 112)
    video = clips_for(fresh)
    theirs = meta(video)
    difference, error = float((latents_of(fresh, video) - theirs).abs().max()), (latents_of(fresh, video) - theirs).norm() / theirs.norm()
    print(f"{left_out}: largest difference {difference:.3f}, relative error {float(error):.1%}")
    assert difference > 0.1 and error > 0.02


@torch.inference_mode()
def test_without_the_embedding_of_clips_the_latents_are_others(encoder: VJepa2Encoder, meta: MetaEncoder) -> None:
    bias = encoder.model.encoder.embeddings.patch_embeddings.proj.bias
    torch.testing.assert_close(bias, meta.patch_embed.proj.bias + meta.video_mod_embed[0, 0])
    assert (bias - meta.patch_embed.proj.bias).abs().max() > 1


def test_at_the_grid_that_training_began_with_rows_and_columns_lie_where_those_of_v_jepa_2_lie() -> None:
    """16 x 16: one a position, so the two rules differ in the tiling alone."""
    ours, plain = (rotary_table((3, 16, 16), 64, rule) for rule in (V2_1, RotaryRule("", paired=True, span=None)))
    assert torch.equal(ours.cos, plain.cos) and torch.equal(ours.sin, plain.sin)
    assert not torch.equal(ours.cos, rotary_table((3, 16, 16), 64).cos)


@torch.inference_mode()
def test_a_grid_of_one_patch_has_finite_latents(encoder: VJepa2Encoder) -> None:
    alone = encoder.at(4, 16)
    assert latents_of(alone, clips_for(alone)).isfinite().all()


# the self-test and what keeps the rule


def test_the_self_test_holds_the_loop_against_a_rotation_of_its_own(encoder: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert self_test(encoder) == 0.0
    assert not any("apply_rotary_embeddings" in vars(layer.attention) for layer in encoder.model.encoder.layer)  # taken out again
    monkeypatch.setattr(vjepa2, "rotary_table", lambda grid, head, rule: rotary_table(grid, head, V2))
    with pytest.raises(BadCheckpoint, match="differ from transformers' forward by"):
        self_test(VJepa2Encoder(encoder.model, "turned as V-JEPA 2"))


@torch.inference_mode()
def test_twins_keep_the_rule(encoder: VJepa2Encoder) -> None:
    twin = encoder.at(8, 48).untrained(0)
    assert (twin.rotary, twin.card.frames, twin.card.size, twin.card.has_predictor) == (V2_1, 8, 48, False)  # it had a teacher's
    assert torch.equal(twin.table().cos, rotary_table((4, 3, 3), 64, V2_1).cos)
    assert twin.card.digest != encoder.card.digest


def test_in_half_precision_it_passes_its_tests(meta: MetaEncoder, tmp_path: Path) -> None:
    half = load_encoder(saved(tmp_path, checkpoint(meta)), dtype=torch.bfloat16, frames=2, size=32)
    assert half.dtype == torch.bfloat16


def test_the_rule_is_part_of_the_digest_and_v_jepa_2_keeps_its_own(encoder: VJepa2Encoder) -> None:
    known = {name: value for name, value in encoder.model.config.to_dict().items() if name not in ("rotary", LEVELS, TEACHER)}
    models = {}
    for rule in (V2, V2_1):
        models[rule] = VJEPA2Model(VJEPA2Config(**known, **({} if rule == V2 else {"rotary": rule.name})))
        models[rule].predictor = None
        models[rule].encoder.load_state_dict(encoder.model.encoder.state_dict())
    older, newer = (VJepa2Encoder(models[rule], "the same weights") for rule in (V2, V2_1))
    assert (older.rotary, newer.rotary) == (V2, V2_1) and older.card.digest != newer.card.digest
    assert older.card.digest == weights_digest(models[V2], [getattr(models[V2].config, field) for field in BESIDE_SHAPES])


@torch.inference_mode()
def test_a_saved_folder_is_v_jepa_2_1_again(encoder: VJepa2Encoder, tmp_path: Path) -> None:
    save_encoder(encoder, tmp_path / "folder", {})
    assert json.loads((tmp_path / "folder" / "config.json").read_text())["rotary"] == "vjepa2.1"
    again = load_encoder(str(tmp_path / "folder"), frames=4, size=64)
    assert isinstance(again, VJepa2Encoder)
    assert (again.rotary, again.card.has_predictor, again.card.source) == (V2_1, False, encoder.card.source)
    video = clips_for(encoder)
    torch.testing.assert_close(latents_of(again, video), latents_of(encoder, video), atol=0.05, rtol=0)  # weights are saved in float16
    planned = geometry(StudySpec(model=str(tmp_path / "folder"), frames=4, size=64))
    assert (planned.width, planned.depth, planned.tokens, planned.has_predictor) == (WIDTH, DEPTH, 32, False)


@pytest.mark.parametrize("named", ["vjepa3", ["vjepa2.1"], None, 21])
def test_an_unknown_rule_in_a_configuration_is_refused(named: Any, encoder: VJepa2Encoder, tmp_path: Path) -> None:
    save_encoder(encoder, tmp_path / "folder", {})
    config = json.loads((tmp_path / "folder" / "config.json").read_text())
    (tmp_path / "folder" / "config.json").write_text(json.dumps({**config, "rotary": named}))
    for read in (load_encoder, lambda folder: geometry(StudySpec(model=folder))):
        with pytest.raises(BadCheckpoint, match=r"rotary is .* but must be one of: vjepa2, vjepa2\.1"):
            read(str(tmp_path / "folder"))


# what is read and what is left out


def test_the_card_says_what_was_read_and_what_was_left_out(encoder: VJepa2Encoder) -> None:
    card = encoder.card
    assert card.source.startswith(
        "vjepa2_1_vitx.pt: ema_encoder of V-JEPA 2.1 and predictor, left out its branch for images; its norms behind inner layers ("
    )
    assert (card.width, card.depth, card.grid, card.has_predictor) == (WIDTH, DEPTH, (2, 4, 4), False)
    assert encoder.model.config.crop_size == 384


@pytest.mark.parametrize(("keys", "used"), [(("target_encoder", "ema_encoder"), "ema_encoder"), (("target_encoder",), "target_encoder")])
def test_a_distilled_encoder_comes_before_a_teacher_beside_it(keys: tuple[str, ...], used: str, meta: MetaEncoder, tmp_path: Path) -> None:
    whole = checkpoint(meta, used)
    whole |= {key: checkpoint(random_encoder(seed=2), key)[key] for key in keys if key != used}
    encoder = load_encoder(saved(tmp_path, whole), frames=2, size=32)
    assert encoder.card.source.split()[1] == used
    assert torch.equal(encoder.model.encoder.layernorm.weight, meta.norms_block[3].weight)


EMA = "ema_encoder"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change(EMA, norms_block__3__weight=None), r"lacks weights: ema_encoder\.norms_block\.3\.weight"),
        (change(EMA, norms_block__3__bias=None), r"lacks weights: ema_encoder\.norms_block\.3\.bias"),
        (change(EMA, video_mod_embed=None), r"lacks weights: ema_encoder\.video_mod_embed"),
        (change(EMA, patch_embed__proj__bias=None), r"lacks weights: ema_encoder\.patch_embed\.proj\.bias"),
        (change(EMA, blocks__1__attn__qkv__bias=None), r"lacks weights: ema_encoder\.blocks\.1\.attn\.qkv\.bias"),
        (change(EMA, norms_block__4__weight=torch.zeros(WIDTH)), r"has unknown weights: ema_encoder\.norms_block\.4\.weight\. "),
        (change(EMA, norms_block__3__scale=torch.zeros(WIDTH)), r"has unknown weights: ema_encoder\.norms_block\.3\.scale\. "),
        (change(EMA, patch_embed_img__scale=torch.zeros(1)), r"has unknown weights: ema_encoder\.patch_embed_img\.scale\. "),
        (change(EMA, norm__weight=torch.zeros(WIDTH)), r"has unknown weights: ema_encoder\.norm\.weight\. V-JEPA 2\.1 has four norms"),
        (change(EMA, cls_token=torch.zeros(1)), r"has unknown weights: ema_encoder\.cls_token\. "),
        (change("predictor", action_head=torch.zeros(1)), r"has unknown weights: predictor\.action_head\. "),
        (change(EMA, norms_block__3__bias=torch.zeros(5)), r"misshapen weights: ema_encoder\.norms_block\.3\.bias is \(5,\), but must be"),
        (change(EMA, video_mod_embed=torch.zeros(1, 2, WIDTH)), r"misshapen weights: ema_encoder\.video_mod_embed is \(1, 2, 128\)"),
        (change(EMA, video_mod_embed=torch.zeros(1, 1, WIDTH, dtype=torch.int64)), "video_mod_embed is not a plain tensor"),
        (change(EMA, patch_embed__proj__weight=torch.zeros(WIDTH, 3, 2, 32, 32)), r"is of V-JEPA 2\.1 with patches of 32 pixels"),
        (change(EMA, pos_embed=torch.zeros(1, 1568, WIDTH)), "is a V-JEPA 1 checkpoint: .*16 frames of 224 pixels"),
        (change(EMA, video_mod_embed=torch.full((1, 1, WIDTH), float("nan"))), r"failed its self-test.*NaN"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(damage: Callable[[State], object], said: str, meta: MetaEncoder, tmp_path: Path) -> None:
    whole = checkpoint(meta)
    damage(whole)
    with pytest.raises(BadCheckpoint, match=said) as caught:
        load_encoder(saved(tmp_path, whole), frames=2, size=32)
    assert str(caught.value).isprintable()  # one line
    print(caught.value)


def test_an_encoder_of_v_jepa_2_with_the_predictor_of_2_1_is_refused(meta: MetaEncoder, tmp_path: Path) -> None:
    """Its shapes tell: it forecasts a teacher's 1,664 numbers a token."""
    whole = checkpoint(meta)
    only = ("norms_block", "patch_embed_img", "video_mod_embed", "img_mod_embed")
    whole[EMA] = {name: value for name, value in whole[EMA].items() if not any(part in name for part in only)}
    whole[EMA] |= {f"norm.{part}": torch.ones(WIDTH) for part in ("weight", "bias")}
    with pytest.raises(BadCheckpoint, match=r"misshapen weights: predictor\.predictor_proj\.weight is \(1664, 384\)"):
        load_encoder(saved(tmp_path, whole))


# the released ones


RELEASED = {  # width, heads, width of the MLP, depth: of Meta's vit_base, vit_large, vit_giant_xformers, vit_gigantic_xformers
    "vjepa2_1_vitb_dist_vitG_384.pt": (768, 12, 3072, 12),
    "vjepa2_1_vitl_dist_vitG_384.pt": (1024, 16, 4096, 24),
    "vjepa2_1_vitg_384.pt": (1408, 22, 6144, 40),
    "vjepa2_1_vitG_384.pt": (1664, 26, 8192, 48),
}


def predictor_of(width: int, several: bool) -> State:
    """Shapes of Meta's that tell the sizes: of 24 blocks and 4 depths, or of 12 and a teacher's latents."""
    blocks, said = (24, 4 * width) if several else (12, 1664)
    embed = {"predictor_embed.0": (width, 4 * width), "predictor_embed.2": (384, width)} if several else {"predictor_embed": (384, width)}
    linear = {**embed, "predictor_proj": (said, 384), **{f"predictor_blocks.{block}.mlp.fc1": (1536, 384) for block in range(blocks)}}
    state = {f"predictor.{name}.weight": torch.empty(shape) for name, shape in linear.items()}
    return state | {f"predictor.mask_tokens.{row}": torch.empty(1, 1, 384) for row in range(8)}


@pytest.mark.parametrize("name", RELEASED)
def test_the_list_of_models_has_the_released_sizes(name: str) -> None:
    width, heads, mlp, depth = RELEASED[name]
    row = next(model for model in published_models() if model.name == name)
    with torch.device("meta"):
        shapes = {
            "encoder.patch_embed.proj.weight": torch.empty(width, 3, 2, 16, 16),
            **{f"encoder.{part}": torch.empty(width) for part in ("patch_embed.proj.bias", "norms_block.3.weight", "norms_block.3.bias")},
            "encoder.video_mod_embed": torch.empty(1, 1, width),
            **{f"encoder.blocks.{block}.mlp.fc1.weight": torch.empty(mlp, width) for block in range(depth)},
        }
        shapes |= predictor_of(width, several=depth > 24)
        key = "encoder" if depth > 24 else "ema_encoder"
        shapes = {name.replace("encoder.", f"{key}.", 1): weight for name, weight in shapes.items()}
        folded = as_2_0(Path(name), shapes, key)
        config = VJEPA2Config(**sizes_2_1(Path(name), meta_sizes(Path(name), folded, key, True), folded, key))
        parameters = sum(weight.numel() for weight in DenseModel(config).parameters())
    assert (row.sizes.width, row.sizes.depth, row.sizes.frames, row.sizes.size) == (
        config.hidden_size,
        depth,
        config.frames_per_clip,
        config.crop_size,
    )
    assert (row.parameters, row.predictor, config.num_attention_heads) == (parameters, depth > 24, heads)
    assert row.how == f"curl -LO https://dl.fbaipublicfiles.com/vjepa2/{name}"
    planned = geometry(StudySpec(model=name, frames=16, size=256))
    assert (planned.tokens, planned.has_predictor) == (8 * 16 * 16, depth > 24)  # distilled ones forecast a teacher's latents


def test_a_listed_file_that_is_not_here_is_refused_with_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadCheckpoint, match=r"is not in this folder; fetch it with `curl -LO https://.*/vjepa2_1_vitg_384\.pt`"):
        load_encoder("vjepa2_1_vitg_384.pt")
