"""A block's attention and feed-forward add up to its change of the residual stream, for every family, and are what the library makes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from encoders_at_hand import noise_video, tiny_config
from families_at_hand import CONFIGS, drawn
from modules_at_hand import Block, TimmViT, VideoNet
from torch import Tensor, nn

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.compiled import Compiled
from jepascope.encoders.load import load_encoder
from jepascope.encoders.planted.encoder import planted_encoder
from jepascope.encoders.planted.networks import EVERY
from jepascope.encoders.selftest import parts_test
from jepascope.encoders.silenced import reached
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.encoders.vjepa2_1 import FIELD
from jepascope.encoders.wrap import wrap
from jepascope.errors import BadArgument

BOUND = 1e-5
PLANTED = [f"planted {name}" for name, network in EVERY.items() if not network.contrasted]  # their reading block takes tokens one by one
TIMM: dict[str, Any] = {"blocks": "blocks", "norm": "norm", "layout": "bchw", "prefix": 1, "frames": 3, "size": 16, "grid": (3, 2, 2)}
NET: dict[str, Any] = {"blocks": "encoder.layers", "norm": "encoder.norm", "frames": 4, "size": 16, "grid": (2, 2, 2)}


class Parallel(Block):
    """Its feed-forward does not see what its attention adds."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        return x + self.attn(self.norm1(x), mask) + self.mlp(self.norm2(x))


class PostNorm(Block):
    """Norms what is in the residual stream."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.norm1(x + self.attn(x, mask))
        out: Tensor = self.norm2(x + self.mlp(x))
        return out


class Unnamed(Block):
    """Norms by a function: no module is given what lies between its parts."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.norm1(x), mask)
        out: Tensor = x + self.mlp(nn.functional.layer_norm(x, x.shape[-1:]))
        return out


class InPlace(Block):
    """Writes over what lies between its parts."""

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.norm1(x), mask)
        x += self.mlp(self.norm2(x))
        return x


def of(name: str) -> VideoEncoder:
    if name.startswith("vjepa2"):
        config = tiny_config()
        setattr(config, FIELD, name)
        return VJepa2Encoder.from_config(config, 0, name, predictor=name == "vjepa2")
    if name == "a module of one's own":
        torch.manual_seed(0)
        return wrap(TimmViT(), **TIMM, attention="attn", mlp="mlp")
    return load_encoder("nano") if name == "nano" else planted_encoder(name[8:]) if name.startswith("planted") else drawn(name)


@pytest.mark.parametrize("name", [*CONFIGS, "vjepa2", "vjepa2.1", "nano", "a module of one's own", *PLANTED])
def test_both_parts_add_up_to_the_block_s_change(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    difference = parts_test(of(name))
    with capsys.disabled():
        print(f"\n{name}: attention and MLP differ from the block's change by {difference:.1e} of the stream's scale", end="")
    assert difference <= BOUND


@torch.inference_mode()
@pytest.mark.parametrize("name", CONFIGS)
def test_between_the_parts_lies_what_the_library_norms_before_its_feed_forward(name: str) -> None:
    """Seen in transformers' own forward, without a word of what the family declares."""
    encoder, video, seen = drawn(name), noise_video(drawn(name), 2), list[Tensor]()
    names = ("norm2", "layernorm_after", "post_attention_layernorm")
    norms = [part for block in encoder.blocks for path, part in block.named_modules() if path.split(".")[-1] in names]
    assert len(norms) == encoder.card.depth
    handles = [norm.register_forward_pre_hook(lambda _, given: seen.append(given[0])) for norm in norms]
    encoder.reference(video)
    for handle in handles:
        handle.remove()
    hidden, spatial = encoder.embed(video), len(getattr(encoder.model, "spatial_layers", ()))
    for index, middle in enumerate(seen, 1):
        ours = encoder.by_time(middle) if 0 < spatial < index else encoder.outward(middle)  # type: ignore[attr-defined]
        assert float((encoder.attended(index, hidden) - ours).abs().max()) == 0.0
        hidden = encoder.block(index, hidden)


def passes_of(encoder: VideoEncoder, index: int, hidden: Tensor) -> tuple[tuple[Tensor, Tensor], int]:
    """What ``halved`` gives, and how often the block ran for it: its feed-forward did."""
    ran = list[nn.Module]()
    part = reached(encoder.blocks[index - 1], encoder.mlp_adds)[0]  # type: ignore[attr-defined]
    handle = part.register_forward_hook(lambda *of: ran.append(of[0]))
    halved = encoder.halved(index, hidden)
    handle.remove()
    return halved, len(ran)


@torch.inference_mode()
@pytest.mark.parametrize("name", [*CONFIGS, "vjepa2", "vjepa2.1", "nano", "a module of one's own"])
def test_one_pass_of_a_block_gives_both_halves_to_the_bit(name: str) -> None:
    """On other clips than those that were looked at to know where; shorter and longer ones too, where the encoder takes them."""
    encoder = of(name)
    first = encoder.embed(noise_video(encoder, 1))
    for index in range(1, encoder.card.depth + 1):
        encoder.halved(index, first)
    for seen in {encoder, encoder.shortest()}:
        hidden = seen.embed(noise_video(seen, 2) ** 2)
        for index in range(1, encoder.card.depth + 1):
            (between, after), ran = passes_of(seen, index, hidden)
            assert ran == 1 and torch.equal(between, seen.attended(index, hidden)) and not torch.equal(between, hidden)
            assert torch.equal(after, seen.block(index, hidden))
            hidden = after


@torch.inference_mode()
@pytest.mark.parametrize("kind", [Unnamed, InPlace])
def test_where_no_module_is_given_what_lies_between_a_block_runs_twice(kind: type[Block]) -> None:
    torch.manual_seed(0)
    net = VideoNet()
    net.encoder.layers = nn.ModuleList(kind(24) for _ in range(3))
    encoder = wrap(net, **NET, attention="attn", mlp="mlp")
    hidden = encoder.embed(torch.rand(2, 4, 3, 16, 16))
    (between, after), ran = passes_of(encoder, 2, hidden)
    assert ran == 2 and torch.equal(between, encoder.attended(2, hidden)) and torch.equal(after, encoder.block(2, hidden))


@torch.inference_mode()
def test_a_silenced_block_is_whole_again_afterwards_and_compiled_blocks_are_not_asked() -> None:
    encoder = VJepa2Encoder.from_config(tiny_config(), 0)
    hidden = encoder.embed(noise_video(encoder, 1))
    before = encoder.parts(2, hidden)
    compiled = Compiled.__new__(Compiled)  # without a compiler
    compiled.plain, compiled.failed, compiled.fast = encoder.block_forward, False, lambda *given: pytest.fail("it sees no hook")
    encoder.block_forward = compiled
    for alone, again in zip(before, encoder.parts(2, hidden), strict=True):
        assert torch.equal(alone, again)
    assert not any(part._forward_hooks for part in encoder.model.modules())


@pytest.mark.parametrize(
    ("kind", "named", "said"),
    [
        (Block, {"attention": "attn", "mlp": "mlp"}, ""),
        (Block, {"attention": "mlp", "mlp": "attn"}, "not what the block adds"),
        (Block, {"attention": "attn", "mlp": "no such module"}, "not what the block adds"),
        (Block, {"attention": "attn"}, "named together"),
        (Parallel, {"attention": "attn", "mlp": "mlp"}, "not what the block adds"),
        (PostNorm, {"attention": "attn", "mlp": "mlp"}, "not what the block adds"),
    ],
)
def test_a_module_s_parts_are_refused_where_they_are_not_attention_and_then_a_feed_forward(
    kind: type[Block], named: dict[str, str], said: str
) -> None:
    torch.manual_seed(0)
    net = VideoNet()
    net.encoder.layers = nn.ModuleList(kind(24) for _ in range(3))
    if said:
        with pytest.raises(BadArgument, match=said) as refused:
            wrap(net, **NET, **named)  # type: ignore[arg-type]
        assert "\n" not in str(refused.value)
    else:
        assert parts_test(wrap(net, **NET, **named)) <= BOUND  # type: ignore[arg-type]


def test_an_encoder_that_does_not_say_its_parts_has_none() -> None:
    encoder = wrap(VideoNet(), **NET)
    with pytest.raises(BadArgument, match=r"does not say what the parts of its blocks add.*attention=\.\.\., mlp=\.\.\."):
        encoder.parts(1, encoder.embed(torch.rand(1, 4, 3, 16, 16)))
