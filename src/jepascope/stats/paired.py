"""The difference of two shares that were measured on the same scenes: paired, so that what scenes have in common falls out of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan

import numpy as np
from jaxtyping import Float

from jepascope.errors import BadArgument
from jepascope.stats.bootstrap import (
    LEVEL,
    NOTHING,
    RESAMPLES,
    Array,
    Interval,
    bootstrap_weights,
    finite,
    joint_level,
    percentile_interval,
)
from jepascope.stats.few import reaches_zero, widened
from jepascope.stats.fits import Refitted, of_the_encoder
from jepascope.stats.inverted import p_of_interval


@dataclass(frozen=True)
class Share:
    """sum(numerator) / sum(denominator) over scenes: an effect, an accuracy (right clips of all), a mean error. With ``control``, less the
    mean of its draws, each a share of the same denominator. ``refitted``: the same made anew, where it was."""

    numerator: Float[Array, " scenes"]
    denominator: Float[Array, " scenes"]
    control: Float[Array, "draws scenes"] | None = None
    refitted: tuple[Refitted, ...] = ()

    @property
    def value(self) -> float:
        """Of all scenes; NaN where the denominator sums to zero."""
        own = self.numerator if self.control is None else self.numerator - self.control.mean(axis=0)
        below = float(self.denominator.sum())
        return float(own.sum()) / below if below else nan

    def at(self, scenes: Array) -> Share:
        """Of some of its scenes, by their places."""
        control = None if self.control is None else self.control[:, scenes]
        return Share(self.numerator[scenes], self.denominator[scenes], control, self.refitted)


@dataclass(frozen=True)
class Difference:
    """One value less another, with its interval and the p of no difference that belongs to it; ``of_encoder``: whether the interval holds
    what re-fits change, or is of these subspaces and read-outs alone."""

    interval: Interval
    p: float
    of_encoder: bool = False


UNKNOWN = Difference(NOTHING, nan)


def paired_difference(a: Share, b: Share, rng: np.random.Generator, resamples: int = RESAMPLES, level: float = LEVEL) -> Difference:
    """a - b on the same scenes, in the same order. Scenes are resampled once for both; draws of controls for each (percentile bootstrap,
    expanded as ``joint_level`` has it, widened for few or uneven scenes); re-fits, where both
    have some, count as independent.

    Nothing is known where either denominator reaches zero, or of fewer than two scenes. BadArgument for other scenes.
    """
    scenes = len(a.numerator)
    if scenes != len(b.numerator):
        raise BadArgument(f"A paired difference is of the same scenes, not of {scenes} and {len(b.numerator)}.")
    weights = bootstrap_weights(scenes, resamples, rng) if scenes > 1 else np.zeros((0, scenes), dtype=np.int64)
    parts = [_parts(share, weights, rng) for share in (a, b)] if scenes > 1 else [None]
    if (one := parts[0]) is None or (other := parts[-1]) is None:
        return UNKNOWN
    value, resampled, of_scene = a.value - b.value, one.resampled - other.resampled, one.of_scene - other.of_scene
    samples = [of_scene, one.of_draw, other.of_draw]
    variances, units = [float(np.square(part).sum()) for part in samples], [len(part) for part in samples]
    refitted = [*a.refitted, *b.refitted] if a.refitted and b.refitted else []

    def interval_at(wanted: float) -> Interval:
        interval = percentile_interval(value, resampled, scenes, joint_level(wanted, variances, units))
        for share in (a, b):
            interval = widened(interval, of_scene, np.concatenate(samples[1:]), wanted, margins=share.denominator)
        wider = of_the_encoder(interval, refitted, level=wanted)
        return interval if np.isnan(wider.low) else wider

    of_encoder = not np.isnan(of_the_encoder(interval_at(level), refitted, level=level).low)
    return Difference(interval_at(level), p_of_interval(interval_at, 2 / (1 + resamples)), of_encoder)


@dataclass(frozen=True)
class _Parts:
    """A share in every resample, and what each scene and each draw of its control contributes to it, to first order."""

    resampled: Float[Array, " resamples"]
    of_scene: Float[Array, " scenes"]
    of_draw: Float[Array, " draws"]


def _parts(share: Share, weights: Array, rng: np.random.Generator) -> _Parts | None:
    numerator, denominator = finite("numerator", share.numerator, 1), finite("denominator", share.denominator, 1)
    below = weights @ denominator
    if reaches_zero(denominator, below):
        return None
    total, resampled, own = denominator.sum(), weights @ numerator / below, numerator
    of_draw = np.zeros(1)
    if share.control is not None:
        control = finite("control", share.control, 2)
        draws, single = len(control), weights @ control.T / below[:, None]
        means = control.sum(axis=1) / total
        resampled = resampled - (single * bootstrap_weights(draws, len(weights), rng)).sum(axis=1) / draws
        own, of_draw = numerator - control.mean(axis=0), (means - means.mean()) / draws
    return _Parts(resampled, (own - share.value * denominator) / total, of_draw)
