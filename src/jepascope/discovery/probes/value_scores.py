"""How well values (angles, speeds, positions) are read: error in the variable's own unit, beside the best constant guess, and R^2."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.probes.circular import FEWEST_ARCS, circular_errors, circular_median, decoded_angle, mean_circular_error
from jepascope.stats import LEVEL, Interval, expanded_level, mean_interval, r_squared

RANDOM = 90.0  # degrees: mean error of an angle taken at random, whatever the true ones


@dataclass(frozen=True)
class ValueScore:
    """Of one output, on clips that the probe never saw.

    ``error``: mean absolute error, in degrees for an angle. ``chance``: the error of the best constant guess, which is the median of
    the clips fitted to (of angles the circular one, and never more than the 90 degrees of a random angle). ``r2``: out of sample, 0 for
    the *mean* of the clips fitted to; of an angle that of (cos, sin) together. Each measure thus has its own best constant.
    Intervals: bootstrap, by ``weights`` from ``stats.scene_weights`` (one draw of them serves every layer and probe).
    """

    error: Interval
    chance: float
    r2: Interval


@dataclass(frozen=True)
class ArcScore:
    """Of an angle on arcs that the probe never saw, in degrees; intervals resample whole arcs.

    ``gap``: error less that on held-out clips, clip by clip. There is no R^2: less the mean of what was shown (``held_out_arcs``) a
    reading has an angle, but not the length of (cos, sin).
    """

    error: Interval
    gap: Interval


def score_angle(
    true: Float[Tensor, "clips 2"],
    predicted: Float[Tensor, "clips 2"],
    fitted: Float[Tensor, "fit 2"],
    weights: Float[np.ndarray, "resamples clips"],
    level: float = LEVEL,
) -> ValueScore:
    """Of (cos, sin) and what a probe gave for them; ``fitted`` are those of the clips that the probe was fitted to."""
    error = mean_circular_error(decoded_angle(true), decoded_angle(predicted), weights, level)
    about = fitted.double().mean(dim=0).numpy()
    return ValueScore(
        error, constant_error(true, fitted), r_squared(true.double().numpy(), predicted.double().numpy(), weights, level, about)
    )


def constant_error(true: Float[Tensor, "clips 2"], fitted: Float[Tensor, "fit 2"]) -> float:
    """Degrees: every clip read as the circular median of the clips fitted to, or as any angle at random, which has 90, if that is less.

    (The median of clips that are not the clips scored may do worse than chance on them.)
    """
    angles = decoded_angle(true)
    return min(RANDOM, float(circular_errors(angles, circular_median(decoded_angle(fitted)).expand(len(angles))).mean()))


def score_arcs(
    true: Float[Tensor, "clips 2"],
    predicted: Float[Tensor, "clips 2"],
    inside: Float[Tensor, "clips 2"],
    arc: Int[Tensor, " clips"],
    weights: Float[np.ndarray, "resamples clips"],
    level: float = LEVEL,
) -> ArcScore:
    """Of (cos, sin), what probes that never saw the arc gave, and what one that saw it gave (``inside``).

    ``weights`` from ``stats.scene_weights`` with ``arc``, the arc of each clip, for scenes. Intervals are widened as arcs are few;
    fewer than 4 give none.
    """
    angles = decoded_angle(true)
    outside, within = (circular_errors(angles, decoded_angle(read)).numpy() for read in (predicted, inside))
    arcs = len(arc.unique())
    wider = expanded_level(level, max(arcs, FEWEST_ARCS))
    error, gap = (mean_interval(values, weights, wider) for values in (outside, outside - within))
    if arcs < FEWEST_ARCS:
        return ArcScore(Interval(error.value, nan, nan, error.n), Interval(gap.value, nan, nan, gap.n))
    return ArcScore(error, gap)


def score_number(
    true: Float[Tensor, " clips"],
    predicted: Float[Tensor, " clips"],
    fitted: Float[Tensor, " fit"],
    weights: Float[np.ndarray, "resamples clips"],
    level: float = LEVEL,
) -> ValueScore:
    """Of one number; ``fitted`` are its values in the clips that the probe was fitted to."""
    y, read, known = true.double(), predicted.double(), fitted.double()
    error = mean_interval((y - read).abs().numpy(), weights, level)
    constant = float((y - known.quantile(0.5)).abs().mean())
    about = known.mean(dim=0, keepdim=True).numpy()
    return ValueScore(error, constant, r_squared(y[:, None].numpy(), read[:, None].numpy(), weights, level, about))
