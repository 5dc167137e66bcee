"""Control variates: unbiased, narrower where the surrogate follows the draws, and left alone where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from jepascope.errors import BadArgument
from jepascope.stats import Variate, adjusted, causal_effect_ratio

SCENES, MANY = 30, 4000


def drawn(rng: np.random.Generator, draws: int, correlation: float) -> tuple[np.ndarray, Variate, float]:
    """Skewed effects of a control, a surrogate of the wrong size that follows them, and the mean of the effects' sums."""
    shares, size = rng.gamma(2.0, 0.5, SCENES), rng.gamma(2.0, 1.0, draws) - 2.0
    other = rng.standard_normal(draws) * np.sqrt(2.0)
    surrogate = 0.4 * (correlation * size + np.sqrt(1 - correlation**2) * other)
    effects = 1.0 + size[:, None] * shares + 0.1 * rng.standard_normal((draws, SCENES))
    expected = 3.0 * np.ones(SCENES)  # the surrogate's mean has nothing to do with the effects'
    return effects, Variate(expected + surrogate[:, None] * shares, expected, MANY), float(SCENES)


@pytest.mark.parametrize("correlation", [0.7, 0.95])
def test_the_mean_is_the_same_and_its_error_is_what_is_said(correlation: float) -> None:
    rng, plain, closer, worth = np.random.default_rng(1), [], [], []
    for _ in range(600):
        effects, variate, mean = drawn(rng, 20, correlation)
        given = adjusted(effects, variate)
        plain.append(effects.sum(axis=1).mean() - mean)
        closer.append(given.draws.sum(axis=1).mean() - mean)
        worth.append(given.worth)
    error = np.std(closer) / np.sqrt(len(closer))
    assert abs(np.mean(closer)) < 3.5 * error
    gain = np.var(plain) / np.var(closer)
    assert gain > 0.8 / (1 - correlation**2)
    assert 20 * gain == pytest.approx(np.median(worth), rel=0.35)


def test_a_surrogate_that_does_not_follow_is_not_used() -> None:
    effects, variate, _ = drawn(np.random.default_rng(2), 40, 0.0)
    given = adjusted(effects, variate)
    assert not given.used and given.correlation < 0.5 and given.worth == 40
    np.testing.assert_array_equal(given.draws, effects)
    inverted = adjusted(effects, Variate(-effects, -effects.mean(axis=0), MANY))
    assert not inverted.used and inverted.correlation == pytest.approx(-1)


def test_one_that_says_all_leaves_only_what_its_own_mean_misses() -> None:
    effects, _, mean = drawn(np.random.default_rng(3), 12, 0.9)
    given = adjusted(effects, Variate(2.0 * effects, np.full(SCENES, 2.0), float("inf")))
    assert given.worth > 1e6
    assert given.draws.sum(axis=1) == pytest.approx(mean)


@pytest.mark.parametrize("draws", [1, 3])
def test_too_few_draws_have_no_slope(draws: int) -> None:
    effects, variate, _ = drawn(np.random.default_rng(4), draws, 0.99)
    given = adjusted(effects, variate)
    assert not given.used and np.isnan(given.correlation)


def test_draws_that_coincide_have_no_slope() -> None:
    effects = np.ones((20, SCENES))
    given = adjusted(effects, Variate(effects, effects[0], MANY))
    assert not given.used and np.isnan(given.correlation)


def test_a_surrogate_of_other_scenes_is_refused() -> None:
    effects, variate, _ = drawn(np.random.default_rng(5), 20, 0.9)
    with pytest.raises(BadArgument, match="as many values"):
        adjusted(effects, Variate(variate.values[:, 1:], variate.expected[1:], MANY))


def test_places_among_draws_are_those_of_the_draws_that_were_run() -> None:
    rng = np.random.default_rng(6)
    effects, variate, _ = drawn(rng, 40, 0.95)
    own, below = rng.gamma(2.0, 1.0, SCENES), np.full(SCENES, 3.0)
    plain, given = (causal_effect_ratio(own, below, effects, np.random.default_rng(0), variate=one) for one in (None, variate))
    assert (given.percentile, given.p, given.draws) == (plain.percentile, plain.p, 40)
    assert given.excess.high - given.excess.low == pytest.approx(plain.excess.high - plain.excess.low)
    assert given.control.high - given.control.low < 0.7 * (plain.control.high - plain.control.low)
    assert given.effect == plain.effect
    assert given.worth > 4 * 40 > plain.worth == 40


@pytest.mark.parametrize("correlation", [0.6, 0.95])
def test_intervals_of_the_mean_cover(correlation: float) -> None:
    """Scenes are held fixed by making them all alike: what is left is the draws."""
    rng, held, trials = np.random.default_rng(7), 0, 300
    for _ in range(trials):
        effects, variate, mean = drawn(rng, 30, correlation)
        total, surrogate = effects.sum(axis=1, keepdims=True) / SCENES, variate.values.sum(axis=1, keepdims=True) / SCENES
        alike = Variate(np.repeat(surrogate, SCENES, 1), np.full(SCENES, variate.expected.mean()), MANY)
        given = causal_effect_ratio(np.ones(SCENES), np.ones(SCENES), np.repeat(total, SCENES, 1), rng, 400, variate=alike)
        held += given.control.low <= mean / SCENES <= given.control.high
    assert 0.91 <= held / trials <= 0.99
