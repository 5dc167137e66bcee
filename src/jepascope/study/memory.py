"""Memory that a study takes at most: of its processes together, each at its largest. Imports no torch.

Batches are made by what ``encoders.budget`` declares, so what they hold can be counted; what libraries take was measured.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jepascope.activations.layout import BYTES, SHARD, Layout
from jepascope.encoders.budget import BATCH, FLOAT32, at_once, back_bytes, clip_bytes
from jepascope.hardware import cores, free_memory

LEADER, WORKER = 0.7e9, 0.5e9  # bytes of the process that leads, with libraries, tables and figures; of one that only computes
CAPTURED = 16  # clips that a capture takes at once, where they are short
EDITED_COPIES = 4  # hidden states beside a block's: the clips as they are, their partners', what is added, and the edited ones
LOADED = 2  # copies of the weights while they are read and tested


@dataclass(frozen=True)
class Load:
    """What a process of a study has to hold. ``hidden``: bytes of one clip's hidden states in float32; ``pixels``: how many it has;
    ``weights``: bytes of them in float32; ``blocks``: how many gradients lead back through, of ``slopes`` hidden states (0: none)."""

    weights: float
    hidden: int
    pixels: int
    blocks: int = 0
    slopes: int = 0

    @property
    def passing(self) -> float:
        """Clips on their way from pixels through the blocks."""
        one = clip_bytes(self.hidden, self.pixels)
        return at_once(one, CAPTURED) * one

    @property
    def edited(self) -> float:
        """Edited clips on their way through the blocks after a site."""
        one = clip_bytes(self.hidden, self.pixels)
        return at_once(one, BATCH) * (one + EDITED_COPIES * self.hidden)

    @property
    def back(self) -> float:
        """Clips on the way back, with the gradients that they leave."""
        one = back_bytes(self.hidden, self.blocks, self.slopes)
        return at_once(one, BATCH) * one if self.slopes else 0.0

    def process(self, base: float, share: float, shard: float) -> float:
        """Bytes of one process; ``share``: of float32 that hidden states and weights are kept in; ``shard``: of the largest that it makes."""
        return base + max(LOADED * self.weights, self.weights * share + max(share * self.passing + shard, share * self.edited, share * self.back))
