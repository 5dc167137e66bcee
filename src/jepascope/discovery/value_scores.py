"""How well values (angles, speeds, positions) are read: error in the variable's own unit, beside the best constant guess, and R^2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.circular import CHANCE, decoded_angle, mean_circular_error
from jepascope.stats import LEVEL, RESAMPLES, Interval, mean_interval, r_squared


@dataclass(frozen=True)
class ValueScore:
    """Of one output, on clips that the probe never saw.

    ``error``: mean absolute error, in degrees for an angle. ``chance``: that of the best constant guess (the median of the clips
    fitted to; 90 degrees for an angle). ``r2`` of an angle is that of (cos, sin) together. Intervals: bootstrap over scenes.
    """

    error: Interval
    chance: float
    r2: Interval


def score_angle(
    true: Float[Tensor, "clips 2"],
    predicted: Float[Tensor, "clips 2"],
    scenes: Int[Tensor, " clips"] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> ValueScore:
    """Of (cos, sin) and what a probe gave for them."""
    error = mean_circular_error(decoded_angle(true), decoded_angle(predicted), _rng(seed), scenes, resamples, level)
    return ValueScore(error, CHANCE, _r_squared(true, predicted, scenes, seed, resamples, level))


def score_number(
    true: Float[Tensor, " clips"],
    predicted: Float[Tensor, " clips"],
    fitted: Float[Tensor, " fit"],
    scenes: Int[Tensor, " clips"] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> ValueScore:
    """Of one number; ``fitted`` are its values in the clips that the probe was fitted to."""
    missed = (true.double() - predicted.double()).abs().numpy()
    error = mean_interval(missed, _rng(seed), None if scenes is None else scenes.numpy(), resamples, level)
    constant = float((true.double() - fitted.double().quantile(0.5)).abs().mean())
    return ValueScore(error, constant, _r_squared(true[:, None], predicted[:, None], scenes, seed, resamples, level))


def _r_squared(true: Tensor, predicted: Tensor, scenes: Tensor | None, seed: int, resamples: int, level: float) -> Interval:
    groups = None if scenes is None else scenes.numpy()
    return r_squared(true.double().numpy(), predicted.double().numpy(), _rng(seed), groups, resamples, level)


def _rng(seed: int) -> np.random.Generator:
    """The same resamples of scenes for every layer and probe, so that their intervals can be compared."""
    return np.random.default_rng(seed)
