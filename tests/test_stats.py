"""Intervals cover, ratios are what they say, corrections are Holm's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.errors import BadArgument, BadData
from jepascope.stats import (
    bootstrap_weights,
    causal_effect_ratio,
    expanded_level,
    holm,
    joint_level,
    mean_interval,
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


def test_a_paired_difference_is_the_mean_of_differences() -> None:
    rng = generator(28)
    before = rng.normal(10, 5, 60)
    after = before + 0.5 + rng.normal(0, 0.1, 60)
    weights = scene_weights(60, rng)
    assert 0.4 < mean_interval(after - before, weights).low < 0.5 < mean_interval(after, weights).high - before.mean()
