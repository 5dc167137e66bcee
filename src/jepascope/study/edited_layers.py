"""Which layers of an encoder a study edits, or may edit before its best one is known; and whether its sizes fit. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jepascope.encoders.part_names import PART_WORDS, PARTS, RESIDUAL
from jepascope.errors import BadArgument
from jepascope.study.spec import StudySpec


def candidate_layers(depth: int) -> tuple[int, ...]:
    """Layers that may be the best one: with a block before and a block after, so that an edit is judged through the network."""
    return tuple(range(1, depth)) or (0,)


@dataclass(frozen=True)
class EditedLayers:
    """Those of one study of an encoder of so many blocks; layers 0..depth-1 have blocks after them."""

    spec: StudySpec
    depth: int

    @property
    def named(self) -> tuple[int, ...]:
        """Layers that are intervened on besides the best one."""
        return tuple(range(self.depth)) if isinstance(self.spec.layers, str) else tuple(sorted(self.spec.layers))

    @property
    def _named_in_full(self) -> tuple[int, ...]:
        return () if self.spec.layers == "survey" else self.named

    @property
    def candidates(self) -> tuple[int, ...]:
        return candidate_layers(self.depth) if self.spec.best_layer is None else (self.spec.best_layer,)

    def full(self, best: int) -> tuple[int, ...]:
        """Layers at which every edit, control and judge runs."""
        return tuple(sorted({best, *self._named_in_full}))

    @property
    def maybe_full(self) -> tuple[int, ...]:
        """Layers that may be run in full, before the best one is known."""
        return tuple(sorted({*self.candidates, *self._named_in_full}))

    @property
    def needed(self) -> tuple[int, ...]:
        """Layers that are edited, or may be: those whose tokens are kept."""
        return tuple(sorted({*self.candidates, *self.named}))


def shown_before(sites: Sequence[int], shown: Sequence[int]) -> tuple[int, ...]:
    """Layers that a predictor is shown and that lie before one of the sites: an edit there leaves them as they are."""
    return tuple(layer for layer in shown if layer < max(sites, default=0))


def check_edited_layer(encoder: str, depth: int, layer: int, part: str = RESIDUAL) -> None:
    """BadArgument for a layer that the encoder does not have, and for its last one, after which nothing runs: but for what its attention
    adds, which its MLP sees."""
    if part != RESIDUAL and not 1 <= layer <= (last := depth if part == PARTS[0] else depth - 1):
        raise BadArgument(
            f"Encoder '{encoder}' has blocks 1..{depth}, and {PART_WORDS[part]} of blocks 1..{last} can be intervened on"
            f"{'' if last == depth else ' (what it adds in the last block would be read off unchanged)'}; not of block {layer}."
        )
    if part == RESIDUAL and not 0 <= layer < depth:
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
        check_edited_layer(encoder, depth, layer, spec.part)
    check_room("A subspace of this study", max(spec.rank_of(finder) for finder in spec.finders), width)
