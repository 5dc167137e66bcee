"""A path is the whole forward with one norm of one block given the edited stream and nothing else changed."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from jepascope.activations.capture import capture
from jepascope.activations.paths import Sent, later_places, run_paths
from jepascope.activations.site import Site, pool
from jepascope.activations.suffix import PooledReader, Sweep
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.halves import place_of
from jepascope.encoders.part_names import PARTS, RESIDUAL
from jepascope.encoders.vjepa2 import VJepa2Encoder

CLIPS, WIDTH = 3, 48


def shift(strength: float) -> Tensor:
    return strength * torch.randn(WIDTH, generator=torch.Generator().manual_seed(1))


def edit(hidden: Tensor, which: slice) -> Tensor:
    """Three conditions: nothing, a shift, and twice the shift in the first tokens."""
    out = torch.stack([hidden, hidden + shift(1.0), hidden])
    out[2, :, :10] += shift(2.0)
    return out[which]


@torch.inference_mode()
@pytest.mark.parametrize(
    ("site", "batch"), [(Site(0), 100), (Site(1), 2), (Site(1), 100), (Site(1, part="attention"), 2), (Site(1, part="mlp"), 2)]
)
def test_a_path_is_the_forward_whose_one_part_sees_the_edit(encoder: VJepa2Encoder, clips: ClipSet, site: Site, batch: int) -> None:
    """Hooked into the library's own norms: what they are given moves, and what the part's output is added to does not."""
    few = clips.select(torch.arange(CLIPS).numpy())
    captured = capture(encoder, few, sites=(site.layer,), part=site.part)
    stream, found = captured.stream(site), dict[int, Tensor]()
    sweep = Sweep(stream, site.layer, edit, {encoder.card.depth: PooledReader()}, between=site.between)
    run_paths(encoder, [(Sent(sweep, 3), lambda place, read: found.__setitem__(place, read))], batch)
    assert list(found) == [*later_places(site.layer, site.between, encoder.card.depth)]
    assert next(iter(found)) == place_of(site.layer, "mlp" if site.part == RESIDUAL else site.part) + 1
    moved, clean = edit(stream, slice(0, 3)) - stream, encoder.run(encoder.embed(few.video()), 0)
    for place, read in found.items():
        layer, part = -(-place // 2), PARTS[(place - 1) % 2]
        block = encoder.blocks[layer - 1]
        for condition in range(3):
            seen = list[Tensor]()

            def given(_: Any, args: tuple[Tensor, ...], condition: int = condition) -> tuple[Tensor]:
                return (args[0] + moved[condition],)

            norm, adding = (block.norm1, block.attention.proj) if part == "attention" else (block.norm2, block.mlp)
            handles = [norm.register_forward_pre_hook(given), adding.register_forward_hook(lambda *of, seen=seen: seen.append(of[-1]))]
            whole = encoder.run(encoder.embed(few.video()), 0)
            handles[0].remove()
            encoder.run(encoder.embed(few.video()), 0)
            handles[1].remove()
            torch.testing.assert_close(read[0, condition], pool(whole), atol=5e-6, rtol=1e-5)  # total
            torch.testing.assert_close(read[1, condition], pool(clean + seen[0] - seen[1]), atol=5e-6, rtol=1e-5)  # direct
        assert float((read[0, 1] - pool(clean)).abs().max()) > 1e-3
    torch.testing.assert_close(*found[2 * encoder.card.depth], atol=2e-6, rtol=1e-6)  # nothing runs behind the last MLP
