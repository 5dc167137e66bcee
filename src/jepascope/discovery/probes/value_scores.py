"""How well values (angles, speeds, positions) are read: error in the variable's own unit, beside the best constant guess, and R^2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.probes.circular import CHANCE, decoded_angle, mean_circular_error
from jepascope.stats import LEVEL, Interval, mean_interval, r_squared


@dataclass(frozen=True)
class ValueScore:
    """Of one output, on clips that the probe never saw.

    ``error``: mean absolute error, in degrees for an angle. ``chance``: that of the best constant guess (the median of the clips
    fitted to; 90 degrees for an angle). ``r2`` of an angle is that of (cos, sin) together. Intervals: bootstrap,
    by ``weights`` from ``stats.scene_weights`` (one draw of them serves every layer and probe).
    """

    error: Interval
    chance: float
    r2: Interval


def score_angle(
    true: Float[Tensor, "clips 2"],
    predicted: Float[Tensor, "clips 2"],
    weights: Float[np.ndarray, "resamples clips"],
    level: float = LEVEL,
) -> ValueScore:
    """Of (cos, sin) and what a probe gave for them."""
    error = mean_circular_error(decoded_angle(true), decoded_angle(predicted), weights, level)
    return ValueScore(error, CHANCE, r_squared(true.double().numpy(), predicted.double().numpy(), weights, level))


def score_number(
    true: Float[Tensor, " clips"],
    predicted: Float[Tensor, " clips"],
    fitted: Float[Tensor, " fit"],
    weights: Float[np.ndarray, "resamples clips"],
    level: float = LEVEL,
) -> ValueScore:
    """Of one number; ``fitted`` are its values in the clips that the probe was fitted to."""
    y, read = true.double(), predicted.double()
    error = mean_interval((y - read).abs().numpy(), weights, level)
    constant = float((y - fitted.double().quantile(0.5)).abs().mean())
    return ValueScore(error, constant, r_squared(y[:, None].numpy(), read[:, None].numpy(), weights, level))
