"""A subspace's causal effect beside its control's: difference, excess, ratio, percentile and p, scenes and draws resampled together."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan

import numpy as np
from jaxtyping import Float

from jepascope.errors import BadArgument
from jepascope.stats.bootstrap import (
    LEVEL,
    RESAMPLES,
    Array,
    Interval,
    bootstrap_weights,
    expanded_level,
    finite,
    joint_level,
    percentile_interval,
)
from jepascope.stats.few import reaches_zero, widened
from jepascope.stats.nulls import p_value, percentile_in_null
from jepascope.stats.variates import Variate, adjusted

MIN_DRAWS = 10
"""Fewer draws of a control than this carry no interval, ratio, percentile or p: 3 resampled draws cover in 63-90 % of cases, not 95."""

OUTSIDE_DRAWS = 20
"""Fewer draws cannot say that a subspace lies outside them: of 1 + draws exchangeable ones it is the largest too often."""


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

    With fewer than OUTSIDE_DRAWS draws ``excess`` is NaN. With fewer than MIN_DRAWS only ``effect`` is an interval: ``control`` then
    holds the mean, the least and the largest draw, and everything that compares the two is NaN.

    ``correlation``: of the draws' effects with a surrogate of them (NaN without one); ``worth``: how many plain draws would give the
    control's mean as small a standard error (see ``variates.adjusted``).
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
    correlation: float = nan
    worth: float = nan


def causal_effect_ratio(
    numerator: Float[Array, " scenes"],
    denominator: Float[Array, " scenes"],
    control: Float[Array, "draws scenes"],
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    fixed: bool = False,
    variate: Variate | None = None,
) -> EffectRatio:
    """CE of a subspace over the mean CE of its control (docs/science.md, effects), scenes and draws resampled together.

    ``numerator`` and ``control`` hold the change of margin under the subspace's edit and under each draw of the control;
    ``denominator`` what they are shares of (clean margin, or what the real twin changes). CE = sum / sum. All NaN when the
    denominator's own interval reaches zero: the judge then reads nothing that could be lost or moved.

    ``fixed``: nothing in the control is random, and its one draw is all there is: only scenes are resampled, control, difference and
    ratio get intervals, and there is neither a place among draws nor an excess.

    ``variate``: a surrogate of the draws. The control's mean, and what is made of it (difference, ratio), are then those of the draws
    adjusted by it where it follows them; percentile, p and excess are places among draws as they were run.
    """
    numerator, denominator = finite("numerator", numerator, 1), finite("denominator", denominator, 1)
    control = finite("control", control, 2)
    scenes, draws = len(numerator), len(control)
    if not scenes == len(denominator) == control.shape[1]:
        raise BadArgument(f"Effects must be of the same scenes, not {scenes}, {len(denominator)} and {control.shape[1]}.")
    by_scene, by_draw = bootstrap_weights(scenes, resamples, rng), bootstrap_weights(draws, resamples, rng)
    below = by_scene @ denominator
    nothing = Interval(nan, nan, nan, scenes)
    if reaches_zero(denominator, below):
        return EffectRatio(nothing, nothing, nothing, nothing, nothing, False, nan, nan, draws)
    effects = by_scene @ numerator / below
    wider = expanded_level(level, scenes)
    effect = percentile_interval(float(numerator.sum() / denominator.sum()), effects, scenes, wider)
    # each scene's and each draw's share in the two, to first order: what says how far the one or the other limits an interval
    of_scene = (numerator - effect.value * denominator) / denominator.sum()
    effect = widened(effect, of_scene, level=level, margins=denominator)
    null = control.sum(axis=1) / denominator.sum()
    if fixed and draws != 1:
        raise BadArgument(f"A control in which nothing is random has one draw, not {draws}.")
    if draws < MIN_DRAWS and not fixed:
        span = Interval(float(null.mean()), float(null.min()), float(null.max()), scenes)
        return EffectRatio(effect, span, nothing, nothing, nothing, False, nan, nan, draws)
    single = by_scene @ control.T / below[:, None]
    given = None if variate is None or fixed else adjusted(control, variate)
    closer, of_one = (control, single) if given is None or not given.used else (given.draws, by_scene @ given.draws.T / below[:, None])
    controls = (of_one * by_draw).sum(axis=1) / draws
    means = closer.sum(axis=1) / denominator.sum()
    of_mean = (closer.mean(axis=0) - means.mean() * denominator) / denominator.sum()
    of_draw = (means - means.mean()) / draws
    against = percentile_interval(float(means.mean()), controls, scenes, _level(level, of_mean, of_draw))
    against = widened(against, of_mean, of_draw, level, margins=denominator)
    differing = _level(level, of_scene - of_mean, of_draw)
    difference = percentile_interval(effect.value - against.value, effects - controls, scenes, differing)
    difference = widened(difference, of_scene - of_mean, of_draw, level, margins=denominator)
    # every draw is the new one equally often: resamples are exchangeable, so this is a uniform pick without its noise
    new_draw = single[np.arange(resamples), np.arange(resamples) % draws]
    excess = percentile_interval(difference.value, effects - new_draw, scenes, wider) if draws >= OUTSIDE_DRAWS else nothing
    excess = widened(excess, of_scene - of_mean, (null - null.mean()) / np.sqrt(draws), level, margins=denominator)
    is_bound = against.low <= 0 <= against.high
    if is_bound:
        ratio = _lower_bound(effect, against)
    elif against.high < 0:
        ratio = nothing
    else:
        dividing = _level(level, against.value * of_scene - effect.value * of_mean, effect.value * of_draw)
        ratio = _ratio(effect, against, effects, controls, dividing)
        through = (against.value * of_scene - effect.value * of_mean) / against.value**2
        ratio = widened(ratio, through, effect.value * of_draw / against.value**2, level, margins=denominator)
    if fixed:
        return EffectRatio(effect, against, difference, excess, ratio, is_bound, nan, nan, draws)
    place, p = percentile_in_null(effect.value, null), p_value(effect.value, null)
    said = (nan, float(draws)) if given is None else (given.correlation, given.worth)
    return EffectRatio(effect, against, difference, excess, ratio, is_bound, place, p, draws, *said)


def _level(level: float, of_scene: Float[Array, " scenes"], of_draw: Float[Array, " draws"]) -> float:
    """``joint_level`` of a quantity, given the influence of every scene and of every draw on it, in any unit."""
    parts = (of_scene, of_draw)
    return joint_level(level, [float(np.square(part).sum()) for part in parts], [len(part) for part in parts])


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
