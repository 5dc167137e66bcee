"""Which layer of the other model a subspace is carried to: the same relative depth, and the layer that represents the clips most alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jepascope.portability.similarity import Similarity
from jepascope.study.edited_layers import candidate_layers
from jepascope.study.port.sides import Side


@dataclass(frozen=True)
class LayerPair:
    """``choice``: "relative depth", "best match", or "both" where they agree."""

    source: Side
    target: Side
    source_layer: int
    target_layer: int
    choice: str

    @property
    def places(self) -> tuple[tuple[Side, int], tuple[Side, int]]:
        """Where it is found and where it is used."""
        return (self.source, self.source_layer), (self.target, self.target_layer)

    @property
    def names(self) -> dict[str, object]:
        return {
            "source": self.source.name,
            "target": self.target.name,
            "source_layer": self.source_layer,
            "target_layer": self.target_layer,
            "choice": self.choice,
        }


def relative_depth(source_layer: int, source_depth: int, target_depth: int) -> int:
    """The target's layer at the same share of its blocks, among those that can be edited with a block before and after."""
    candidates = candidate_layers(target_depth)
    wanted = source_layer / source_depth * target_depth
    return min(candidates, key=lambda layer: (abs(layer - wanted), layer))


def best_match(source_layer: int, target_depth: int, similar: Mapping[tuple[int, int], Similarity]) -> int:
    """The target's layer with the largest unbiased CKA with the source's, on fit clips; of equals the earliest."""
    return max(candidate_layers(target_depth), key=lambda layer: (similar[source_layer, layer].value, -layer))


def layer_pairs(source: Side, target: Side, similar: Mapping[tuple[int, int], Similarity]) -> list[LayerPair]:
    """Where the source's best layer is carried to: one pair where both rules agree, else two."""
    depth = relative_depth(source.best, source.card.depth, target.card.depth)
    match = best_match(source.best, target.card.depth, similar)
    if depth == match:
        return [LayerPair(source, target, source.best, depth, "both")]
    return [
        LayerPair(source, target, source.best, depth, "relative depth"),
        LayerPair(source, target, source.best, match, "best match"),
    ]
