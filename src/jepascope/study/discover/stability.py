"""Stability selection of the sparse probe at every layer -> stability.parquet, frequencies.parquet."""

from __future__ import annotations

import pandas as pd

from jepascope.discovery.probes.stability import PERMUTED, Stability, stability_selection
from jepascope.schema import TABLES
from jepascope.study.captures import Captures

COLUMNS = TABLES["stability"].written
FREQUENCY_COLUMNS = TABLES["frequencies"].written


def run_stability(captures: Captures) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The L1 path again on halves of the fit clips, at the study's token selection."""
    spec = captures.spec
    layers = range(captures.encoder.card.depth + 1)
    tick = captures.progress.start("stability selection")
    selections = stability_selection(
        {layer: captures.fit.pooled(layer, spec.tokens) for layer in layers},
        captures.labels(captures.fit),
        captures.scenes(captures.fit),
        captures.l1_paths,
        pairs=-(-spec.stability_subsamples // 2),
        permuted=min(PERMUTED, spec.permutations),
        seed=spec.seed,
        fits=captures.encoder.fits,
    )
    tick(1, 1)
    points = [row for layer, stability in selections.items() for row in _points(layer, spec.tokens, stability)]
    frequencies = [row for layer, stability in selections.items() for row in _frequencies(layer, spec.tokens, stability)]
    return pd.DataFrame(points, columns=COLUMNS), pd.DataFrame(frequencies, columns=FREQUENCY_COLUMNS)


def _points(layer: int, tokens: str, stability: Stability) -> list[dict[str, object]]:
    return [
        {
            "layer": layer,
            "tokens": tokens,
            "strength": point.strength,
            "support": point.support,
            "support_low": point.support_low,
            "support_high": point.support_high,
            "subsamples": stability.halves,
            "selected": point.selected,
            "stable": point.stable,
            "threshold": stability.threshold,
            "false_bound": point.false_bound,
            "permuted_support": point.permuted_support,
            "chosen": place == stability.chosen,
        }
        for place, point in enumerate(stability.points)
    ]


def _frequencies(layer: int, tokens: str, stability: Stability) -> list[dict[str, object]]:
    if stability.chosen is None:
        return []
    return [
        {"layer": layer, "tokens": tokens, "coordinate": coordinate, "frequency": frequency}
        for coordinate, frequency in enumerate(stability.points[stability.chosen].frequencies.tolist())
    ]
