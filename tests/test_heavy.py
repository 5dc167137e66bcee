"""Heavy tails: found by the margins, warned of in every study that has them, and covered; benign studies keep their intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.stats import LEVEL, bootstrap_weights, effective_scenes, expanded_level, heavy_tailed, ratio_of_means, top_share
from jepascope.stats.bootstrap import percentile_interval
from jepascope.stats.heavy import led_by_few


def study(rng: np.random.Generator, scenes: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    below = rng.lognormal(-0.125, 0.5, scenes)
    below[:large] *= 10
    return below * (0.5 + 0.3 * rng.standard_t(5, scenes)), below


def test_scenes_of_equal_margin_all_count_and_one_alone_counts_as_one() -> None:
    assert effective_scenes(np.full(20, -3.0)) == pytest.approx(20) and top_share(np.ones(20)) == pytest.approx(0.1)
    assert effective_scenes(np.r_[1.0, np.zeros(19)]) == 1 and top_share(np.r_[1.0, np.zeros(19)]) == 1
    assert np.isnan(effective_scenes(np.zeros(3))) and not heavy_tailed(np.zeros(3))


@given(st.integers(0, 10**6), st.integers(3, 30))
@settings(max_examples=30)
def test_variance_and_freedom_are_those_of_the_residuals_covariance(seed: int, n: int) -> None:
    margins = np.random.default_rng(seed).lognormal(0, 1, n)
    maker = np.eye(n) - np.outer(margins, np.ones(n)) / margins.sum()
    covariance = maker @ np.diag(margins**2) @ maker.T
    variance, freedom = led_by_few(np.ones(n), margins)
    assert variance == pytest.approx(n * np.square(margins).sum() / np.trace(covariance))
    assert freedom == pytest.approx(np.trace(covariance) ** 2 / np.square(covariance).sum())


@pytest.mark.parametrize(("scenes", "large"), [(16, 2), (40, 4)])
def test_a_tenth_of_scenes_at_ten_times_the_margin_is_covered_and_warned_of(scenes: int, large: int) -> None:
    held = warned = 0
    for seed in range(300):
        rng = np.random.default_rng([seed, scenes])
        own, below = study(rng, scenes, large)
        interval = ratio_of_means(own, below, rng, resamples=300)
        held, warned = held + (interval.low <= 0.5 <= interval.high), warned + heavy_tailed(below)
    assert held >= 0.9 * 300 and warned >= 0.95 * 300


def test_benign_studies_are_seldom_warned_of_and_keep_their_intervals_to_the_last_bit() -> None:
    warned = 0
    for seed in range(300):
        own, below = study(np.random.default_rng(seed), 40, 0)
        warned += heavy_tailed(below)
        if not heavy_tailed(below):
            weights = bootstrap_weights(40, 200, np.random.default_rng(1))
            plain = percentile_interval(own.sum() / below.sum(), weights @ own / (weights @ below), 40, expanded_level(LEVEL, 40))
            assert ratio_of_means(own, below, np.random.default_rng(1), 200) == plain
    assert warned <= 0.05 * 300


def test_the_interval_of_few_scenes_that_count_is_wider() -> None:
    rng = np.random.default_rng(0)
    own, below = study(rng, 40, 4)
    weights = bootstrap_weights(40, 2000, np.random.default_rng(1))
    low, high = np.quantile(weights @ own / (weights @ below), [0.025, 0.975])
    interval = ratio_of_means(own, below, np.random.default_rng(1))
    assert interval.low < low and interval.high > high
