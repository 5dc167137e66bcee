"""Running only the blocks after a site, on hidden states that were edited there."""

from __future__ import annotations

from collections.abc import Callable

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


def rerun(
    encoder: VideoEncoder,
    hidden: Float[Tensor, "clips tokens width"],
    layer: int,
    edit: Edit,
    conditions: int,
    read: Bool[Tensor, "clips tokens"] | None = None,
    batch: int = BATCH,
) -> Float[Tensor, "conditions clips width"]:
    """Pooled ``h_L`` over the tokens that are read (all without a mask), for each condition and clip.

    ``hidden`` is ``h_layer``; blocks layer+1..L run on what ``edit`` makes of it, conditions folded into batches of about
    ``batch`` clips. Of the last layer nothing but the pooled vector is kept. In float32 on a CPU the result equals that
    of a whole forward with the same edit hooked in, bit for bit. Memory grows with the batch alone.
    """
    card, clips = encoder.card, len(hidden)
    if not 0 <= layer <= card.depth:
        raise BadArgument(f"Encoder '{card.name}' has layers 0..{card.depth}; nothing can be edited at layer {layer}.")
    if hidden.shape[1:] != (card.tokens, card.width):
        raise BadArgument(
            f"Encoder '{card.name}' has {card.tokens} tokens of width {card.width}; "
            f"hidden states of shape {tuple(hidden.shape)} are another encoder's."
        )
    hidden = hidden.to(encoder.device)
    read = None if read is None else read.to(encoder.device)
    pooled = torch.empty(conditions, clips, card.width)

    def run(part: slice) -> None:
        with torch.inference_mode():
            folded = edit(hidden, part)
            masks = None if read is None else read.repeat(len(folded), 1)
            blocks(folded.flatten(0, 1), masks, pooled[part].view(-1, card.width))

    def blocks(folded: Tensor, masks: Tensor | None, out: Tensor) -> None:
        def run_folded(part: slice) -> None:
            last = encoder.run(folded[part], layer)
            out[part] = pool(last, None if masks is None else masks[part])

        in_batches(len(folded), batch, run_folded, "edited clips")

    in_batches(conditions, max(1, batch // clips), run, "conditions")
    return pooled
