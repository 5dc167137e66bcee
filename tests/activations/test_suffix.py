"""Re-running the blocks after a site equals a whole forward, bit for bit, with the edit and without, at every layer that is read."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.capture import capture
from jepascope.activations.site import pool
from jepascope.activations.suffix import PooledReader, Rerun, Sweep, rerun
from jepascope.clips.clipset import ClipSet
from jepascope.encoders.base import VideoEncoder
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

    rerun(encoder, [Rerun(Sweep(hidden, layer, edit, {encoder.card.depth: PooledReader(read)}), conditions, keep)], batch)
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


def hooked(encoder: VJepa2Encoder, clips: ClipSet, layer: int, condition: int) -> dict[int, Tensor]:
    """The residual stream of transformers' own forward, in which nothing of ours runs but a hook after block ``layer``."""
    seen: dict[int, Tensor] = {}

    def change(module: torch.nn.Module, args: tuple[Tensor, ...], output: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (shifted(output[0], slice(condition, condition + 1))[0], *output[1:])

    blocks = encoder.model.encoder.layer
    handles = [blocks[layer - 1].register_forward_hook(change)]
    handles += [
        block.register_forward_hook(lambda module, args, output, at=at: seen.__setitem__(at, output[0]))
        for at, block in enumerate(blocks, 1)
    ]
    try:
        with torch.inference_mode():
            encoder.model(encoder.preprocess(clips.video()), skip_predictor=True)
    finally:
        for handle in handles:
            handle.remove()
    return seen


@pytest.mark.parametrize("batch", [4, CLIPS * 2])
def test_every_layer_that_is_read_is_that_of_a_whole_forward(
    encoder: VJepa2Encoder, few: ClipSet, captured: Activations, batch: int
) -> None:
    layers = (1, 2, 3)
    kept = {at: torch.empty(2, CLIPS, encoder.card.width) for at in layers}

    def keep(part: slice, found: dict[int, Tensor]) -> None:
        assert tuple(found) == layers
        for at, features in found.items():
            kept[at][part] = features

    rerun(
        encoder,
        [Rerun(Sweep(captured.tokens(1), 1, shifted, {at: PooledReader(captured.object_mask) for at in reversed(layers)}), 2, keep)],
        batch,
    )
    for condition in range(2):
        whole = hooked(encoder, few, 1, condition)
        for at in layers:
            assert torch.equal(kept[at][condition], pool(whole[at], captured.object_mask)), at


def test_nothing_runs_after_the_last_layer_that_is_read(
    encoder: VJepa2Encoder, captured: Activations, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []
    block = VJepa2Encoder.block

    def counted(self: VJepa2Encoder, index: int, hidden: Tensor) -> Tensor:
        ran.append(index)
        return block(self, index, hidden)

    monkeypatch.setattr(VJepa2Encoder, "block", counted)
    for readers, expected in (((1,), []), ((2,), [2]), ((1, 2), [2]), ((1, 3), [2, 3])):
        ran.clear()
        rerun(
            encoder,
            [Rerun(Sweep(captured.tokens(1), 1, shifted, {at: PooledReader() for at in readers}), 2, lambda part, found: None)],
            CLIPS * 2,
        )
        assert ran == expected


def test_a_reader_is_told_whose_rows_it_reads(encoder: VJepa2Encoder, captured: Activations) -> None:
    told: list[int] = []

    def reader(encoder: VideoEncoder, hidden: Tensor, clips: Tensor) -> Tensor:
        told.extend(clips.tolist())
        return torch.zeros(len(hidden), 1)

    rerun(encoder, [Rerun(Sweep(captured.tokens(3), 3, shifted, {3: reader}), 3, lambda part, found: None)], 4)
    assert told == list(range(CLIPS)) * 3


def test_what_is_read_is_handed_over_and_not_kept(encoder: VJepa2Encoder, captured: Activations) -> None:
    """However many conditions there are, what ``keep`` gets at a time is the batch's."""
    seen: list[tuple[int, ...]] = []
    rerun(
        encoder,
        [Rerun(Sweep(captured.tokens(3), 3, shifted, {3: PooledReader()}), 100, lambda part, found: seen.append(tuple(found[3].shape)))],
        CLIPS * 4,
    )
    assert set(seen) == {(4, CLIPS, encoder.card.width)} and len(seen) == 25


class Small(VJepa2Encoder):
    """A device on which a block of at most ``fits`` clips fits."""

    fits = 5

    def block(self, index: int, hidden: Tensor) -> Tensor:
        if len(hidden) > self.fits:
            raise torch.OutOfMemoryError("no memory left")
        return super().block(index, hidden)


def test_too_little_memory_makes_smaller_batches_and_no_other_numbers(encoder: VJepa2Encoder, captured: Activations) -> None:
    small = Small(encoder.model, "small")
    found = pooled_last(small, captured.tokens(1), 1, shifted, 3, None, 32)
    assert torch.equal(found, pooled_last(encoder, captured.tokens(1), 1, shifted, 3, None, 32))


@pytest.mark.parametrize("readers", [(), (0,), (1, 4)])
def test_layers_that_an_edit_does_not_reach_cannot_be_read(encoder: VJepa2Encoder, captured: Activations, readers: tuple[int, ...]) -> None:
    with pytest.raises(BadArgument, match=r"After an edit at layer 1 .* layers 1\.\.3 can be read"):
        rerun(encoder, [Rerun(Sweep(captured.tokens(1), 1, shifted, {at: PooledReader() for at in readers}), 1, lambda part, found: None)])


def test_misfits_are_refused(encoder: VJepa2Encoder, captured: Activations) -> None:
    with pytest.raises(BadArgument, match=r"layers 0\.\.3"):
        pooled_last(encoder, captured.tokens(3), 4, shifted, 1, None, 4)
    with pytest.raises(BadArgument, match="another encoder's"):
        pooled_last(encoder, captured.tokens(3)[:, 1:], 3, shifted, 1, None, 4)
