"""Budget: how many bytes passes hold at once. They keep to it, and plans count with it. Imports neither torch nor numpy.

What a clip takes is counted in float32, so that a batch does not depend on the precision. Digits do not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Sequence

FLOAT32 = 4  # bytes
BATCH = 32  # clips folded into one batch, where they are short; benchmarks/suffix.py shows that more gains nothing on a CPU
CAPTURED = 16  # clips that a capture takes at once, where they are short
AT_WORK = 2e9  # bytes of a batch on its way through a block, or of clips on the way back
SHARD_BYTES = 5e8  # of the tokens of one file of a capture
BLOCK_COPIES = 12  # hidden states alive at once in a block, its four times wider feed-forward counted in
PIXEL_COPIES = 3  # of a clip: as it is, normalised, and as the patches that are embedded
BACK_COPIES = 18  # hidden states that each block keeps for the way back
BACK_BESIDE = 6  # as they are, as an edit shifts them, before the first block and behind the last


def hidden_bytes(tokens: int, width: int) -> int:
    """Of one clip's hidden states."""
    return FLOAT32 * tokens * width


def clip_bytes(hidden: int, pixels: int) -> int:
    """What one clip takes at most on its way from pixels (how many numbers they are) through the blocks."""
    return max(BLOCK_COPIES * hidden, FLOAT32 * PIXEL_COPIES * pixels + hidden)


def made_again(hidden: int, blocks: int) -> bool:
    """Whether blocks run a second time on the way back: of a single clip all of them together would keep too much.

    Then each keeps what it begins with, and only one at a time the rest (gradient checkpointing, Chen et al. 2016).
    """
    return BACK_COPIES * blocks * hidden > AT_WORK


def back_bytes(hidden: int, blocks: int, slopes: int = 0) -> int:
    """What one clip takes for the way back through so many blocks; ``slopes``: how many gradients of hidden states it leaves."""
    kept = BACK_COPIES + blocks if made_again(hidden, blocks) else BACK_COPIES * max(1, blocks)
    return (slopes + BACK_BESIDE + kept) * hidden


def climbed_together(layers: Sequence[int], hidden: int, outcomes: int) -> list[tuple[int, ...]]:
    """Layers whose gradients come from one way back, lowest first: all of them, but where clips are long few, since each leaves its own
    (``outcomes``: how many of a layer)."""
    order = sorted({*layers})
    size = at_once(outcomes * hidden, max(1, len(order)), AT_WORK / 2)
    return [tuple(order[start : start + size]) for start in range(0, len(order), size)]


def at_once(one: int, most: int, held: float | None = None) -> int:
    """Clips, of ``one`` byte count each, that ``held`` bytes (AT_WORK) have room for: one at least, ``most`` at most."""
    return max(1, min(most, int((AT_WORK if held is None else held) // max(1, one))))
