"""How alike two models represent the same clips: CKA of all layers, CCA and linear maps at the layers that are used -> similarity table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import get_args

import pandas as pd

from jepascope.portability.cca import held_out_cca
from jepascope.portability.cka import cka_grid
from jepascope.portability.maps import MapKind, held_out_r2
from jepascope.portability.similarity import Similarity
from jepascope.schema import TABLES
from jepascope.study.port.layers import LayerPair, layer_pairs
from jepascope.study.port.sides import Side

COLUMNS = TABLES["similarity"].written


def similar_layers(a: Side, b: Side, split: str) -> dict[tuple[int, int], Similarity]:
    """Unbiased CKA of every layer of a with every layer of b. Nothing is fitted, so any clips serve: fit clips to choose layers by, test
    clips to report."""
    seed = a.captures.spec.seed
    x, y = ({layer: side.pooled(split, layer) for layer in range(side.card.depth + 1)} for side in (a, b))
    return cka_grid(x, y, a.labels(split), seed=seed)


def matched_layers(a: Side, b: Side) -> list[LayerPair]:
    """The layers between which subspaces are carried, each way round."""
    forth = similar_layers(a, b, "fit")
    back = {(there, here): found for (here, there), found in forth.items()}
    return [*layer_pairs(a, b, forth), *layer_pairs(b, a, back)]


def similarity_table(a: Side, b: Side, pairs: Sequence[LayerPair], components: int | None) -> pd.DataFrame:
    """CKA of all layers; CCA and maps at the pairs, each way round (a CCA has no direction, but its layers differ)."""
    rows = [_row(a, b, here, there, "cka", found) for (here, there), found in similar_layers(a, b, "test").items()]
    for pair in pairs:
        for metric, found in _at(pair, components).items():
            rows.append(_row(pair.source, pair.target, pair.source_layer, pair.target_layer, metric, found))
    return pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(COLUMNS[:5], ignore_index=True)


def _at(pair: LayerPair, components: int | None) -> dict[str, Similarity]:
    """Everything is fitted on fit clips and scored on test clips."""
    source, target, spec = pair.source, pair.target, pair.source.captures.spec
    x, y = (source.pooled(split, pair.source_layer) for split in ("fit", "test"))
    u, v = (target.pooled(split, pair.target_layer) for split in ("fit", "test"))
    fit, test = source.labels("fit"), source.labels("test")
    said = {"seed": spec.seed, "resamples": spec.resamples}
    cca = held_out_cca(x, u, y, v, components, classes_fit=fit, classes_test=test, **said)
    maps = {
        f"{kind}_r2": held_out_r2(kind, x, u, y, v, components, classes_fit=fit, classes_test=test, **said) for kind in get_args(MapKind)
    }
    return {"cca": cca.similarity, "cca_in_sample": cca.in_sample, **maps}


def _row(source: Side, target: Side, source_layer: int, target_layer: int, metric: str, found: Similarity) -> dict[str, object]:
    where = {"source": source.name, "target": target.name, "source_layer": source_layer, "target_layer": target_layer}
    return {**where, "metric": metric, **asdict(found)}
