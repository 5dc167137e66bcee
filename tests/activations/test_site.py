"""Token selections: what an edit can be limited to, and that it stays there."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jepascope.activations.activations import Activations, token_mask
from jepascope.activations.capture import capture
from jepascope.activations.site import SELECTIONS, Site, background, of_beginning, time_mask, time_span
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument

GRID = (3, 4, 5)
PLACES = GRID[1] * GRID[2]


def passed(seed: int, share: float) -> Tensor:
    """Places that an object passes, at all times as clips give them."""
    places = torch.rand(6, PLACES, generator=torch.Generator().manual_seed(seed)) < share
    return places.repeat(1, GRID[0])


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), share=st.floats(0, 1))
def test_the_background_has_as_many_places_as_the_object_and_none_of_them(seed: int, share: float) -> None:
    mask = passed(seed, share)
    drawn = background(mask, GRID)
    assert not (drawn & mask).any()
    free = PLACES - mask[:, :PLACES].sum(dim=1)
    assert torch.equal(drawn[:, :PLACES].sum(dim=1), torch.minimum(mask[:, :PLACES].sum(dim=1), free))
    by_time = drawn.view(-1, GRID[0], PLACES)
    assert (by_time == by_time[:, :1]).all()


def test_a_seed_names_the_background_and_another_draws_another() -> None:
    mask = passed(0, 0.3)
    assert torch.equal(background(mask, GRID, seed=5), background(mask, GRID, seed=5))
    assert not torch.equal(background(mask, GRID, seed=5), background(mask, GRID, seed=6))


def test_places_of_the_background_are_drawn_evenly() -> None:
    mask = torch.zeros(4000, PLACES * GRID[0], dtype=torch.bool)
    mask.view(-1, GRID[0], PLACES)[:, :, :4] = True  # the same four places in every clip
    share = background(mask, GRID)[:, 4:PLACES].float().mean(dim=0)
    assert (share - 4 / (PLACES - 4)).abs().max() < 4 * (0.25 * 0.75 / 4000) ** 0.5


@pytest.mark.parametrize("first", range(3))
@pytest.mark.parametrize("last", range(3))
def test_a_time_slice_is_the_tokens_of_its_tubelets(first: int, last: int) -> None:
    if last < first:
        with pytest.raises(BadArgument, match="no token selection 'time:"):
            Site(0, f"time:{first}-{last}")
        return
    mask = time_mask(f"time:{first}-{last}", GRID).view(GRID[0], PLACES)
    assert mask.all(dim=1).tolist() == [first <= t <= last for t in range(3)]
    assert mask.any(dim=1).equal(mask.all(dim=1))
    assert time_span(f"time:{first}") == (first, first)


def test_slices_part_the_clip() -> None:
    parts = torch.stack([time_mask(one, GRID) for one in ("time:0", "time:1-2")])
    assert (parts.sum(dim=0) == 1).all()


@pytest.mark.parametrize("tokens", ["sky", "time:", "time:-1", "time:2-1", "time:0-1-2", "time:a", "Object", "", "time:1 "])
def test_what_is_no_selection_is_refused_with_those_there_are(tokens: str) -> None:
    with pytest.raises(BadArgument, match=r"no token selection .* known are all, object, background, time:A-B \(say time:2"):
        Site(1, tokens)


def test_tubelets_that_a_clip_does_not_have_are_refused_with_those_it_has() -> None:
    for tokens in ("time:3", "time:0-3", "time:999999"):
        with pytest.raises(BadArgument, match=rf"Clips of 3 tubelets \(0\.\.2\) have no tokens '{tokens}'"):
            time_mask(tokens, GRID)


def test_selections_as_masks_are_those_of_the_clips() -> None:
    mask = passed(1, 0.3)
    assert token_mask("all", mask, GRID) is None
    assert token_mask("object", mask, GRID) is mask
    assert torch.equal(token_mask("background", mask, GRID), background(mask, GRID))  # type: ignore[arg-type]
    assert torch.equal(token_mask("time:1", mask, GRID), time_mask("time:1", GRID).expand(6, -1))  # type: ignore[arg-type]


def test_a_scope_of_edits_is_no_selection_to_pool_over(encoder: VJepa2Encoder, clips: ClipSet) -> None:
    captured: Activations = capture(encoder, clips.select(torch.arange(2).numpy()))
    for tokens in ("background", "time:0"):
        with pytest.raises(BadArgument, match=f"pooled over all or object tokens; '{tokens}' tokens can only be edited"):
            captured.pooled(1, tokens)
        mask = captured.mask(tokens)
        assert mask is not None and mask.shape == (2, encoder.card.tokens)
    assert all(captured.pooled(1, tokens).shape == (2, encoder.card.width) for tokens in SELECTIONS)


def test_beginnings_show_the_object_where_whole_clips_do_and_class_tokens_never() -> None:
    whole = torch.tensor([[True, False, True, True, False]])  # two times of two places, and a class token
    assert of_beginning(whole, 2, 1).tolist() == [[True, False, False]]
    assert of_beginning(whole, 2, 0).tolist() == [[True, False]]
