"""What the parts of a block are called. Imports nothing."""

PARTS = ("attention", "mlp")
"""What adds to the residual stream within a block, in the order in which it does."""

RESIDUAL = "residual"
SITES = (RESIDUAL, *PARTS)
"""What can be read and edited: the residual stream after a block, or what a part of the block adds to it."""

PART_WORDS = {RESIDUAL: "residual stream alone", "embedding": "patch embedding", "attention": "attention", "mlp": "MLP"}


def part_of_block(part: str, block: int | str) -> str:
    """'MLP of block 3'; 'patch embedding'."""
    return f"{PART_WORDS[part]} of block {block}" if part in PARTS else PART_WORDS[part]
