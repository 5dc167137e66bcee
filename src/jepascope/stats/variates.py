"""Control variates: the mean of a control from few draws that were run, and many that a cheap surrogate of theirs was asked about."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt

import numpy as np
from jaxtyping import Float

from jepascope.errors import BadArgument
from jepascope.stats.bootstrap import Array, finite

MIN_CORRELATION = 0.5
"""A surrogate that follows the draws less closely than this is not used: it could only add its own noise."""

FEWEST = 4  # draws: a slope that leaves one of them out rests on three


@dataclass(frozen=True)
class Variate:
    """A surrogate of a control's effect, scene by scene: ``values`` of the draws that were run, ``expected`` of ``many`` that were not (or
    of all there are, with ``many`` infinite)."""

    values: Float[Array, "draws scenes"]
    expected: Float[Array, " scenes"]
    many: float


@dataclass(frozen=True)
class Adjusted:
    """Draws of a control less what the surrogate says of them, with the mean of ``many`` in its place: their mean is that of the control,
    and they lie closer together.

    ``correlation``: of effect and surrogate over the draws, both summed over scenes (NaN where it cannot be had). ``worth``: how many
    plain draws give the mean as small a standard error. Where the surrogate is not used ``draws`` are the plain ones, and worth as many.
    """

    draws: Float[Array, "draws scenes"]
    correlation: float
    worth: float
    used: bool


def adjusted(control: Float[Array, "draws scenes"], variate: Variate) -> Adjusted:
    """Regression on the surrogate, its slope for each draw from all the others (cross-fitting), so that the mean stays unbiased.

    y_d - b_(-d) (s_d - mu), with mu the surrogate's mean over many draws. What mu misses of the true mean is given back as spread, so that
    who resamples draws sees it. (Control variates: Owen, Monte Carlo theory, 2013, section 8.9.) BadArgument for other shapes.
    """
    control, values = finite("control", control, 2), finite("surrogate", variate.values, 2)
    expected = finite("the surrogate's mean", variate.expected, 1)
    draws, scenes = control.shape
    if values.shape != control.shape or len(expected) != scenes:
        raise BadArgument(f"A surrogate of {control.shape} effects needs as many values, not {values.shape}, and {scenes} means.")
    correlation = _correlation(control.sum(axis=1), values.sum(axis=1))
    if draws < FEWEST or not correlation >= MIN_CORRELATION:
        return Adjusted(control, correlation, float(draws), used=False)
    slopes = _slopes_without(control.sum(axis=1), values.sum(axis=1))
    closer = control - slopes[:, None] * (values - expected)
    mean = closer.mean(axis=0)
    plain = float(control.sum(axis=1).var(ddof=1))
    left = float(closer.sum(axis=1).var(ddof=1)) / draws
    missed = float(slopes.mean() ** 2 * values.sum(axis=1).var(ddof=1)) / variate.many
    if left <= 0:  # the surrogate says all there is to say
        return Adjusted(closer, correlation, plain / missed if missed > 0 else float("inf"), used=True)
    spread = mean + (closer - mean) * sqrt(1 + missed / left)
    return Adjusted(spread, correlation, plain / (left + missed), used=True)


def _correlation(effects: Float[Array, " draws"], surrogate: Float[Array, " draws"]) -> float:
    if len(effects) < FEWEST or not (np.ptp(effects) > 0 and np.ptp(surrogate) > 0):
        return nan
    return float(np.corrcoef(effects, surrogate)[0, 1])


def _slopes_without(effects: Float[Array, " draws"], surrogate: Float[Array, " draws"]) -> Float[Array, " draws"]:
    """Of each draw: the least-squares slope of all the others. 0 where these do not differ."""
    n = len(effects)
    y, s = effects - effects.mean(), surrogate - surrogate.mean()
    # sums of squares and products about the mean of the others, when one is taken out
    apart = n / (n - 1)
    products, squares = (y * s).sum() - apart * y * s, np.square(s).sum() - apart * np.square(s)
    slopes: Float[Array, " draws"] = np.divide(products, squares, out=np.zeros(n), where=squares > 1e-12 * np.square(s).sum())
    return slopes
