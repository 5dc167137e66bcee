"""How alike two models represent the same clips (CKA of all layers, CCA and linear maps at the layers that are used -> similarity table),
and which layer of the other one a subspace is carried to: the same relative depth, and the one that represents the clips most alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import get_args

import pandas as pd

from jepascope.portability.cca import held_out_cca
from jepascope.portability.cka import cka_grid
from jepascope.portability.maps import MapKind, held_out_r2
from jepascope.portability.similarity import Similarity
from jepascope.schema import TABLES
from jepascope.study.edited_layers import candidate_layers
from jepascope.study.port.sides import Side

COLUMNS = TABLES["similarity"].written


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


def similar_layers(a: Side, b: Side, split: str) -> dict[tuple[int, int], Similarity]:
    """Unbiased CKA of every layer of a with every layer of b. Nothing is fitted, so any clips serve: fit clips to choose layers by, test
    clips to report."""
    seed = a.captures.spec.seed
    x, y = ({layer: side.pooled(split, layer) for layer in range(side.card.depth + 1)} for side in (a, b))
    return cka_grid(x, y, a.labels(split), seed=seed)


def matched_layers(a: Side, b: Side) -> list[LayerPair]:
    """The layers between which subspaces are carried, each way round."""
    forth = similar_layers(a, b, "fit")
    back = {(there, here): similar for (here, there), similar in forth.items()}
    return [*layer_pairs(a, b, forth), *layer_pairs(b, a, back)]


def similarity_table(a: Side, b: Side, pairs: Sequence[LayerPair], components: int | None) -> pd.DataFrame:
    """CKA of all layers; CCA and maps at the pairs, each way round (a CCA has no direction, but its layers differ)."""
    rows = [_row(a, b, here, there, "cka", similar) for (here, there), similar in similar_layers(a, b, "test").items()]
    for pair in pairs:
        for metric, similar in _at(pair, components).items():
            rows.append(_row(pair.source, pair.target, pair.source_layer, pair.target_layer, metric, similar))
    return pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(COLUMNS[:5], ignore_index=True)


def _at(pair: LayerPair, components: int | None) -> dict[str, Similarity]:
    """Everything is fitted on fit clips and scored on test clips."""
    source, target, spec = pair.source, pair.target, pair.source.captures.spec
    x, y = (source.pooled(split, pair.source_layer) for split in ("fit", "test"))
    u, v = (target.pooled(split, pair.target_layer) for split in ("fit", "test"))
    fit, test = source.labels("fit"), source.labels("test")
    drawn = {"seed": spec.seed, "resamples": spec.resamples}
    cca = held_out_cca(x, u, y, v, components, classes_fit=fit, classes_test=test, **drawn)
    maps = {
        f"{kind}_r2": held_out_r2(kind, x, u, y, v, components, classes_fit=fit, classes_test=test, **drawn) for kind in get_args(MapKind)
    }
    return {"cca": cca.similarity, "cca_in_sample": cca.in_sample, **maps}


def _row(source: Side, target: Side, source_layer: int, target_layer: int, metric: str, similar: Similarity) -> dict[str, object]:
    where = {"source": source.name, "target": target.name, "source_layer": source_layer, "target_layer": target_layer}
    return {**where, "metric": metric, **asdict(similar)}
