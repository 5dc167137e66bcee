"""An effect beside its controls: the ratio of the two, the draws that it lies among or outside, and when it is shown to be none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.errors import BadArgument
from jepascope.stats import (
    MIN_DRAWS,
    causal_effect_ratio,
    equivalence,
    null_bound,
    ratio_of_means,
)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_causal_effect_ratio_is_the_ratio_of_the_two_effects() -> None:
    rng = generator(4)
    below = rng.uniform(1, 3, 80)
    found = causal_effect_ratio(0.8 * below, below, np.stack([0.2 * below, 0.4 * below] * 10), rng)
    assert found.effect.value == pytest.approx(0.8)
    assert found.control.value == pytest.approx(0.3)
    assert found.ratio.value == pytest.approx(0.8 / 0.3)
    assert found.difference.value == pytest.approx(0.5)
    assert found.ratio.low < found.ratio.value < found.ratio.high and not found.is_bound
    assert (found.percentile, found.p, found.draws, found.effect.n) == (100, pytest.approx(1 / 21), 20, 80)


def test_resampling_draws_widens_the_controls_interval_where_draws_differ() -> None:
    below = generator(5).uniform(1, 3, 200)
    same = causal_effect_ratio(0.8 * below, below, np.stack([0.3 * below] * 10), generator())
    apart = causal_effect_ratio(0.8 * below, below, np.stack([s * below for s in np.linspace(0.1, 0.5, 10)]), generator())
    assert same.control.value == pytest.approx(apart.control.value)
    assert apart.control.high - apart.control.low > 0.05 > same.control.high - same.control.low


def test_a_control_indistinguishable_from_zero_makes_the_ratio_a_lower_bound() -> None:
    rng = generator(6)
    below = rng.uniform(1, 3, 80)
    found = causal_effect_ratio(0.8 * below, below, rng.normal(0, 0.2, (20, 80)), rng)
    assert found.control.low <= 0 <= found.control.high
    assert found.is_bound and math.isinf(found.ratio.high)
    assert found.ratio.value == pytest.approx(found.effect.low / found.control.high)
    exact = causal_effect_ratio(0.8 * below, below, np.zeros((20, 80)), rng)
    assert exact.is_bound and math.isinf(exact.ratio.value)
    neither = causal_effect_ratio(rng.normal(0, 0.2, 80), below, rng.normal(0, 0.2, (20, 80)), rng)
    assert neither.is_bound and math.isnan(neither.ratio.value)


def test_there_is_no_ratio_to_a_control_that_works_the_other_way() -> None:
    rng = generator(11)
    below = rng.uniform(1, 3, 80)
    found = causal_effect_ratio(0.8 * below, below, -0.3 * below + rng.normal(0, 0.2, (20, 80)), rng)
    assert found.control.high < 0 < found.difference.low
    assert math.isnan(found.ratio.value) and not found.is_bound


def test_a_resample_whose_control_has_no_effect_is_a_large_ratio_not_a_negative_one() -> None:
    rng = generator(12)
    below = rng.uniform(1, 3, 40)
    draws = np.stack([s * below for s in [0.0] * 9 + [-0.1] + [1.0] * 3])  # the mean is positive, many resamples are near zero
    seen = [causal_effect_ratio(0.8 * below, below, np.roll(draws, i, axis=0), generator(i), resamples=400) for i in range(5)]
    assert all(not math.isnan(f.ratio.low) and f.ratio.low > 0.8 for f in seen)
    close = np.stack([s * below for s in [0.0] * 9 + [-0.03] + [1.0] * 3])
    found = causal_effect_ratio(0.8 * below, below, close, generator(), resamples=1000, level=0.9)
    assert found.control.low > 0 and 0.8 < found.ratio.low < found.ratio.value < found.ratio.high


def exchangeable(rng: np.random.Generator, scenes: int = 40, draws: int = 20, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Numerators of 1 + draws subspaces from one distribution of effects, and the denominators: row 0 is 'the finder's'."""
    below = rng.uniform(1, 3, scenes)
    return rng.normal(0.3, 0.1, (1 + draws, 1)) * below + rng.normal(0, noise, (1 + draws, scenes)), below


@pytest.mark.parametrize("seed", [0, 1])
def test_a_subspace_that_is_just_another_draw_is_rarely_called_outside_them(seed: int) -> None:
    rng, outside, above = generator(seed), 0, 0
    for _ in range(300):
        numerators, below = exchangeable(rng, noise=0.6)
        found = causal_effect_ratio(numerators[0], below, numerators[1:], rng, resamples=200)
        outside += found.excess.low > 0
        above += found.difference.low > 0
    assert outside / 300 <= 0.05
    assert above / 300 > 0.1  # why the difference from the mean cannot carry that claim


def test_a_subspace_far_from_its_draws_is_called_outside_them() -> None:
    rng = generator(13)
    numerators, below = exchangeable(rng)
    found = causal_effect_ratio(0.8 * below, below, numerators[1:], rng)
    assert 0 < found.excess.low < found.difference.low and found.excess.value == found.difference.value


def test_intervals_of_the_ratio_to_a_control_cover_it() -> None:
    rng, hits = generator(14), []
    for _ in range(300):
        numerators, below = exchangeable(rng)
        found = causal_effect_ratio(0.8 * below + rng.normal(0, 0.3, 40), below, numerators[1:], rng, resamples=300)
        hits.append(found.ratio.low <= 0.8 / 0.3 <= found.ratio.high)
    assert 0.88 <= np.mean(hits) <= 0.985


@pytest.mark.parametrize("draws", [1, 3, MIN_DRAWS - 1])
def test_few_draws_are_shown_as_they_are_and_compared_with_nothing(draws: int) -> None:
    numerators, below = exchangeable(generator(15), draws=draws)
    found = causal_effect_ratio(0.8 * below, below, numerators[1:], generator())
    singles = numerators[1:].sum(axis=1) / below.sum()
    assert (found.control.value, found.control.low, found.control.high) == pytest.approx((singles.mean(), singles.min(), singles.max()))
    assert found.effect.value == pytest.approx(0.8) and found.draws == draws and not found.is_bound
    compared = (
        found.difference.value,
        found.difference.low,
        found.excess.low,
        found.ratio.value,
        found.ratio.high,
        found.p,
        found.percentile,
    )
    assert all(math.isnan(value) for value in compared)
    enough, below = exchangeable(generator(15), draws=MIN_DRAWS)
    assert causal_effect_ratio(0.8 * below, below, enough[1:], generator()).p == 1 / (1 + MIN_DRAWS)


def test_without_a_readable_denominator_there_is_no_effect() -> None:
    rng = generator(7)
    below = rng.normal(0, 1, 40)
    below -= below.mean()
    found = causal_effect_ratio(np.ones(40), below, np.ones((5, 40)), rng)
    assert all(math.isnan(v) for v in (found.effect.value, found.ratio.value, found.p, found.difference.low))
    assert math.isnan(ratio_of_means(np.ones(40), below, rng).value)


@given(draws=st.integers(19, 60))
def test_one_more_draw_of_the_null_exceeds_its_bound_in_at_most_five_percent_of_cases(draws: int) -> None:
    ranks = np.arange(draws + 1, dtype=np.float64)
    # exchangeable: each of the draws + 1 values is the new one equally often
    above = [value > null_bound(np.delete(ranks, i)) for i, value in enumerate(ranks)]
    assert np.mean(above) <= 0.05 + 1e-12
    assert np.mean(above) > 0.05 - 1 / (draws + 1)


def test_too_few_draws_bound_nothing() -> None:
    assert math.isnan(null_bound(np.arange(18.0)))
    assert null_bound(np.arange(19.0)) == 18


def test_no_effect_and_little_noise_is_shown_to_be_none() -> None:
    rng = generator(20)
    below = rng.uniform(1, 3, 40)
    found = equivalence(rng.normal(0, 0.05, 40), below, 0.05, rng)
    assert found.equivalent and -0.05 < found.low < 0 < found.high < 0.05
    assert (found.margin, found.n) == (0.05, 40)
    exact = equivalence(np.zeros(40), below, 1e-9, rng)
    assert exact.equivalent and (exact.value, exact.low, exact.high) == (0, 0, 0)


@given(effect=st.floats(0.05, 2.0), sign=st.sampled_from([-1, 1]), noise=st.floats(0, 1))
def test_an_effect_of_the_margin_or_more_is_never_called_none_where_it_is_measured_as_such(effect: float, sign: int, noise: float) -> None:
    rng = generator(21)
    below = rng.uniform(1, 3, 40)
    error = rng.normal(0, noise, 40)
    error -= below * error.sum() / below.sum()  # the effect measured is the effect
    assert not equivalence(sign * effect * below + error, below, 0.05, rng, resamples=200).equivalent


def test_a_wide_interval_shows_nothing_either_way() -> None:
    rng = generator(22)
    below = rng.uniform(1, 3, 40)
    numerator = rng.normal(0, 3.0, 40)
    found, effect = equivalence(numerator, below, 0.05, rng), ratio_of_means(numerator, below, rng)
    assert not found.equivalent
    assert effect.low < 0 < effect.high  # not equivalent does not mean different
    small = 0.02 * below + rng.normal(0, 0.02, 40)
    assert ratio_of_means(small, below, rng).low > 0 and equivalence(small, below, 0.05, rng).equivalent  # and both can be true


@pytest.mark.parametrize("effect", [-0.1, 0.1])
def test_at_its_margin_an_effect_is_called_none_in_at_most_five_percent_of_cases(effect: float) -> None:
    rng, called = generator(23), 0
    for _ in range(400):
        below = rng.uniform(1, 3, 40)
        called += equivalence(effect * below + rng.normal(0, 0.3, 40), below, 0.1, rng, resamples=300).equivalent
    assert called <= 400 * 0.05 + 3.1 * math.sqrt(400 * 0.05 * 0.95)


def test_equivalence_is_interval_inclusion_at_ninety_percent() -> None:
    rng = generator(24)
    below = rng.uniform(1, 3, 40)
    numerator = 0.03 * below + rng.normal(0, 0.1, 40)
    interval = ratio_of_means(numerator, below, generator(1), level=0.90)
    found = equivalence(numerator, below, 0.05, generator(1))
    assert (found.low, found.high) == (interval.low, interval.high)
    assert equivalence(numerator, below, interval.high + 1e-9, generator(1)).equivalent
    assert not equivalence(numerator, below, interval.high, generator(1)).equivalent


def test_without_a_readable_denominator_nothing_is_shown_to_be_none() -> None:
    below = generator(7).normal(0, 1, 40)
    found = equivalence(np.zeros(40), below - below.mean(), 0.05, generator())
    assert not found.equivalent and math.isnan(found.value) and math.isnan(found.low)
    with pytest.raises(BadArgument, match="margin must be a number above 0"):
        equivalence(np.ones(4), np.ones(4), 0.0, generator())
    with pytest.raises(BadArgument, match="error rate"):
        equivalence(np.ones(4), np.ones(4), 0.1, generator(), alpha=0.5)


@pytest.mark.slow
def test_intervals_of_few_skewed_draws_cover_about_as_often_as_they_say() -> None:
    # draws as of random planes (gamma, shape 2) and no noise of scenes; the plain percentile interval covers in about 90 %
    rng, hits, below = generator(26), 0, np.ones(40)
    for _ in range(600):
        found = causal_effect_ratio(0.5 * below, below, rng.gamma(2, 0.5, (20, 1)) * below, rng, resamples=400)
        hits += found.control.low <= 1 <= found.control.high
    assert 0.92 <= hits / 600 <= 0.98


def test_a_control_in_which_nothing_is_random_is_compared_over_scenes_alone() -> None:
    rng = np.random.default_rng(0)
    below = rng.uniform(1, 2, 40)
    own, fixed = 0.6 * below + 0.1 * rng.standard_normal(40), 0.3 * below + 0.1 * rng.standard_normal(40)
    found = causal_effect_ratio(own, below, fixed[None], np.random.default_rng(1), fixed=True)
    assert found.control == ratio_of_means(fixed, below, np.random.default_rng(1))
    assert found.difference.low > 0 and found.ratio.low < 2 < found.ratio.high and found.draws == 1
    assert np.isnan([found.percentile, found.p, found.excess.low]).all()
    itself = causal_effect_ratio(own, below, own[None], np.random.default_rng(1), fixed=True)
    assert itself.difference.low == itself.difference.high == 0.0
    with pytest.raises(BadArgument, match="has one draw, not 2"):
        causal_effect_ratio(own, below, np.stack([fixed, own]), np.random.default_rng(1), fixed=True)
