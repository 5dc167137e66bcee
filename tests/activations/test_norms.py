"""Norms held: behind them an edit changes what it changes, and nothing is read louder for it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from jepascope.activations.norms import Scales
from jepascope.errors import BadData

ROWS = torch.tensor([2, 0, 0])


@pytest.fixture
def hidden() -> Tensor:
    return torch.randn(3, 4, 16, generator=torch.Generator().manual_seed(0))


def two_norms(hidden: Tensor) -> Tensor:
    """A LayerNorm in a block that attends to nothing, then an RMSNorm of parts of what it gives, four to a token."""
    torch.manual_seed(1)
    layer, root = nn.LayerNorm(16), nn.RMSNorm(4)
    nn.init.normal_(layer.weight)
    nn.init.normal_(layer.bias)
    seen: Tensor = hidden + layer(hidden)
    parts: Tensor = root(seen.unflatten(-1, (4, 4)).flatten(0, 1)).view_as(hidden)
    return parts


def test_on_the_clips_that_were_recorded_nothing_changes(hidden: Tensor) -> None:
    scales = Scales()
    with scales.recorded(len(hidden)):
        recorded = two_norms(hidden)
    torch.testing.assert_close(recorded, two_norms(hidden))
    with scales.held(ROWS):
        assert torch.equal(two_norms(hidden[ROWS]), recorded[ROWS])
    assert len(scales.kept) == 2
    with scales.held(torch.arange(3)):
        louder = two_norms(3 * hidden)
    assert not torch.allclose(louder, two_norms(3 * hidden), atol=0.1)  # and nothing is left behind


def test_a_norm_that_is_held_is_linear(hidden: Tensor) -> None:
    """Less its bias: half of a token is read at half, and what is ablated does not turn up the rest."""
    norm, scales = nn.LayerNorm(16), Scales()
    nn.init.normal_(norm.bias)
    with scales.recorded(len(hidden)):
        whole = norm(hidden) - norm.bias
    kept = torch.randn(16, 5, generator=torch.Generator().manual_seed(2))
    project = kept @ torch.linalg.pinv(kept)
    every = torch.arange(len(hidden))

    def held(x: Tensor) -> Tensor:
        with scales.held(every):
            read: Tensor = norm(x) - norm.bias
        return read

    torch.testing.assert_close(held(hidden / 2), whole / 2)
    torch.testing.assert_close(held(hidden @ project) + held(hidden - hidden @ project), whole, atol=1e-5, rtol=1e-5)
    free = norm(hidden @ project) - norm.bias + norm(hidden - hidden @ project) - norm.bias
    assert float((free - whole).detach().abs().max()) > 0.1  # which is the gain that holding takes away


def test_what_does_not_come_clip_by_clip_cannot_be_held(hidden: Tensor) -> None:
    norm, scales = nn.LayerNorm(16), Scales()
    with scales.recorded(len(hidden)):
        norm(hidden)
    with scales.held(ROWS), pytest.raises(BadData, match="clip by clip, in the same order"):
        norm(hidden[ROWS].transpose(0, 1))
    with scales.recorded(len(hidden)):
        norm(hidden.flatten(0, 1)[:-1])
    with scales.held(ROWS), pytest.raises(BadData, match="cannot be held"):
        norm(hidden[ROWS])
