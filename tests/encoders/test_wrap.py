"""wrap runs any module whose forward runs a list of blocks, exactly as that forward does; any other it refuses, saying what it saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from modules_at_hand import Block, TimmViT, VideoNet
from torch import Tensor, nn
from transformers import Dinov2Config, Dinov2Model, VideoMAEConfig, VideoMAEModel, VJEPA2Config, VJEPA2Model

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.load import load_encoder
from jepascope.encoders.selftest import self_test
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.encoders.wrap import wrap
from jepascope.errors import BadArgument
from jepascope.study.geometry import geometry
from jepascope.study.spec import StudySpec

OWN: dict[str, Any] = {"blocks": "encoder.layers", "norm": "encoder.norm", "frames": 4, "size": 16, "grid": (2, 2, 2)}
TIMM: dict[str, Any] = {"blocks": "blocks", "norm": "norm", "layout": "bchw", "prefix": 1, "frames": 3, "size": 16, "grid": (3, 2, 2)}
VIDEO = torch.rand(3, 4, 3, 16, 16, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def net() -> VideoNet:
    torch.manual_seed(0)
    return VideoNet()


def test_a_video_transformer_of_ones_own_gives_what_its_forward_gives(net: VideoNet) -> None:
    encoder = wrap(net, **OWN)
    assert (encoder.card.width, encoder.card.depth, encoder.card.tokens, encoder.card.extra) == (24, 3, 8, 0)
    assert torch.equal(encoder.norm(encoder.run(encoder.embed(VIDEO), 0)), net(VIDEO)["last"])
    assert torch.equal(encoder.embed(VIDEO), net.tokens(VIDEO))


def test_no_hook_is_left_on_the_module(net: VideoNet) -> None:
    wrap(net, **OWN).embed(VIDEO)
    with pytest.raises(BadArgument):
        wrap(net, **{**OWN, "grid": (2, 1, 2)})
    assert not any(part._forward_pre_hooks or part._forward_hooks for part in net.modules())


def test_channels_may_come_before_time_and_registers_before_the_grid() -> None:
    torch.manual_seed(0)
    net = VideoNet(registers=2, channels_first=True)
    encoder = wrap(net, **OWN, layout="bcthw", prefix=2)
    latents = encoder.norm(encoder.run(encoder.embed(VIDEO), 0))
    assert encoder.card.extra == 2
    torch.testing.assert_close(torch.cat([latents[:, -2:], latents[:, :-2]], 1), net(VIDEO.transpose(1, 2))["last"])


def test_an_encoder_of_images_in_timms_layout_runs_frame_by_frame() -> None:
    torch.manual_seed(0)
    net = TimmViT()
    encoder = wrap(net, **TIMM, mean=(0.5, 0.5, 0.5), sd=(0.5, 0.5, 0.5))
    assert (encoder.card.extra, encoder.card.places) == (3, 12)
    latents = encoder.norm(encoder.run(encoder.embed(VIDEO[:, :3]), 0))
    logits = net.head(latents[:, 12:])  # the class tokens of the frames
    torch.testing.assert_close(logits.flatten(0, 1), net((VIDEO[:, :3].flatten(0, 1) - 0.5) / 0.5))
    longer = encoder.at(4, 16)
    assert (longer.card.grid, longer.card.extra) == ((4, 2, 2), 4)
    torch.testing.assert_close(longer.run(longer.embed(VIDEO), 0)[:, :12], encoder.run(encoder.embed(VIDEO[:, :3]), 0)[:, :12])


def test_models_of_transformers_are_wrapped_and_give_what_their_own_family_gives() -> None:
    config = VJEPA2Config(
        **{"patch_size": 8, "crop_size": 16, "frames_per_clip": 4, "tubelet_size": 2, "hidden_size": 48, "num_attention_heads": 2},
        **{
            "num_hidden_layers": 2,
            "pred_hidden_size": 24,
            "pred_num_attention_heads": 2,
            "pred_num_hidden_layers": 1,
            "pred_num_mask_tokens": 2,
        },
    )
    family = VJepa2Encoder.from_config(config, 0)
    encoder = wrap(
        family.model,
        "encoder.layer",
        "encoder.layernorm",
        **{"frames": 4, "size": 16, "grid": (2, 2, 2), "mean": family.pixels.mean, "sd": family.pixels.sd},
        forward=lambda model, video: model(video, skip_predictor=True),
    )
    assert isinstance(family.model, VJEPA2Model)
    torch.testing.assert_close(encoder.run(encoder.embed(VIDEO), 0), family.run(family.embed(VIDEO), 0))
    twin = encoder.untrained(1)
    assert self_test(twin) <= 1e-6 and twin.card.digest != encoder.card.digest and twin.card.digest == encoder.untrained(1).card.digest


def test_wherever_transformers_keeps_its_blocks() -> None:
    torch.manual_seed(0)
    small: dict[str, Any] = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 16, "intermediate_size": 48}
    mae = VideoMAEModel(VideoMAEConfig(**small, patch_size=8, num_frames=4, tubelet_size=2))
    dino = Dinov2Model(Dinov2Config(**{**small, "patch_size": 8}))
    for model, norm, more in (
        (mae, None if mae.layernorm is None else "layernorm", {"grid": (2, 2, 2)}),
        (dino, "layernorm", {"grid": (4, 2, 2), "layout": "bchw", "prefix": 1}),
    ):
        blocks = next(name for name, part in model.named_modules() if isinstance(part, nn.ModuleList))
        encoder = wrap(model, blocks, norm, frames=4, size=16, **more)
        assert encoder.card.depth == 2 and self_test(encoder) <= 1e-6


def test_gradients_pass_through_its_blocks(net: VideoNet) -> None:
    encoder = wrap(net, **OWN)
    hidden = encoder.embed(VIDEO).requires_grad_()
    encoder.run(hidden, 0).sum().backward()
    assert hidden.grad is not None and bool(hidden.grad.abs().sum() > 0)


def test_the_digest_names_weights_and_what_they_do_not_show(net: VideoNet) -> None:
    digest = wrap(net, **OWN).card.digest
    assert wrap(net, **OWN).card.digest == digest
    net.encoder.layers[0].attn.num_heads = 1
    other = wrap(net, **OWN).card.digest
    net.encoder.norm.bias += 1
    assert len({digest, other, wrap(net, **OWN).card.digest, wrap(net, **OWN, sd=(1, 1, 2)).card.digest}) == 4


def test_an_untrained_twin_is_drawn_again_where_every_part_can_be(net: VideoNet) -> None:
    encoder = wrap(net, **OWN)
    twin, again = encoder.untrained(3), encoder.untrained(3)
    assert torch.equal(twin.embed(VIDEO), again.embed(VIDEO)) and not torch.equal(twin.embed(VIDEO), encoder.embed(VIDEO))
    assert not torch.equal(encoder.untrained(4).embed(VIDEO), twin.embed(VIDEO))


def test_where_a_part_cannot_be_drawn_again_its_name_is_said_or_a_function_makes_the_twin() -> None:
    net = TimmViT()
    with pytest.raises(BadArgument, match=r"no untrained twin of TimmViT: the module itself holds weights.*untrained=function"):
        wrap(net, **TIMM).untrained(0)

    def made(seed: int) -> nn.Module:
        torch.manual_seed(seed)
        return TimmViT()

    assert isinstance(wrap(net, **TIMM, untrained=made).untrained(0), VideoEncoder)


class Skips(VideoNet):
    """A skip connection around its second block."""

    def forward(self, video: Tensor) -> Tensor:
        x = self.tokens(video)
        one = self.encoder.layers[0](x)
        out: Tensor = self.encoder.norm(self.encoder.layers[2](self.encoder.layers[1](one) + x))
        return out


class Late(VideoNet):
    """Its later blocks are given what the first one was given."""

    def forward(self, video: Tensor) -> Tensor:
        first = x = self.tokens(video)
        for layer in self.encoder.layers:
            x = layer(x, first.mean(-1)[:, None, None])
        out: Tensor = self.encoder.norm(x)
        return out


class Named(VideoNet):
    """Its blocks are called with something else first."""

    def forward(self, video: Tensor) -> Tensor:
        x = self.tokens(video)
        for number, layer in enumerate(self.encoder.layers):
            x = layer(number, x)
        out: Tensor = self.encoder.norm(x)
        return out


class Numbered(Block):
    def forward(self, number: int, x: Tensor) -> Tensor:  # type: ignore[override]
        return super().forward(x)


class Backwards(VideoNet):
    def forward(self, video: Tensor) -> Tensor:
        x = self.tokens(video)
        for layer in reversed(self.encoder.layers):
            x = layer(x)
        return x


class Random(VideoNet):
    def forward(self, video: Tensor) -> Any:
        return super().forward(video + torch.rand_like(video))


class Narrow(Block):
    """Half of the width goes on."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return super().forward(x, mask)[:, :, :12]


class Scaled(VideoNet):
    """What comes after its norm is not named, and shows."""

    def forward(self, video: Tensor) -> Tensor:
        out: Tensor = super().forward(video)["last"]
        return out


def made_of(net: VideoNet, block: type[Block]) -> nn.Module:
    net.encoder.layers = nn.ModuleList(block(24) for _ in range(3))
    return net


@pytest.mark.parametrize(
    ("make", "given", "seen"),
    [
        (VideoNet, {"blocks": "encoder.blocks"}, r"no 'encoder.blocks', as blocks says; its lists of modules are encoder.layers \(3\)"),
        (VideoNet, {"blocks": "embed"}, "its 'embed' is a Conv3d, not a list of blocks"),
        (VideoNet, {"norm": "encoder.ln"}, "no 'encoder.ln', as norm says"),
        (VideoNet, {"norm": "encoder.layers.0.norm1"}, "'encoder.layers.0.norm1' is not given what the last block returns"),
        (Skips, {}, r"does more between blocks: block 3 is not given what block 2 returns \(they differ by"),
        (Late, {}, "block 1 is called with an argument that changes with the pixels"),
        (lambda: made_of(Named(), Numbered), {}, r"block 1 is called with other arguments \(int, Tensor\) than hidden states first"),
        (Backwards, {}, r"calls blocks \[3, 2, 1\], not each of 3 once"),
        (Random, {}, "gives another result each time"),
        (lambda: made_of(VideoNet(), Narrow), {}, r"block 1 makes \(1, 8, 12\) of hidden states of \(1, 8, 24\)"),
        (Scaled, {"norm": None}, "does more after its last block; name that module with norm"),
        (VideoNet, {"grid": (2, 1, 2)}, r"hidden states of \(1, 8, 24\) for 1 clips, and grid=\(2, 1, 2\) with prefix=0 makes 4 tokens"),
        (VideoNet, {"grid": (3, 2, 2)}, "a grid of 3 x 2 x 2 tokens does not fit clips of 4 frames"),
        (VideoNet, {"grid": (1, 4, 2)}, r"not in \(time, row, column\) order"),
        (VideoNet, {"prefix": -1}, "prefix is a number of tokens, not -1"),
        (VideoNet, {"layout": "bcthw"}, r"cannot take a video of shape \(1, 3, 4, 16, 16\) \(bcthw\): RuntimeError"),
        (VideoNet, {"layout": "nthwc"}, "there is no layout 'nthwc'; layouts are btchw"),
        (VideoNet, {"sd": (1, 1, 0)}, "sd is above 0"),
        (VideoNet, {"frames": 0}, "are whole and at least 1"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_sentence_that_says_what_was_seen(make: Any, given: dict[str, Any], seen: str) -> None:
    torch.manual_seed(0)
    with pytest.raises(BadArgument, match=seen) as refused:
        wrap(make(), **{**OWN, **given})
    assert "\n" not in str(refused.value)


CODE = """
import torch
from modules_at_hand import VideoNet
import jepascope as js

def net():
    torch.manual_seed(0)
    return js.wrap(VideoNet(), "encoder.layers", "encoder.norm", frames=4, size=16, grid=(2, 2, 2))

ready = net()
number = 3

def needs(more):
    return ready

def broken():
    raise OSError("no such disk")
"""


def test_code_that_one_names_is_an_encoder_like_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_nets.py").write_text(CODE)
    monkeypatch.syspath_prepend(tmp_path)
    made = load_encoder("own_nets:net")
    assert made.card.digest == load_encoder("own_nets:ready").card.digest
    half = load_encoder("own_nets:net", dtype=torch.bfloat16)
    assert half.run(half.embed(VIDEO), 0).dtype == torch.bfloat16
    for attribute, why in (
        ("number", "is a int"),
        ("nothing", "has no 'nothing'"),
        ("broken", "raised OSError: no such disk"),
        ("needs", "raised TypeError"),
    ):
        with pytest.raises(BadArgument, match=f"own_nets.*{why}"):
            load_encoder(f"own_nets:{attribute}")
    with pytest.raises(BadArgument, match="takes clips of 4 frames of 16 pixels alone"):
        load_encoder("own_nets:net", frames=8)
    counted = geometry(StudySpec(model="own_nets:net"))
    assert (counted.width, counted.depth, counted.tokens, counted.times) == (24, 3, 8, 2)
