"""A pass does no more than it must: one fused attention a block, no attention maps, no gradients, tokens only where they are asked for."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
import torch
from encoders_at_hand import noise_video, save_classifier
from families_at_hand import CONFIGS, drawn
from torch.overrides import TorchFunctionMode

from jepascope.activations.capture import capture
from jepascope.clips.presets import directions8
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument

FUSED, EAGER = "scaled_dot_product_attention", "softmax"


class Calls(TorchFunctionMode):
    """Counts torch's functions by name."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.counts[getattr(func, "__name__", "")] += 1
        return func(*args, **(kwargs or {}))


@torch.inference_mode()
def counted(encoder: VideoEncoder) -> Counter[str]:
    hidden = encoder.embed(noise_video(encoder, 1))  # type: ignore[arg-type]
    with Calls() as calls:
        encoder.run(hidden, 0)
    return calls.counts


@pytest.mark.parametrize("name", CONFIGS)
def test_every_block_of_a_family_attends_in_one_fused_call_where_transformers_has_one(name: str) -> None:
    encoder = drawn(name)
    found = counted(encoder)
    assert not encoder.model.config.output_attentions
    if encoder.kind._supports_sdpa:
        assert encoder.model.config._attn_implementation == "sdpa"
        assert (found[FUSED], found[EAGER]) == (encoder.card.depth, 0)
    else:
        assert name.startswith(("timesformer", "videoprism")) and found[FUSED] == 0 and found[EAGER] >= encoder.card.depth


def test_so_do_v_jepa_2_its_predictor_and_its_head(tmp_path: Any, tiny: VJepa2Encoder) -> None:
    assert (counted(tiny)[FUSED], counted(tiny)[EAGER]) == (tiny.card.depth, 0)
    save_classifier(tmp_path / "tiny", ("a", "b", "c"))
    encoder = load_encoder(str(tmp_path / "tiny"))
    last, ids = torch.rand(1, encoder.card.tokens, encoder.card.width), torch.arange(encoder.card.tokens)[None]
    with torch.inference_mode(), Calls() as calls:
        encoder.head_logits(last)
        encoder.forecast(last[:, :8], ids[:, :8], ids[:, 8:])
    assert calls.counts[FUSED] >= 2 and calls.counts[EAGER] == 0


def test_a_capture_keeps_no_gradients_and_only_the_tokens_asked_for(tiny: VJepa2Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    whole = VJepa2Encoder.block

    def block(self: VJepa2Encoder, index: int, hidden: torch.Tensor) -> torch.Tensor:
        seen.append(torch.is_inference_mode_enabled())
        return whole(self, index, hidden)

    monkeypatch.setattr(VJepa2Encoder, "block", block)
    clips = directions8(0, per_class=5, frames=tiny.card.frames, size=tiny.card.size)
    found = capture(tiny, clips, sites=(2,))
    assert seen and all(seen)
    assert found.sites == (2,) and not found.tokens(2).requires_grad
    with pytest.raises(BadArgument, match="tokens of layer 1 were not captured"):
        found.tokens(1)
