"""Intervals, permutation percentiles and corrections: every number on screen gets its uncertainty here.

All bootstraps resample whole scenes (and, where a control is involved, its draws as well) by multinomial counts, so that a
resampled sum is one row of a matrix product. Intervals are percentile intervals (Efron & Tibshirani 1993, chapter 13).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, nan, sqrt
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int

from jepascope.errors import BadArgument, BadData

RESAMPLES = 2000
LEVEL = 0.95

MIN_DRAWS = 10
"""Fewer draws of a control than this carry no interval, ratio, percentile or p: 3 resampled draws cover in 63-90 % of cases, not 95."""

Array = np.ndarray


@dataclass(frozen=True)
class Interval:
    """A value, the ends of its interval, and the number of units (clips, scenes, draws) that it rests on."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class EffectRatio:
    """A subspace's causal effect beside its control's, on the same scenes.

    ``difference`` asks whether the subspace lies above the *mean* of the control; a subspace that is just another draw does so
    half of the time. ``excess`` has the same value and is the interval of the effect minus one *new* draw: its lower end above
    zero says that the subspace lies outside the control's distribution. No rule can be wrong about that less often than once in
    1 + draws (the subspace is the largest of so many exchangeable ones), so 20 draws are the fewest that hold it to 5 %.

    ``is_bound``: the control's mean effect is not distinguishable from zero. ``ratio.value`` is then a lower bound (the lower
    end of the subspace's effect over the upper end of the control's) and ``ratio.high`` infinite; all NaN when the subspace's
    effect is not above zero either. A control whose mean effect lies below zero has no ratio (NaN); the difference says it.
    ``percentile`` (0..100) places the effect among the single draws; ``p`` is one-sided, (1 + draws >= effect) / (1 + draws).

    With fewer than MIN_DRAWS draws only ``effect`` is an interval: ``control`` then holds the mean, the least and the largest
    draw, and everything that compares the two is NaN.
    """

    effect: Interval
    control: Interval
    difference: Interval
    excess: Interval
    ratio: Interval
    is_bound: bool
    percentile: float
    p: float
    draws: int


def bootstrap_weights(n: int, resamples: int, rng: np.random.Generator) -> Int[Array, "resamples n"]:
    """How often each of n units occurs in each resample of size n (rows sum to n)."""
    if n < 1 or resamples < 1:
        raise BadArgument(f"A bootstrap needs at least one unit and one resample, not {n} and {resamples}.")
    return rng.multinomial(n, np.full(n, 1 / n), size=resamples)


def proportion(successes: int, n: int, level: float = LEVEL) -> Interval:
    """A share with its Wilson (1927) score interval, which stays inside 0..1 and has width at 0 and at n."""
    if not 0 <= successes <= n or n == 0:
        raise BadArgument(f"A proportion needs 0 <= successes <= n and n >= 1, not {successes} of {n}.")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = successes / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # the ends are exactly 0 and 1 there, which rounding would miss
    return Interval(share, 0.0 if successes == 0 else middle - half, 1.0 if successes == n else middle + half, n)


def scene_weights(
    n: int, rng: np.random.Generator, scenes: Int[Array, " units"] | None = None, resamples: int = RESAMPLES
) -> Float[Array, "resamples units"]:
    """How often each of n units occurs in each resample of whole scenes; without ``scenes`` every unit is its own."""
    if scenes is None:
        return bootstrap_weights(n, resamples, rng).astype(np.float64)
    if len(scenes) != n:
        raise BadArgument(f"There are {n} values but {len(scenes)} scene ids; pass one scene id a value.")
    ids, index = np.unique(scenes, return_inverse=True)
    return bootstrap_weights(len(ids), resamples, rng).astype(np.float64)[:, index]


def mean_interval(values: Float[Array, " units"], weights: Float[Array, "resamples units"], level: float = LEVEL) -> Interval:
    """A mean with its bootstrap interval; ``weights`` from ``scene_weights``. ``n`` counts units."""
    values = _finite("values", values, 1)
    return _interval(float(values.mean()), weights @ values / weights.sum(axis=1), len(values), level)


def r_squared(
    true: Float[Array, "units outputs"],
    predicted: Float[Array, "units outputs"],
    weights: Float[Array, "resamples units"],
    level: float = LEVEL,
    about: Float[Array, " outputs"] | None = None,
) -> Interval:
    """1 - sum |true - predicted|^2 / sum |true - about|^2 over all outputs, with its bootstrap interval.

    ``about`` is the constant guess that has R^2 0: out of sample the mean of the units fitted to (Campbell & Thompson 2008). Without
    it, the mean of the units scored (of each resample its own), which is hindsight: every constant guess then lies below zero.
    NaN where the true values do not vary about it.
    """
    true, predicted = _finite("true", true, 2), _finite("predicted", predicted, 2)
    if true.shape != predicted.shape:
        raise BadArgument(f"True and predicted values must have one shape, not {true.shape} and {predicted.shape}.")
    centred = true - (true.mean(axis=0) if about is None else _finite("about", about, 1))
    spread = float(np.square(centred).sum())
    if spread <= 0:
        return Interval(nan, nan, nan, len(true))
    missed = np.square(true - predicted).sum(axis=1)
    total = weights @ np.square(centred).sum(axis=1)
    if about is None:
        # the spread about each resample's own mean
        total = total - np.square(weights @ centred).sum(axis=1) / weights.sum(axis=1)
    # a resample of one value only has no R^2; it is as good as never when there are more than a few units
    varied = total > 1e-12 * spread
    return _interval(float(1 - missed.sum() / spread), 1 - (weights @ missed)[varied] / total[varied], len(true), level)


def null_bound(null: Float[Array, " draws"], level: float = LEVEL) -> float:
    """The ceil(level x (draws + 1))-th smallest draw: one more exchangeable draw lies above it in at most 1 - level of cases.

    (Phipson & Smyth 2010.) Draws of the largest of many statistics make it hold for all of them at once (Westfall & Young 1993).
    Fewer than level / (1 - level) draws cannot bound anything, and give NaN.
    """
    null = _finite("null", null, 1)
    # the tolerance is for 0.95 x 20, which is 19 and not a little more
    rank = ceil(level * (len(null) + 1) - 1e-9)
    return float(np.sort(null)[rank - 1]) if rank <= len(null) else nan


def ratio_of_means(
    numerator: Float[Array, " scenes"],
    denominator: Float[Array, " scenes"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """sum(numerator) / sum(denominator) with its bootstrap interval over scenes, which are kept paired.

    A scene is the unit: several conditions of one scene are summed before they come here. When the denominator's own
    interval reaches zero the ratio means nothing, and value and ends are NaN.
    """
    numerator, denominator = _finite("numerator", numerator, 1), _finite("denominator", denominator, 1)
    if len(numerator) != len(denominator):
        raise BadArgument(f"Numerator and denominator must be of the same scenes, not {len(numerator)} and {len(denominator)}.")
    weights = bootstrap_weights(len(numerator), resamples, rng)
    below = weights @ denominator
    if _reaches_zero(below, level):
        return Interval(nan, nan, nan, len(numerator))
    return _interval(float(numerator.sum() / denominator.sum()), weights @ numerator / below, len(numerator), level)


def causal_effect_ratio(
    numerator: Float[Array, " scenes"],
    denominator: Float[Array, " scenes"],
    control: Float[Array, "draws scenes"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> EffectRatio:
    """CE of a subspace over the mean CE of its control (docs/science.md, effects), scenes and draws resampled together.

    ``numerator`` and ``control`` hold the change of margin under the subspace's edit and under each draw of the control;
    ``denominator`` what they are shares of (clean margin, or what the real twin changes). CE = sum / sum. All NaN when the
    denominator's own interval reaches zero: the judge then reads nothing that could be lost or moved.
    """
    numerator, denominator = _finite("numerator", numerator, 1), _finite("denominator", denominator, 1)
    control = _finite("control", control, 2)
    scenes, draws = len(numerator), len(control)
    if not scenes == len(denominator) == control.shape[1]:
        raise BadArgument(f"Effects must be of the same scenes, not {scenes}, {len(denominator)} and {control.shape[1]}.")
    by_scene, by_draw = bootstrap_weights(scenes, resamples, rng), bootstrap_weights(draws, resamples, rng)
    below = by_scene @ denominator
    nothing = Interval(nan, nan, nan, scenes)
    if _reaches_zero(below, level):
        return EffectRatio(nothing, nothing, nothing, nothing, nothing, False, nan, nan, draws)
    effects = by_scene @ numerator / below
    effect = _interval(float(numerator.sum() / denominator.sum()), effects, scenes, level)
    null = control.sum(axis=1) / denominator.sum()
    if draws < MIN_DRAWS:
        span = Interval(float(null.mean()), float(null.min()), float(null.max()), scenes)
        return EffectRatio(effect, span, nothing, nothing, nothing, False, nan, nan, draws)
    single = by_scene @ control.T / below[:, None]
    controls = (single * by_draw).sum(axis=1) / draws
    against = _interval(float(null.mean()), controls, scenes, level)
    difference = _interval(effect.value - against.value, effects - controls, scenes, level)
    # every draw is the new one equally often: resamples are exchangeable, so this is a uniform pick without its noise
    one = single[np.arange(resamples), np.arange(resamples) % draws]
    excess = _interval(difference.value, effects - one, scenes, level)
    is_bound = against.low <= 0 <= against.high
    ratio = (
        _lower_bound(effect, against) if is_bound else nothing if against.high < 0 else _ratio(effect, against, effects, controls, level)
    )
    place = percentile_in_null(effect.value, null)
    return EffectRatio(effect, against, difference, excess, ratio, is_bound, place, p_value(effect.value, null), draws)


def percentile_in_null(value: float, null: Float[Array, " draws"]) -> float:
    """Where a value lies among draws of the null, 0..100 (ties count half)."""
    null = _finite("null", null, 1)
    return float(100 * ((null < value).sum() + 0.5 * (null == value).sum()) / len(null))


def p_value(value: float, null: Float[Array, " draws"]) -> float:
    """(1 + #{null >= value}) / (1 + draws): one-sided, never zero (Phipson & Smyth 2010)."""
    null = _finite("null", null, 1)
    return float((1 + (null >= value).sum()) / (1 + len(null)))


def holm(p: Sequence[float] | Float[Array, " tests"]) -> Float[Array, " tests"]:
    """Holm's (1979) step-down adjusted p values, in the order given; NaN (a test that could not be made) stays NaN."""
    given = np.asarray(p, dtype=np.float64)
    adjusted = np.full(given.shape, nan)
    order = np.argsort(given)[: int(np.isfinite(given).sum())]
    steps = given[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _interval(value: float, resampled: Array, n: int, level: float) -> Interval:
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), n)


def _lower_bound(effect: Interval, against: Interval) -> Interval:
    """The least ratio that both intervals admit, when the control's holds zero."""
    if effect.low <= 0:
        return Interval(nan, nan, nan, effect.n)
    bound = effect.low / against.high if against.high > 0 else inf
    return Interval(bound, bound, inf, effect.n)


def _ratio(effect: Interval, against: Interval, effects: Array, controls: Array, level: float) -> Interval:
    """Resamples in which the control has no effect belong to the upper tail where the subspace has one, else to the lower."""
    beyond = np.where(effects > 0, inf, -inf)
    ratios = np.divide(effects, controls, out=beyond, where=controls > 0)
    # outward order statistics: interpolating between infinities is undefined
    low = float(np.quantile(ratios, (1 - level) / 2, method="lower"))
    high = float(np.quantile(ratios, (1 + level) / 2, method="higher"))
    return Interval(effect.value / against.value, low, high, effect.n)


def _reaches_zero(resampled: Array, level: float) -> bool:
    return bool(np.quantile(resampled, (1 - level) / 2) <= 0) or bool((resampled == 0).any())


def _finite(name: str, values: Array, dimensions: int) -> Float[Array, ...]:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != dimensions or values.size == 0:
        raise BadArgument(f"'{name}' must be a non-empty array of {dimensions} dimension(s), not of shape {values.shape}.")
    if not np.isfinite(values).all():
        raise BadData(f"'{name}' holds NaN or infinite values, so it has no interval; drop or repair those scenes first.")
    return values
