"""Similarity: how alike two encoders represent the same clips, beside what pairs of unrelated clips and shared classes alone give."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.errors import BadArgument, BadData
from jepascope.stats import LEVEL, Interval

SHUFFLES = 100
"""Random pairings behind each chance level."""

FEWEST_CLIPS = 20
"""Fewer clips than this fit no comparison of encoders: even PCA-reduced, they would leave fewer than five clips for each of four axes."""


@dataclass(frozen=True)
class Similarity:
    """A similarity with its 95 % interval over ``n`` clips, after PCA to ``components`` (0: none), beside two chance levels.

    ``chance`` is the mean over pairs shuffled at random, ``chance_low`` and ``chance_high`` their middle 95 %: what encoders give that
    share nothing. ``label_chance`` (with ``label_low``, ``label_high``) is the same with pairs shuffled within classes: what the classes
    alone explain, for a clip is then paired with another clip of its class. NaN where no classes were given. The chance ranges are of
    one shuffled pairing, as ``value`` is of one true one; the interval is of the clips scored, with what was fitted held fixed.
    """

    value: float
    low: float
    high: float
    n: int
    components: int
    chance: float
    chance_low: float
    chance_high: float
    label_chance: float
    label_low: float
    label_high: float

    @classmethod
    def beside(
        cls,
        interval: Interval,
        components: int,
        shuffled: Float[np.ndarray, " draws"],
        in_class: Float[np.ndarray, " draws"] | None,
    ) -> Similarity:
        """A value beside those of its shuffled pairings."""
        return cls(*interval.ends, interval.n, components, *_mean_and_range(shuffled), *_mean_and_range(in_class))


def pair_shuffles(
    clips: int, draws: int, rng: np.random.Generator, classes: Int[Tensor, " clips"] | None = None
) -> Int[Tensor, "draws clips"]:
    """Random pairings: clip i of the one side is paired with clip ``[draw, i]`` of the other. With ``classes``, one of the same class.

    A clip that is alone in its class keeps its partner; where that holds for all, nothing can be shuffled (BadData).
    """
    if draws < 1:
        raise BadArgument(f"A chance level needs at least one shuffled pairing, not {draws}.")
    keys = rng.random((draws, clips))
    if classes is None:
        return torch.from_numpy(np.argsort(keys, axis=1))
    if len(classes) != clips:
        raise BadArgument(f"There are {clips} pairs of clips but {len(classes)} classes; pass one class a pair.")
    known, index = np.unique(classes.cpu().numpy(), return_inverse=True)
    if len(known) == clips:
        raise BadData("Every clip has a class of its own, so pairs cannot be shuffled within classes; leave the classes out.")
    orders = np.empty((draws, clips), dtype=np.int64)
    # both sort by class; the keys, from 0 to 1, shuffle inside one
    orders[:, np.argsort(index, kind="stable")] = np.argsort(index + keys, axis=1)
    return torch.from_numpy(orders)


def check_pairs(x: Float[Tensor, "clips _"], y: Float[Tensor, "clips_y _"], what: str, fewest: int = FEWEST_CLIPS) -> None:
    """Refuse activations of other clips, of too few, with NaN or infinite values, or the same for every clip."""
    if len(x) != len(y):
        raise BadArgument(f"{what}: {len(x)} clips cannot be paired with {len(y)}; give the two encoders the same clips in one order.")
    if len(x) < fewest:
        raise BadData(f"{what}: {len(x)} clips are too few to compare two encoders; at least {fewest} are needed, so add clips.")
    for side, values in (("first", x), ("second", y)):
        if not bool(torch.isfinite(values).all()):
            raise BadData(f"{what}: the {side} activations hold NaN or infinite values; capture them again in float32.")
        if bool((values == values[:1]).all()):
            raise BadData(f"{what}: the {side} activations are the same for every clip, so there is nothing to compare; check the capture.")


def _mean_and_range(draws: Float[np.ndarray, " draws"] | None) -> tuple[float, float, float]:
    if draws is None:
        return nan, nan, nan
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(draws.mean()), float(low), float(high)
