"""Intervals cover, ratios are what they say, corrections are Holm's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.errors import BadArgument, BadData
from jepascope.stats import (
    MIN_DRAWS,
    bootstrap_weights,
    causal_effect_ratio,
    equivalence,
    expanded_level,
    holm,
    joint_level,
    mean_interval,
    null_bound,
    p_value,
    percentile_in_null,
    proportion,
    r_squared,
    ratio_of_means,
    scene_weights,
)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(n=st.integers(1, 40), resamples=st.integers(1, 20))
def test_every_resample_has_as_many_units_as_there_are(n: int, resamples: int) -> None:
    weights = bootstrap_weights(n, resamples, generator())
    assert weights.shape == (resamples, n)
    assert (weights.sum(axis=1) == n).all() and (weights >= 0).all()


@given(n=st.integers(1, 500), share=st.floats(0, 1))
def test_wilson_holds_the_share_inside_zero_and_one(n: int, share: float) -> None:
    found = proportion(round(n * share), n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_wilson_is_the_published_interval() -> None:
    from scipy.stats import binomtest

    oracle = binomtest(37, 50).proportion_ci(method="wilson")
    found = proportion(37, 50)
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))


def test_bootstrap_intervals_cover_the_mean_about_as_often_as_they_say() -> None:
    rng = generator(1)
    hits = [(i := ratio_of_means(rng.normal(2.0, 1.0, 50), np.ones(50), rng, resamples=400)).low <= 2.0 <= i.high for _ in range(300)]
    assert 0.89 <= np.mean(hits) <= 0.985


def test_ratio_intervals_cover_the_true_ratio() -> None:
    rng = generator(2)
    hits = []
    for _ in range(300):
        below = rng.normal(4.0, 1.0, 60)
        found = ratio_of_means(0.5 * below + rng.normal(0, 1.0, 60), below, rng, resamples=400)
        hits.append(found.low <= 0.5 <= found.high)
    assert 0.89 <= np.mean(hits) <= 0.985


def test_an_effect_that_is_the_same_share_in_every_scene_has_no_width() -> None:
    below = generator(3).uniform(1, 2, 30)
    found = ratio_of_means(0.7 * below, below, generator())
    assert (found.value, found.low, found.high) == pytest.approx((0.7, 0.7, 0.7))
    assert found.n == 30


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


def test_the_same_seed_gives_the_same_interval() -> None:
    values = generator(8).normal(size=30)
    first, again = (ratio_of_means(values, np.ones(30), generator(9)) for _ in range(2))
    assert first == again


def test_p_is_never_zero_and_uniform_under_the_null() -> None:
    null = np.arange(19.0)
    assert p_value(100.0, null) == pytest.approx(1 / 20)
    assert p_value(-1.0, null) == 1
    # each of 20 exchangeable values gets another p: exactly 1/20, ..., 20/20
    values = generator(10).normal(size=20)
    found = sorted(p_value(values[i], np.delete(values, i)) for i in range(20))
    assert found == pytest.approx([(i + 1) / 20 for i in range(20)])


def test_the_percentile_counts_ties_half() -> None:
    assert percentile_in_null(1.0, np.array([0.0, 1.0, 1.0, 2.0])) == 50
    assert percentile_in_null(9.0, np.arange(4.0)) == 100


def test_holm_is_the_textbook_example_and_leaves_missing_tests_missing() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = holm([0.01, math.nan, 0.03])
    assert found[[0, 2]].tolist() == pytest.approx([0.02, 0.03]) and math.isnan(found[1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_lies_between_the_raw_p_and_bonferroni_and_keeps_the_order(p: list[float]) -> None:
    found, raw = holm(p), np.array(p)
    assert (found >= raw).all() and (found <= np.minimum(1, raw * len(p)) + 1e-12).all()
    assert (np.diff(found[np.argsort(raw, kind="stable")]) >= 0).all()


def test_bad_input_is_refused_in_a_sentence() -> None:
    with pytest.raises(BadArgument, match="0 <= successes"):
        proportion(3, 2)
    with pytest.raises(BadData, match="NaN or infinite"):
        ratio_of_means(np.array([1.0, np.nan]), np.ones(2), generator())
    with pytest.raises(BadData, match="'control' holds NaN"):
        causal_effect_ratio(np.ones(3), np.ones(3), np.full((2, 3), np.nan), generator())
    with pytest.raises(BadArgument, match="at least one unit"):
        bootstrap_weights(0, 10, generator())
    with pytest.raises(BadArgument, match="non-empty"):
        p_value(1.0, np.array([]))


def test_a_mean_of_units_that_share_scenes_is_as_uncertain_as_its_scenes() -> None:
    rng = generator(3)
    once = rng.normal(0.0, 1.0, 60)
    alone = mean_interval(once, scene_weights(60, generator(0)))
    copied = mean_interval(np.repeat(once, 4), scene_weights(240, generator(0), np.repeat(np.arange(60), 4)))
    assert (copied.value, copied.low, copied.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert (alone.n, copied.n) == (60, 240)
    assert alone.high - alone.low == pytest.approx(2 * 1.96 * once.std() / math.sqrt(60), rel=0.1)


def test_r_squared_is_scikit_learns_and_covers() -> None:
    from sklearn.metrics import r2_score

    rng = generator(4)
    hits = []
    for _ in range(200):
        true = rng.normal(size=(80, 1))
        predicted = true + rng.normal(0.0, 0.5, true.shape)
        found = r_squared(true, predicted, scene_weights(80, rng, resamples=300))
        assert found.value == pytest.approx(r2_score(true, predicted))
        hits.append(found.low <= 0.75 <= found.high)
    assert 0.87 <= np.mean(hits) <= 0.99
    several = rng.normal(size=(50, 2)) * [1, 3]
    noisy = several + rng.normal(size=several.shape)
    weights = scene_weights(50, rng)
    assert r_squared(several, noisy, weights).value == pytest.approx(r2_score(several, noisy, multioutput="variance_weighted"))
    assert math.isnan(r_squared(np.ones((50, 1)), np.ones((50, 1)), weights).value)


def test_out_of_sample_the_constant_that_was_fitted_has_r_squared_zero() -> None:
    rng = generator(5)
    true, weights = rng.normal(size=(50, 1)), scene_weights(50, rng)
    about = np.array([0.4])
    constant = np.full_like(true, 0.4)
    found = r_squared(true, constant, weights, about=about)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert r_squared(true, constant, weights).high < 0  # in hindsight the same guess is worse than itself
    read = true + 0.5 * rng.normal(size=true.shape)
    by_hand = 1 - np.square(true - read).sum() / np.square(true - 0.4).sum()
    assert r_squared(true, read, weights, about=about).value == pytest.approx(by_hand)


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


@given(units=st.integers(2, 500), level=st.floats(0.5, 0.99))
def test_expanding_makes_up_for_few_units_and_vanishes_with_many(units: int, level: float) -> None:
    assert level < expanded_level(level, units) < 1.0 + 1e-12
    assert expanded_level(level, units + 1) < expanded_level(level, units) + 1e-12
    assert expanded_level(level, 10**7) == pytest.approx(level, abs=1e-6)


def test_the_expanded_interval_of_a_normal_mean_is_students() -> None:
    # with its quantiles in place of resampled ones: mean +- z' s sqrt((n - 1) / n) / sqrt(n) is mean +- t s / sqrt(n)
    from scipy.stats import norm, t

    for n in (5, 20, 40):
        z = norm.ppf(0.5 + expanded_level(0.95, n) / 2)
        assert z * math.sqrt((n - 1) / n) == pytest.approx(t.ppf(0.975, n - 1))


@given(first=st.floats(0.01, 100), second=st.floats(0.01, 100), units=st.tuples(st.integers(2, 60), st.integers(2, 60)))
def test_two_samples_are_expanded_as_welch_would(first: float, second: float, units: tuple[int, int]) -> None:
    found = joint_level(0.95, (first, second), units)
    assert found == pytest.approx(joint_level(0.95, (7 * first, 7 * second), units))  # in any unit
    assert found <= expanded_level(0.95, min(units)) + 1e-12  # never wider than the smaller sample alone
    assert joint_level(0.95, (first, 0.0), units) == pytest.approx(expanded_level(0.95, units[0]))


def test_the_degrees_of_freedom_are_those_of_welchs_test() -> None:
    from scipy.stats import norm, t, ttest_ind

    rng = generator(25)
    a, b = rng.normal(0, 1, 12), rng.normal(0, 3, 7)
    welch = ttest_ind(a, b, equal_var=False)
    variances = (a.var() / 12, b.var() / 7)  # what resampling gives
    z = norm.ppf(0.5 + joint_level(0.95, variances, (12, 7)) / 2)
    unbiased = a.var(ddof=1) / 12 + b.var(ddof=1) / 7
    assert z * math.sqrt(sum(variances)) == pytest.approx(t.ppf(0.975, welch.df) * math.sqrt(unbiased))


def test_one_unit_has_no_interval() -> None:
    assert math.isnan(expanded_level(0.95, 1))
    assert math.isnan(ratio_of_means(np.ones(1), np.ones(1), generator()).value)


@pytest.mark.slow
def test_intervals_of_few_skewed_draws_cover_about_as_often_as_they_say() -> None:
    # draws as of random planes (gamma, shape 2) and no noise of scenes; the plain percentile interval covers in about 90 %
    rng, hits, below = generator(26), 0, np.ones(40)
    for _ in range(600):
        found = causal_effect_ratio(0.5 * below, below, rng.gamma(2, 0.5, (20, 1)) * below, rng, resamples=400)
        hits += found.control.low <= 1 <= found.control.high
    assert 0.92 <= hits / 600 <= 0.98


def test_a_paired_difference_is_the_mean_of_differences() -> None:
    rng = generator(28)
    before = rng.normal(10, 5, 60)
    after = before + 0.5 + rng.normal(0, 0.1, 60)
    weights = scene_weights(60, rng)
    assert 0.4 < mean_interval(after - before, weights).low < 0.5 < mean_interval(after, weights).high - before.mean()


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
