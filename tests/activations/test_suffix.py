"""Re-running the blocks after a site equals a whole forward, bit for bit, with the edit and without."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import pool
from jepascope.activations.suffix import pooled_reader, rerun
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.vjepa2 import VJepa2Encoder
from jepascope.errors import BadArgument

CLIPS = 11


@pytest.fixture(scope="module")
def few(clips: ClipSet) -> ClipSet:
    return clips.select(torch.arange(CLIPS).numpy())


@pytest.fixture(scope="module")
def captured(encoder: VJepa2Encoder, few: ClipSet) -> Activations:
    return capture(encoder, few, sites=range(4))


def pooled_last(encoder: VJepa2Encoder, hidden: Tensor, layer: int, edit, conditions: int, read: Tensor | None, batch: int) -> Tensor:
    """Pooled ``h_L`` for each condition and clip."""
    kept = torch.empty(conditions, len(hidden), encoder.card.width)

    def keep(part: slice, found: dict[int, Tensor]) -> None:
        kept[part] = found[encoder.card.depth]

    rerun(encoder, hidden, layer, edit, conditions, {encoder.card.depth: pooled_reader(read)}, keep, batch)
    return kept


def shifted(hidden: Tensor, part: slice) -> Tensor:
    """Condition i adds i to every coordinate of the first ten tokens; condition 0 changes nothing."""
    out = hidden.repeat(part.stop - part.start, 1, 1, 1)
    out[:, :, :10] += torch.arange(part.start, part.stop)[:, None, None, None]
    return out


@pytest.mark.parametrize("layer", [0, 1, 3])
@pytest.mark.parametrize("batch", [1, 4, 32, 1000])
@pytest.mark.parametrize("selection", ["all", "object"])
def test_without_an_edit_it_is_the_full_forward(
    encoder: VJepa2Encoder, captured: Activations, layer: int, batch: int, selection: str
) -> None:
    pooled = pooled_last(encoder, captured.tokens(layer), layer, shifted, 3, captured.mask(selection), batch)
    assert (pooled[0] - captured.pooled(3, selection)).abs().max() == 0.0
    assert (pooled[1] - pooled[0]).abs().max() > 0 and (pooled[2] - pooled[1]).abs().max() > 0


@pytest.mark.parametrize("layer", [1, 2])
def test_with_an_edit_it_is_the_full_forward_with_that_edit_hooked_in(
    encoder: VJepa2Encoder, few: ClipSet, captured: Activations, layer: int
) -> None:
    conditions = 3
    pooled = pooled_last(encoder, captured.tokens(layer), layer, shifted, conditions, captured.object_mask, batch=CLIPS)
    for condition in range(conditions):

        def hook(module: torch.nn.Module, args: tuple[Tensor, ...], output: tuple[Tensor, ...], i: int = condition) -> tuple[Tensor, ...]:
            return (shifted(output[0], slice(i, i + 1))[0], *output[1:])

        # transformers' own forward, in which nothing of ours runs but the hook
        handle = encoder.model.encoder.layer[layer - 1].register_forward_hook(hook)
        last: list[Tensor] = []
        end = encoder.model.encoder.layer[-1].register_forward_hook(lambda module, args, output, last=last: last.append(output[0]))
        try:
            with torch.inference_mode():
                encoder.model(encoder.preprocess(few.video()), skip_predictor=True)
        finally:
            handle.remove()
            end.remove()
        assert (pooled[condition] - pool(last[0], captured.object_mask)).abs().max() == 0.0


def test_memory_grows_with_the_batch_not_with_the_conditions(encoder: VJepa2Encoder, captured: Activations) -> None:
    largest = 0

    def watched(hidden: Tensor, part: slice) -> Tensor:
        nonlocal largest
        largest = max(largest, part.stop - part.start)
        return shifted(hidden, part)

    pooled_last(encoder, captured.tokens(3), 3, watched, 100, None, batch=CLIPS * 4)
    assert largest == 4


def test_misfits_are_refused(encoder: VJepa2Encoder, captured: Activations) -> None:
    with pytest.raises(BadArgument, match=r"layers 0\.\.3"):
        pooled_last(encoder, captured.tokens(3), 4, shifted, 1, None, 4)
    with pytest.raises(BadArgument, match="another encoder's"):
        pooled_last(encoder, captured.tokens(3)[:, 1:], 3, shifted, 1, None, 4)
