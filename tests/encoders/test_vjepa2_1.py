"""V-JEPA 2.1 from Meta's .pt files, against a plain implementation of its video path: equal to rounding at any size, or refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import VJEPA2Config, VJEPA2Model

from jepascope.encoders import vjepa2
from jepascope.encoders.frozen import weights_digest
from jepascope.encoders.load import load_encoder, save_encoder
from jepascope.encoders.meta import meta_sizes
from jepascope.encoders.models import published_models
from jepascope.encoders.rotary import V2, V2_1, RotaryRule, rotary_table
from jepascope.encoders.selftest import self_test
from jepascope.encoders.vjepa2 import BESIDE_SHAPES, VJepa2Encoder
from jepascope.encoders.vjepa2_1 import as_2_0, sizes_2_1
from jepascope.errors import BadArgument, BadCheckpoint
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

State = dict[str, Any]
WIDTH, HEADS, DEPTH = 128, 2, 4
MEAN, SD = (torch.tensor(values)[:, None, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


# what Meta's code computes, written anew: complex numbers for the rotation, one sum for the attention


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH, eps=1e-6), nn.LayerNorm(WIDTH, eps=1e-6)
        self.attn, self.mlp = nn.Module(), nn.Module()
        self.attn.qkv, self.attn.proj = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp.fc1, self.mlp.fc2 = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(2 * WIDTH, WIDTH)

    def forward(self, x: Tensor, turns: Tensor) -> Tensor:
        query, key, value = self.attn.qkv(self.norm1(x)).unflatten(-1, (3, HEADS, -1)).permute(2, 0, 3, 1, 4)
        scores = turned(query, turns) @ turned(key, turns).transpose(-1, -2) / (WIDTH / HEADS) ** 0.5
        x = x + self.attn.proj((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))
        return x + self.mlp.fc2(F.gelu(self.mlp.fc1(self.norm2(x))))


def turned(x: Tensor, turns: Tensor) -> Tensor:
    """Neighbouring coordinates as complex numbers, the first 60 of 64 turned."""
    plane = torch.view_as_complex(x[..., :60].unflatten(-1, (30, 2)).contiguous())
    return torch.cat([torch.view_as_real(plane * turns).flatten(-2), x[..., 60:]], dim=-1)


def turns_of(times: int, side: int) -> Tensor:
    """exp(i position frequency): 10 frequencies an axis, rows and columns from 0 to 15 whatever the grid."""
    frequency = 10000.0 ** -(torch.arange(10) / 10)
    places = torch.cartesian_prod(torch.arange(times).float(), torch.arange(side) * 15 / (side - 1), torch.arange(side) * 15 / (side - 1))
    return torch.polar(torch.ones(()), (places[:, :, None] * frequency).flatten(1))


class MetaEncoder(nn.Module):
    """V-JEPA 2.1 under the names that Meta gives its weights; clips alone are run."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed, self.patch_embed_img = nn.Module(), nn.Module()
        self.patch_embed.proj = nn.Conv3d(3, WIDTH, (2, 16, 16), (2, 16, 16))
        self.patch_embed_img.proj = nn.Conv3d(3, WIDTH, (1, 16, 16), (1, 16, 16))
        self.video_mod_embed, self.img_mod_embed = (nn.Parameter(torch.randn(1, 1, WIDTH)) for _ in range(2))
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norms_block = nn.ModuleList(nn.LayerNorm(WIDTH, eps=1e-6) for _ in range(4))

    def forward(self, video: Tensor) -> Tensor:
        """Latents of clips (clips, frames, 3, rows, columns) in [0, 1]."""
        patches = self.patch_embed.proj((video.transpose(1, 2) - MEAN) / SD)
        turns = turns_of(*patches.shape[2:4])
        x = patches.flatten(2).transpose(1, 2) + self.video_mod_embed
        for block in self.blocks:
            x = block(x, turns)
        return self.norms_block[3](x)


def random_encoder(seed: int = 0) -> MetaEncoder:
    """Weights so large that positions matter, as they do after training; biases and norms not left at 0 and 1."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MetaEncoder().eval().requires_grad_(False)
        for name, weight in model.named_parameters():
            weight += (0.15 if "qkv.weight" in name else 0.05) * torch.randn_like(weight)
    return model


def predictor(levels: int = 1) -> State:
    """By the names and shapes of Meta's, one block deep: of a distilled encoder (B and L) or, with 4 levels, of g and G."""
    linear = {"predictor_embed": (384, WIDTH), "predictor_proj": (1664, 384), "predictor_proj_context": (1664, 384)}
    if levels > 1:
        linear = {"predictor_embed.0": (WIDTH, levels * WIDTH), "predictor_embed.2": (384, WIDTH), "predictor_proj": (levels * WIDTH, 384)}
    block = {"attn.qkv": (1152, 384), "attn.proj": (384, 384), "mlp.fc1": (1536, 384), "mlp.fc2": (384, 1536)}
    linear |= {f"predictor_blocks.0.{name}": shape for name, shape in block.items()}
    state = {f"{name}.weight": torch.zeros(shape) for name, shape in linear.items()}
    state |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in linear.items()}
    norms = ("predictor_norm", "predictor_blocks.0.norm1", "predictor_blocks.0.norm2")
    state |= {f"{name}.{part}": torch.zeros(384) for name in norms for part in ("weight", "bias")}
    state |= {f"mask_tokens.{row}": torch.zeros(1, 1, 384) for row in range(8)}
    return state | {f"{name}_mod_embed": torch.zeros(1, 1, 384) for name in ("video", "img")}


def checkpoint(model: MetaEncoder, key: str = "ema_encoder", levels: int = 1) -> State:
    def named(state: State) -> State:
        return {f"module.backbone.{name}": value for name, value in state.items()}

    beside = {"encoder": named(random_encoder(seed=1).state_dict()), "predictor": named(predictor(levels)), "epoch": 3}
    return {**beside, key: named(model.state_dict())}


def saved(folder: Path, state: object, name: str = "vjepa2_1_vitx.pt") -> str:
    torch.save(state, folder / name)
    return str(folder / name)


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
    assert (twin.rotary, twin.card.frames, twin.card.size, twin.card.has_predictor) == (V2_1, 8, 48, False)
    assert torch.equal(twin.table().cos, rotary_table((4, 3, 3), 64, V2_1).cos)
    assert twin.card.digest != encoder.card.digest


def test_in_half_precision_it_passes_its_tests(meta: MetaEncoder, tmp_path: Path) -> None:
    half = load_encoder(saved(tmp_path, checkpoint(meta)), dtype=torch.bfloat16, frames=2, size=32)
    assert half.dtype == torch.bfloat16


def test_the_rule_is_part_of_the_digest_and_v_jepa_2_keeps_its_own(encoder: VJepa2Encoder) -> None:
    config = VJEPA2Config(**{name: value for name, value in encoder.model.config.to_dict().items() if name != "rotary"})
    model = VJEPA2Model(config)
    model.predictor = None
    model.load_state_dict(encoder.model.state_dict())
    older = VJepa2Encoder(model, "the same weights, turned as V-JEPA 2")
    assert older.rotary == V2 and older.card.digest != encoder.card.digest
    assert older.card.digest == weights_digest(model, [getattr(config, field) for field in BESIDE_SHAPES])


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
        "vjepa2_1_vitx.pt: ema_encoder of V-JEPA 2.1, left out its branch for images; its norms behind inner layers; "
        "its predictor, which forecasts other latents than the encoder's ("
    )
    assert (card.width, card.depth, card.grid, card.has_predictor) == (WIDTH, DEPTH, (2, 4, 4), False)
    assert encoder.model.config.crop_size == 384


@pytest.mark.parametrize(("keys", "used"), [(("target_encoder", "ema_encoder"), "ema_encoder"), (("target_encoder",), "target_encoder")])
def test_a_distilled_encoder_comes_before_a_teacher_beside_it(keys: tuple[str, ...], used: str, meta: MetaEncoder, tmp_path: Path) -> None:
    whole = checkpoint(meta, used, levels=1 if used == "ema_encoder" else 4)
    whole |= {key: checkpoint(random_encoder(seed=2), key)[key] for key in keys if key != used}
    encoder = load_encoder(saved(tmp_path, whole), frames=2, size=32)
    assert encoder.card.source.split()[1] == used
    assert torch.equal(encoder.model.encoder.layernorm.weight, meta.norms_block[3].weight)


def test_it_cannot_forecast(encoder: VJepa2Encoder) -> None:
    ids = torch.arange(2)[None]
    with pytest.raises(BadArgument, match="has no predictor, so it cannot forecast"):
        encoder.forecast(torch.zeros(1, 2, WIDTH), ids, ids)
    with pytest.raises(BadCheckpoint, match=r"is of V-JEPA 2\.1, whose predictor jepascope does not run"):
        VJepa2Encoder(VJEPA2Model(encoder.model.config), "with a predictor of V-JEPA 2")


def change(key: str, **weights: Tensor | None) -> Callable[[State], object]:
    """Put weights in place of those of the same name, or take them out; ``__`` stands for a dot."""

    def edit(whole: State) -> None:
        for name, value in weights.items():
            whole[key].pop(f"module.backbone.{name.replace('__', '.')}", None)
            if value is not None:
                whole[key][f"module.backbone.{name.replace('__', '.')}"] = value

    return edit


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
        folded = as_2_0(Path(name), shapes, "encoder")
        config = VJEPA2Config(**sizes_2_1(Path(name), meta_sizes(Path(name), folded, "encoder", False)))
        parameters = sum(weight.numel() for weight in VJEPA2Model(config).encoder.parameters())
    assert (row.sizes.width, row.sizes.depth, row.sizes.frames, row.sizes.size) == (
        config.hidden_size,
        depth,
        config.frames_per_clip,
        config.crop_size,
    )
    assert (row.parameters, row.predictor, config.num_attention_heads) == (parameters, False, heads)
    assert row.how == f"curl -LO https://dl.fbaipublicfiles.com/vjepa2/{name}"
    planned = geometry(StudySpec(model=name, frames=16, size=256))
    assert (planned.tokens, planned.has_predictor) == (8 * 16 * 16, False)


def test_a_listed_file_that_is_not_here_is_refused_with_the_command_that_fetches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadCheckpoint, match=r"is not in this folder; fetch it with `curl -LO https://.*/vjepa2_1_vitg_384\.pt`"):
        load_encoder("vjepa2_1_vitg_384.pt")
