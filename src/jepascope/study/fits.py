"""What of an encoder can be edited: layers with blocks after them, and ranks that leave room for a control. Imports no torch."""

from __future__ import annotations

from jepascope.errors import BadArgument


def check_edited_layer(encoder: str, depth: int, layer: int) -> None:
    """BadArgument for a layer that the encoder does not have, and for its last one, after which nothing runs."""
    if not 0 <= layer < depth:
        raise BadArgument(
            f"Encoder '{encoder}' has layers 0..{depth}, and layers 0..{depth - 1} can be intervened on (an edit at the last layer would "
            f"be read off unchanged); there is no layer {layer} to edit."
        )


def check_room(what: str, rank: int, width: int) -> None:
    """BadArgument where no subspace of equal rank fits beside one: controls are drawn in its orthogonal complement."""
    if 2 * rank > width:
        raise BadArgument(
            f"{what} has rank {rank} in width {width}, which leaves no orthogonal control of equal rank; ask for at most {width // 2}."
        )
