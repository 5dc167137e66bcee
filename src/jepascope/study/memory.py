"""Memory that a study takes at most: of its processes together, each at its largest. Imports no torch.

Batches are made by what ``encoders.budget`` declares, so what they hold can be counted; what libraries take was measured.
"""

from __future__ import annotations

from dataclasses import dataclass

from jepascope.activations.layout import Layout
from jepascope.encoders.budget import BATCH, BLOCK_COPIES, CAPTURED, at_once, back_bytes, clip_bytes
from jepascope.hardware import cores, free_memory

LEADER, WORKER = 0.6e9, 0.45e9  # bytes of the process that leads, with libraries and tables; of one that only computes
EDITED_COPIES = 4  # hidden states beside a block's: the clips as they are, their partners', what is added, and the edited ones
LOADED = 2  # copies of the weights while they are read and tested
SENT = 2  # copies of what a worker made, as it comes


def captured_bytes(one: int, layout: Layout) -> float:
    """While a file of a capture is made: its tensors fill as batches come, and beside them is a batch on its way, of whose clips each takes
    ``one`` bytes, or the tokens that it left, as they are copied."""
    clips = max(1, min(layout.clips, layout.shard_clips))
    batch = min(at_once(one, CAPTURED), clips)
    return layout.shard_bytes + max(batch * one, batch / clips * layout.shard_bytes)


@dataclass(frozen=True)
class Load:
    """What a process of a study has to hold, as it is in float32.

    ``weights``: bytes of all of them; ``hidden``: of one clip's hidden states; ``pixels``: how many numbers its pixels are; ``kept``: what
    captures keep; ``blocks``: how many the way back leads through, ``slopes``: gradients of hidden states that it leaves.
    """

    weights: float
    hidden: int
    pixels: int
    kept: tuple[Layout, ...] = ()
    blocks: int = 0
    slopes: int = 0

    @property
    def captured(self) -> float:
        """Clips on their way from pixels through the blocks, and what of them is kept."""
        one = clip_bytes(self.hidden, self.pixels)
        return max((captured_bytes(one, layout) for layout in self.kept), default=at_once(one, CAPTURED) * one)

    @property
    def shard(self) -> float:
        """Of the largest file of a capture."""
        return max((layout.shard_bytes for layout in self.kept), default=0.0)

    @property
    def edited(self) -> float:
        """Edited clips on their way through the blocks after a site."""
        return at_once(clip_bytes(self.hidden, self.pixels), BATCH) * (BLOCK_COPIES + EDITED_COPIES) * self.hidden

    @property
    def back(self) -> float:
        """Clips on the way back, with the gradients that they leave."""
        one = back_bytes(self.hidden, self.blocks, self.slopes)
        return at_once(one, BATCH) * one if self.slopes else 0.0

    def at_work(self, share: float = 1.0) -> float:
        """Bytes at its largest; ``share``: of float32 that weights and hidden states take."""
        return max(LOADED * self.weights, share * (self.weights + max(self.captured, self.edited, self.back)))

    def together(self, processes: int, share: float = 1.0) -> float:
        """Of a process that leads and the others, all at their largest at once."""
        others = processes - 1
        sent = SENT * share * max(self.shard, self.slopes * self.hidden) if others else 0.0
        return LEADER + self.at_work(share) + sent + others * (WORKER + self.at_work(share))

    @property
    def processes(self) -> int:
        """As many as there are cores and as memory has room for."""
        free, most = free_memory(), cores()
        return most if free is None else max(1, min(most, 1 + int((free - LEADER - self.at_work()) // (WORKER + self.at_work()))))
