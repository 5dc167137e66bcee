"""The construction self-test: an encoder is believed only after its own loop has been held against the library's forward.

``self_test`` does so in float32 on a CPU, where nothing may differ. Then the encoder goes to its device and precision, and may be
compiled; ``settled_test`` holds what it then computes against what it computed before.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.precision import exact
from jepascope.errors import BadCheckpoint

GPU_TOLERANCE = 1e-4  # of the output's scale; on a CPU in float32 the difference must be 0.0
SETTLED_BOUNDS = {torch.float32: 1e-3, torch.float16: 0.1, torch.bfloat16: 0.1}
"""Largest root-mean-square difference that may come with another device, precision or compilation, as a share of the output's own."""


@torch.inference_mode()
def self_test(encoder: VideoEncoder) -> float:
    """Largest difference between our loop and transformers' forward; raises BadCheckpoint when anything is off.

    Checks: loop equals forward; outputs are finite; running a suffix from a stored layer changes nothing; a changed patch
    changes the token that the grid says it is and no other embedding; an edit at a middle layer reaches the output; the
    predictor's forecast, where there is one, is finite; so are rollouts, in which no action changes what comes before it; the task head,
    where there is one, gives finite logits, one for each label.
    """
    card = encoder.card
    short = encoder.shortest()
    generator = torch.Generator().manual_seed(0)
    video = torch.rand(1, short.card.frames, 3, short.card.size, short.card.size, generator=generator).to(encoder.device, encoder.dtype)

    def fail(what: str) -> BadCheckpoint:
        return BadCheckpoint(
            f"Encoder '{card.name}' failed its self-test: {what}. It is not the architecture that jepascope expects; do not use it."
        )

    embedded = short.embed(video)
    middle = short.run(embedded, 0, card.depth // 2)
    ours = short.norm(short.run(middle, card.depth // 2))
    if not bool(torch.isfinite(ours).all()):
        raise fail("its output has NaN or infinite values (damaged weights?)")
    theirs = short.reference(video)
    difference = float((ours - theirs).abs().max())
    exact = encoder.device.type == "cpu" and encoder.dtype == torch.float32
    scale = float(theirs.abs().max())
    if difference > (encoder.rounding * scale if exact else GPU_TOLERANCE * scale if encoder.dtype == torch.float32 else 0.1 * scale):
        raise fail(f"its blocks one by one differ from {encoder.theirs} by {difference:.2e}")

    times, rows, columns = short.card.grid
    high, wide, tubelet = short.card.size // rows, short.card.size // columns, short.card.frames // times
    time, row, column = min(1, times - 1), rows - 1, 0
    touched = video.clone()
    touched[:, time * tubelet : (time + 1) * tubelet, :, row * high : (row + 1) * high, column * wide : (column + 1) * wide] = 0.5
    moved = (short.placed(touched) - short.placed(video)).abs().amax(-1)[0]
    expected = (time * rows + row) * columns + column
    if int(moved[: short.card.places].argmax()) != expected or (encoder.apart and int((moved > 0).sum()) != 1):
        raise fail("its tokens are not in (time, row, column) order")
    if card.depth > 1:
        edited = short.norm(short.run(middle + middle.std(), card.depth // 2))
        if bool((edited == ours).all()):
            raise fail("an edit at a middle layer does not reach its output")
    ids = torch.arange(short.card.tokens, device=encoder.device)[None]
    half = short.card.tokens // 2
    if card.has_predictor or card.forecasts:
        shown = short.context(short.states(embedded, 0, short.context_layers))[:, :half]
        if not bool(torch.isfinite(short.forecast(shown, ids[:, :half], ids[:, half:])).all()):
            raise fail("its predictor's forecast has NaN or infinite values (damaged weights?)")
    if card.actions and (why := _not_rolled_out(short, ours[:, : short.card.places // times], generator)):
        raise fail(why)
    if card.has_head:
        logits = short.head_logits(short.run(middle, card.depth // 2))
        if logits.shape != (1, len(short.head_labels)):
            raise fail(f"its head gives logits of shape {tuple(logits.shape)} for {len(short.head_labels)} labels")
        if not bool(torch.isfinite(logits).all()):
            raise fail("its head's logits have NaN or infinite values (damaged weights?)")
    return difference


def _not_rolled_out(encoder: VideoEncoder, first: Float[Tensor, "1 places width"], generator: torch.Generator) -> str:
    """What is wrong with rollouts from one time's latents under two random actions; "" where nothing is."""
    card = encoder.card
    actions = torch.rand(1, 2, card.actions, generator=generator).to(first)
    states = torch.rand(1, 3, card.states, generator=generator).to(first) if card.states else None
    both = encoder.rollout(first, actions, states)
    one = encoder.rollout(first, actions[:, :1], None if states is None else states[:, :2])
    if both.shape != (1, 2 * first.shape[1], card.width):
        return f"its rollout of two steps has shape {tuple(both.shape)}, not (1, {2 * first.shape[1]}, {card.width})"
    if not bool(torch.isfinite(both).all()):
        return "its rollout has NaN or infinite values (damaged weights?)"
    if float((both[:, : first.shape[1]] - one).abs().max()) > GPU_TOLERANCE * float(both.abs().max()):
        return "a later action changes what its rollout has before"
    return ""


@torch.inference_mode()
def parts_test(encoder: VideoEncoder) -> float:
    """Whether the parts of every block are what its encoder says: one after the other they are the block, and its feed-forward takes each
    token by itself. The largest difference of their sum from the block's change, as a share of the stream's scale; BadCheckpoint where
    anything is off, as where a block's feed-forward does not see what its attention adds, or norms their sum.
    """
    card, short = encoder.card, encoder.shortest()
    video = torch.rand(1, short.card.frames, 3, short.card.size, short.card.size, generator=torch.Generator().manual_seed(0))
    hidden = short.embed(video.to(encoder.device, encoder.dtype))
    exactly = encoder.device.type == "cpu" and encoder.dtype == torch.float32
    bound = encoder.rounding if exactly else GPU_TOLERANCE if encoder.dtype == torch.float32 else 0.1
    largest = 0.0
    for index in range(1, card.depth + 1):
        between, after = short.attended(index, hidden), short.block(index, hidden)
        scale, apart = float(after.abs().max()), float((short.fed(index, between) - after).abs().max())
        touched = between.clone()
        touched[:, -1] += between.std()
        added = short.fed(index, between) - between, short.fed(index, touched) - touched
        spread = float((added[1] - added[0])[:, :-1].abs().max())
        if apart > bound * scale or spread > max(bound, 1e-6) * scale:
            what = f"they make {apart:.2e} more" if apart > bound * scale else "its feed-forward mixes tokens"
            raise BadCheckpoint(
                f"The parts of block {index} of encoder '{card.name}' are not what the block adds, attention and then feed-forward: "
                f"{what}. Nothing can be read or edited there, only in the residual stream after a block."
            )
        middle, end = short.halved(index, hidden)
        if max(float((middle - between).abs().max()), float((end - after).abs().max())) > bound * scale:
            raise BadCheckpoint(
                f"What lies between the parts of block {index} of encoder '{card.name}' is another thing when the block runs whole than by "
                "parts. Nothing can be read or edited there, only in the residual stream after a block."
            )
        attention, mlp = exact(middle) - exact(hidden), exact(end) - exact(middle)
        largest = max(largest, float((attention + mlp - (exact(after) - exact(hidden))).abs().max()) / scale)
        hidden = after
    return largest


@torch.inference_mode()
def last_latents(encoder: VideoEncoder) -> Float[Tensor, "clips tokens width"]:
    """Final-norm latents of two clips of noise, the shortest that there are; float32, on the CPU."""
    short = encoder.shortest()
    video = torch.rand(2, short.card.frames, 3, short.card.size, short.card.size, generator=torch.Generator().manual_seed(1))
    return short.norm(short.run(short.embed(video), 0)).float().cpu()


def settled_test(encoder: VideoEncoder, before: Float[Tensor, "clips tokens width"]) -> float:
    """How far an encoder that was moved, cast or compiled is from ``before``, its ``last_latents`` in float32 on the CPU: the root mean
    square of the difference over that of ``before``. BadCheckpoint where it is not finite, misshapen or out of SETTLED_BOUNDS.
    """
    after = last_latents(encoder)
    how = f"{str(encoder.dtype).removeprefix('torch.')} on '{encoder.device}'" + (", compiled" if encoder.compiled else "")
    instead = "run it in float32, without --compile, or on the CPU"
    if after.shape != before.shape:
        raise BadCheckpoint(
            f"Encoder '{encoder.card.name}' gives {tuple(after.shape)} instead of {tuple(before.shape)} in {how}; {instead}."
        )
    if not bool(torch.isfinite(after).all()):
        raise BadCheckpoint(f"Encoder '{encoder.card.name}' gives NaN or infinite values in {how}; {instead}.")
    difference = float((after - before).square().mean().sqrt() / before.square().mean().sqrt())
    if difference > SETTLED_BOUNDS.get(encoder.dtype, SETTLED_BOUNDS[torch.float32]):
        raise BadCheckpoint(
            f"Encoder '{encoder.card.name}' in {how} differs by {difference:.1%} from its float32 output on the CPU; {instead}."
        )
    return difference
