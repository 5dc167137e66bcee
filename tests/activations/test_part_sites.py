"""Captures of what the parts of blocks add, as the store keeps them, and re-runs from the middle of a block."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.moments import Moments
from jepascope.activations.site import Site, pool
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.part_names import PARTS
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument

CLIPS = 5


@pytest.fixture(scope="module")
def few(clips: ClipSet) -> ClipSet:
    return clips.select(torch.arange(CLIPS).numpy())


@torch.inference_mode()
@pytest.mark.parametrize("selection", ["all", "object"])
def test_a_capture_by_parts_has_what_each_part_of_each_block_adds(
    encoder: VJepa2Encoder, few: ClipSet, selection: str, tmp_path: Path
) -> None:
    plain = capture(encoder, few, sites=range(4))
    captured = {part: capture(encoder, few, tmp_path, sites=(2,), moments=(2,), part=part, batch=2) for part in PARTS}
    for layer in range(1, encoder.card.depth + 1):
        for part, added in zip(PARTS, encoder.parts(layer, plain.tokens(layer - 1)), strict=True):
            own, mask = captured[part], plain.mask(selection)
            torch.testing.assert_close(own.pooled(layer, selection, part), pool(added, mask), atol=1e-6, rtol=1e-5)
            if layer == 2:
                assert torch.equal(own.tokens(layer, part=part), added)
                chosen = added.flatten(0, 1) if mask is None else added[mask]
                torch.testing.assert_close(own.moments(layer, selection, part).covariance, Moments.of(chosen).covariance)
    for layer in range(encoder.card.depth + 1):  # the residual stream is the same, bit for bit
        assert torch.equal(captured["mlp"].pooled(layer, selection), plain.pooled(layer, selection))
    change = sum(captured["attention"].pooled(2, selection, part) for part in PARTS)
    assert float((change - (plain.pooled(2, selection) - plain.pooled(1, selection))).abs().max()) <= 1e-5


def test_the_store_says_by_the_protocol_that_a_capture_is_by_parts_and_plain_ones_keep_their_names(
    encoder: VJepa2Encoder, few: ClipSet, tmp_path: Path
) -> None:
    capture(encoder, few, tmp_path / "plain", sites=(2,))
    capture(encoder, few, tmp_path / "parts", sites=(2,), part="attention")
    plain, parts = (json.loads(next((tmp_path / name).glob("*/manifest.json")).read_text()) for name in ("plain", "parts"))
    assert plain["encoder"] == encoder.card.digest and plain["layers"] == encoder.card.depth + 1 and plain["sites"] == [2]
    assert parts["encoder"] == f"{encoder.card.digest} parts" and parts["layers"] == 2 * encoder.card.depth + 1
    assert parts["sites"] == [2, 3, 4] and parts["format"] == plain["format"] == "jepascope-activations-3"
    again = capture(encoder, few, tmp_path / "parts", sites=(2,), part="attention")  # read back
    assert "with the parts of blocks" in repr(again) and "tokens at layers 2," in repr(again)


@torch.inference_mode()
@pytest.mark.parametrize(("layer", "part"), [(2, "attention"), (2, "mlp"), (3, "attention")])
def test_an_edit_of_a_part_equals_the_whole_forward_with_that_part_edited(
    encoder: VJepa2Encoder, few: ClipSet, layer: int, part: str
) -> None:
    """The feed-forward sees what is edited of its block's attention, of the last block's too; hooked into the library's own modules, bit
    for bit."""
    site, step = Site(layer, part=part), torch.zeros(encoder.card.width)
    step[:3] = 0.5
    captured = capture(encoder, few, sites=(layer,), part=part)
    kept = torch.empty(2, CLIPS, encoder.card.width)

    def edit(hidden: Tensor, which: slice) -> Tensor:
        return torch.stack([hidden, hidden + step])[which]

    def keep(which: slice, found: dict[int, Tensor]) -> None:
        kept[which] = found[3]

    rerun(encoder, [Rerun(Sweep(captured.stream(site), layer, edit, {3: PooledReader()}, between=site.between), 2, keep)], 4)
    assert torch.equal(kept[0], captured.pooled(3))
    block = encoder.blocks[layer - 1]
    module = block.attention.proj if part == "attention" else block.mlp
    handle = module.register_forward_hook(lambda *given: given[-1] + step)
    whole = encoder.run(encoder.embed(few.video()), 0)
    handle.remove()
    torch.testing.assert_close(kept[1], pool(whole), atol=2e-6, rtol=1e-6)
    assert float((kept[1] - kept[0]).abs().max()) > 0.1


def test_what_there_is_not_is_refused_in_a_line(encoder: VJepa2Encoder, few: ClipSet) -> None:
    plain, parts = capture(encoder, few), capture(encoder, few, part="mlp")
    with pytest.raises(BadArgument, match="no attention of block 0"):
        Site(0, part="attention")
    with pytest.raises(BadArgument, match="no part 'head'"):
        Site(1, part="head")
    with pytest.raises(BadArgument, match=r"not captured; capture the clips by parts \(jepascope.capture\(..., parts=True\)\)"):
        plain.pooled(1, part="mlp")
    with pytest.raises(BadArgument, match=r"tokens of layer 1 were not captured; capture again with sites=\(1,\)"):
        parts.tokens(1, part="mlp")
    with pytest.raises(BadArgument, match="no mlp of block 0"):
        capture(encoder, few, sites=(0,), part="mlp")
    assert [str(Site(3)), str(Site(3, "object", "mlp"))] == ["layer 3, all tokens", "MLP of block 3, object tokens"]
