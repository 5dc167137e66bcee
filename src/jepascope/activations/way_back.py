"""The way back: gradients through the blocks after a site, also of clips too long for every block to keep what it needs."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from jepascope.activations.site import Site
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.budget import at_once, back_bytes, made_again
from jepascope.encoders.card import EncoderCard


def clips_back(card: EncoderCard, blocks: int, most: int, slopes: int = 0) -> int:
    """Clips, at most so many, whose way back through so many blocks is held at once, with the gradients that it leaves."""
    return at_once(back_bytes(card.hidden_bytes, blocks, slopes), most)


def run_for_gradients(
    encoder: VideoEncoder, hidden: Float[Tensor, "clips tokens width"], start: int, stop: int, blocks: int, between: bool = False
) -> Float[Tensor, "clips tokens width"]:
    """``encoder.run``, with blocks that run again on the way back where clips are long. The digits are the same.

    ``blocks``: how many the whole way back leads through, of which this may be a part. ``between``: ``hidden`` lies between the two parts
    of block ``start``, whose feed-forward runs first.
    """
    again = made_again(encoder.card.hidden_bytes, blocks)
    if between:
        hidden = checkpoint(encoder.fed, start, hidden, use_reentrant=False) if again else encoder.fed(start, hidden)
    if not again:
        return encoder.run(hidden, start, stop)
    for index in range(start + 1, stop + 1):
        hidden = checkpoint(encoder.block, index, hidden, use_reentrant=False)
    return hidden


def blocks_behind(card: EncoderCard, site: Site, stop: int | None = None) -> int:
    """Through how many blocks the way back to a site leads from a layer (by default the last): one of which only a part is run counts."""
    return (card.depth if stop is None else stop) - site.layer + site.between
