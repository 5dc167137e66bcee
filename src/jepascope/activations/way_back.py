"""The way back: gradients through the blocks after a site, also of clips too long for every block to keep what it needs."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from jepascope.encoders.base import EncoderCard, VideoEncoder
from jepascope.encoders.budget import at_once, back_bytes, made_again


def clips_back(card: EncoderCard, blocks: int, most: int, slopes: int = 0) -> int:
    """Clips, at most so many, whose way back through so many blocks is held at once, with the gradients that it leaves."""
    return at_once(back_bytes(card.hidden_bytes, blocks, slopes), most)


def run_for_gradients(
    encoder: VideoEncoder, hidden: Float[Tensor, "clips tokens width"], start: int, stop: int, blocks: int
) -> Float[Tensor, "clips tokens width"]:
    """``encoder.run``, with blocks that run again on the way back where clips are long. The digits are the same.

    ``blocks``: how many the whole way back leads through, of which this may be a part.
    """
    if not made_again(encoder.card.hidden_bytes, blocks):
        return encoder.run(hidden, start, stop)
    for index in range(start + 1, stop + 1):
        hidden = checkpoint(encoder.block, index, hidden, use_reentrant=False)
    return hidden
