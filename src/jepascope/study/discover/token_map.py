"""A reader of every token position at the layer that claims are made for -> token_map.parquet."""

from __future__ import annotations

import numpy as np
import pandas as pd

from jepascope.activations.activations import Activations
from jepascope.discovery.probes.token_maps import FEWEST_DRAWS, TokenMap, TokenRange, token_accuracy, token_r_squared
from jepascope.stats import scene_weights
from jepascope.study.captures import Captures
from jepascope.study.discover.probed import Target
from jepascope.study.spec import StudySpec


def run_token_map(captures: Captures, layer: int) -> pd.DataFrame:
    """Fit and test clips pass once more: of most of them no tokens were kept."""
    return token_table(token_activations(captures, layer), layer, Target.of(captures.clips, captures.spec.variable), captures.spec)


def token_activations(captures: Captures, layer: int) -> Activations:
    """Fit and test clips with their tokens at one layer."""
    return captures.capture(captures.probed_clips, "capture tokens for the map", sites=(layer,))


def token_table(activations: Activations, layer: int, target: Target, spec: StudySpec) -> pd.DataFrame:
    """``activations`` hold the target's fit and test clips. Accuracy on classes, or R^2 for a numeric variable.

    At least 20 draws of permuted labels, whatever the spec says: fewer bound nothing.
    """
    card, where = activations.encoder_card, f"layer {layer}"
    fit, test = (tokens_of(activations.split(split), layer) for split in ("fit", "test"))
    draws, scenes = max(FEWEST_DRAWS, spec.permutations), target.fit_scenes
    if target.variable.kind == "numeric" and target.fit_values is not None and target.test_values is not None:
        weights = scene_weights(len(target.test), np.random.default_rng(spec.seed), target.test_scenes.numpy(), spec.resamples)
        scored = token_r_squared(fit, test, card.places, target.fit_values, target.test_values, weights, draws, spec.seed, where, scenes)
    else:
        held = target.test_scenes
        scored = token_accuracy(fit, test, card.places, target.fit_labels, target.test_labels, draws, spec.seed, where, scenes, held)
    return _table(scored, layer, card.grid)


def tokens_of(activations: Activations, layer: int) -> TokenRange:
    """Read from the store when asked for, so that a large model's tokens are never in memory together."""
    return lambda start, stop: activations.tokens(layer, span=slice(start, stop)).float()


def _table(scored: TokenMap, layer: int, grid: tuple[int, int, int]) -> pd.DataFrame:
    times, rows, columns = np.unravel_index(np.arange(len(scored.scores)), grid)  # time-major, as V-JEPA orders tokens
    return pd.DataFrame(
        {
            "layer": layer,
            "tokens": "each",
            "token": np.arange(len(scored.scores)),
            "t": times,
            "row": rows,
            "column": columns,
            "accuracy": [score.value for score in scored.scores],
            "low": [score.low for score in scored.scores],
            "high": [score.high for score in scored.scores],
            "n": [score.n for score in scored.scores],
            "chance": scored.chance,
            "metric": scored.metric,
            "null": scored.null,
            "draws": len(scored.maxima),
        }
    )
