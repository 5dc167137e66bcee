"""Whether sizes fit: layers with blocks after them, and ranks that leave room for a control. Imports no torch."""

from __future__ import annotations

from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec


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


def check_sizes(spec: StudySpec, encoder: str, depth: int, width: int) -> None:
    """Refuse layers and ranks that an encoder of so many blocks of this width does not have."""
    named = (() if isinstance(spec.layers, str) else spec.layers) + (() if spec.best_layer is None else (spec.best_layer,))
    for layer in named:
        check_edited_layer(encoder, depth, layer)
    check_room("A subspace of this study", max(spec.rank_of(finder) for finder in spec.finders), width)
