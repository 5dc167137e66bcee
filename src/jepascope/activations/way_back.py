"""The way back: gradients through the blocks after a site, of clips that are too long for every block to keep what it needs."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from jepascope.encoders.base import EncoderCard, VideoEncoder
from jepascope.encoders.budget import AT_WORK, BACK_COPIES, at_once, hidden_bytes


def clips_back(card: EncoderCard, blocks: int, most: int) -> int:
    """Clips, at most so many, whose way back through so many blocks is held at once."""
    kept = BACK_COPIES + blocks if made_again(card, blocks) else BACK_COPIES * max(1, blocks)
    return at_once(kept * hidden_bytes(card.tokens, card.width), most, AT_WORK)


def made_again(card: EncoderCard, blocks: int) -> bool:
    """Whether blocks run a second time on the way back: of a single clip all of them together would keep too much.

    Then each keeps what it begins with, and only one at a time the rest (gradient checkpointing, Chen et al. 2016).
    """
    return BACK_COPIES * blocks * hidden_bytes(card.tokens, card.width) > AT_WORK


def run_for_gradients(
    encoder: VideoEncoder, hidden: Float[Tensor, "clips tokens width"], start: int, stop: int, again: bool
) -> Float[Tensor, "clips tokens width"]:
    """``encoder.run``; ``again``: with blocks that are made again. The digits are the same."""
    if not again:
        return encoder.run(hidden, start, stop)
    for index in range(start + 1, stop + 1):
        hidden = checkpoint(encoder.block, index, hidden, use_reentrant=False)
    return hidden
