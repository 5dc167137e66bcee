"""Running only the blocks after a site, on hidden states that were edited there, and reading what comes out on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from jepascope.activations.memory import in_batches
from jepascope.activations.site import pool
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument

BATCH = 32  # clips folded into one batch; benchmarks/suffix.py shows that more gains nothing on a CPU

Edit = Callable[[Tensor, slice], Tensor]
"""``edit(hidden (clips, tokens, width), conditions)`` -> hidden (conditions, clips, tokens, width), one for each condition of the slice."""

Reader = Callable[[Tensor, Tensor], Tensor]
"""``reader(hidden (rows, tokens, width), clips (rows,))`` -> (rows, features): what is kept of a layer; ``clips``: whose each row is."""

Keep = Callable[[slice, dict[int, Tensor]], None]
"""``keep(conditions, {layer: (conditions, clips, features)})``, on the encoder's device."""


def rerun(
    encoder: VideoEncoder,
    hidden: Float[Tensor, "clips tokens width"],
    layer: int,
    edit: Edit,
    conditions: int,
    readers: Mapping[int, Reader],
    keep: Keep,
    batch: int = BATCH,
) -> None:
    """Run blocks layer+1 .. on what ``edit`` makes of ``h_layer``, and hand what ``readers`` read of their layers to ``keep``.

    Conditions are folded into batches of about ``batch`` clips; no block after the last layer that is read is run. Only what readers
    return is kept, and only until ``keep`` has it: memory grows with the batch alone. In float32 on a CPU the hidden states equal
    those of a whole forward with the same edit hooked in, bit for bit.
    """
    card, clips = encoder.card, len(hidden)
    if not 0 <= layer <= card.depth:
        raise BadArgument(f"Encoder '{card.name}' has layers 0..{card.depth}; nothing can be edited at layer {layer}.")
    if not readers or not all(layer <= read <= card.depth for read in readers):
        raise BadArgument(f"After an edit at layer {layer} of '{card.name}' layers {layer}..{card.depth} can be read, not {list(readers)}.")
    if hidden.shape[1:] != (card.tokens, card.width):
        raise BadArgument(
            f"Encoder '{card.name}' has {card.tokens} tokens of width {card.width}; "
            f"hidden states of shape {tuple(hidden.shape)} are another encoder's."
        )
    hidden, order = hidden.to(encoder.device), sorted(readers)

    def run(part: slice) -> None:
        with torch.inference_mode():
            folded = edit(hidden, part)
            rows = torch.arange(clips, device=encoder.device).repeat(len(folded))
            read: dict[int, list[Tensor]] = {at: [] for at in order}
            flat = folded.flatten(0, 1)
            in_batches(len(flat), batch, partial(run_folded, flat, rows, read), "edited clips")
            keep(part, {at: torch.cat(pieces).view(len(folded), clips, -1) for at, pieces in read.items()})

    def run_folded(flat: Tensor, rows: Tensor, read: dict[int, list[Tensor]], part: slice) -> None:
        now, at, found = flat[part], layer, []
        for stop in order:
            now, at = encoder.run(now, at, stop), stop
            found.append(readers[stop](now, rows[part]))
        for stop, features in zip(order, found, strict=True):  # kept when all of it fitted in memory
            read[stop].append(features)

    in_batches(conditions, max(1, batch // clips), run, "conditions")


def pooled_reader(mask: Bool[Tensor, "clips tokens"] | None = None) -> Reader:
    """Reads the pooled activation over each clip's selected tokens (all of them without a mask)."""

    def read(hidden: Tensor, clips: Tensor) -> Tensor:
        return pool(hidden, None if mask is None else mask.to(hidden.device)[clips])

    return read
