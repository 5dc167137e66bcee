"""EncoderCard: what an encoder is and has. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from jepascope.encoders.budget import clip_bytes, hidden_bytes


@dataclass(frozen=True)
class EncoderCard:
    """What an encoder is and has, known without running it."""

    name: str
    width: int
    depth: int
    frames: int
    size: int
    grid: tuple[int, int, int]
    digest: str  # of weights and configuration: what addresses stored activations
    has_predictor: bool = False
    has_head: bool = False
    head_digest: str = ""  # of the head's weights and labels; apart from ``digest``, because activations do not depend on the head
    extra: int = 0  # tokens behind the grid's that belong to no place (class, registers): edited and pooled as "all", never as a place
    source: str = ""  # the file of Meta's that the weights came from, and which of its keys were read
    forecasts: str = ""  # in words: what the predictor that it came with forecasts, and from which mask token
    actions: int = 0  # numbers of an action, where it has a predictor that is given actions; 0: it cannot be rolled out
    states: int = 0  # numbers of a recorded state that this predictor is given besides

    @property
    def tokens(self) -> int:
        return self.places + self.extra

    @property
    def clip_bytes(self) -> int:
        """What one clip takes at most on its way through: batches are made by it."""
        return clip_bytes(self.hidden_bytes, self.pixels)

    @property
    def pixels(self) -> int:
        """How many numbers the pixels of one clip are."""
        return self.frames * 3 * self.size**2

    @property
    def hidden_bytes(self) -> int:
        """Of one clip's hidden states, in float32."""
        return hidden_bytes(self.tokens, self.width)

    @property
    def places(self) -> int:
        """Tokens of the grid, in (time, row, column) order, before the extra ones."""
        return self.grid[0] * self.grid[1] * self.grid[2]
