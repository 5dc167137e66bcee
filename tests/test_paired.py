"""Differences on the same scenes: pairing, antisymmetry, coverage, and a p that never disagrees with its interval."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from jepascope.errors import BadArgument
from jepascope.stats import Refitted, Share, p_of_interval, paired_difference, side, student


def share(rng: np.random.Generator, common: np.ndarray, effect: float, noise: float = 0.3, draws: int = 0) -> Share:
    """A share of about ``effect`` on scenes that have something in common."""
    below = 5 + np.abs(common)
    scenes = len(common)
    control = 0.1 * below + 0.2 * rng.standard_normal((draws, scenes)) if draws else None
    return Share(effect * below + common + noise * rng.standard_normal(scenes), below, control)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_p_of_students_interval_is_students() -> None:
    values = rng_of(0).normal(0.4, 1, 9)
    assert p_of_interval(lambda level: student(list(values), level)) == pytest.approx(scipy_stats.ttest_1samp(values, 0).pvalue, rel=1e-6)
    low, high = scipy_stats.ttest_1samp(values, 0).confidence_interval()
    assert (student(list(values)).low, student(list(values)).high) == (pytest.approx(low), pytest.approx(high))
    assert math.isnan(p_of_interval(lambda level: student([0.4], level)))
    assert student([0.9, 1.0], bounds=(0, 1)).ends == (pytest.approx(0.95), pytest.approx(0.95 - 0.635, abs=1e-3), 1)


@pytest.mark.parametrize("draws", [0, 1, 30])
def test_a_difference_turned_round_changes_its_sign_alone(draws: int) -> None:
    common = rng_of(1).standard_normal(40)
    a, b = share(rng_of(2), common, 0.5, draws=draws), share(rng_of(3), common, 0.4, draws=draws)
    one, other = paired_difference(a, b, rng_of(4)), paired_difference(b, a, rng_of(4))
    assert one.interval.value == pytest.approx(a.value - b.value) == pytest.approx(-other.interval.value)
    tolerance = 0.1 * (one.interval.high - one.interval.low)  # draws of the two are resampled in another order
    assert one.interval.low == pytest.approx(-other.interval.high, abs=1e-12 if draws < 2 else tolerance)


def test_nothing_differs_from_itself() -> None:
    a = share(rng_of(5), rng_of(1).standard_normal(40), 0.5)
    same = paired_difference(a, a, rng_of(0))
    assert same.interval.ends == (0, 0, 0) and same.p == 1


def test_what_scenes_have_in_common_falls_out() -> None:
    common = 2 * rng_of(1).standard_normal(40)
    a, b = share(rng_of(2), common, 0.5), share(rng_of(3), common, 0.45)
    paired = paired_difference(a, b, rng_of(0)).interval
    shuffled = paired_difference(a, b.at(rng_of(6).permutation(40)), rng_of(0)).interval
    assert paired.high - paired.low < 0.5 * (shuffled.high - shuffled.low)


@pytest.mark.parametrize("seed", range(12))
def test_p_and_interval_never_disagree(seed: int) -> None:
    rng = rng_of(seed)
    common = rng.standard_normal(6 if seed % 3 == 0 else 30)
    refitted = (Refitted(rng.normal(0.5, 0.01, 8)),) if seed % 2 else ()
    a = share(rng, common, 0.5 + 0.02 * (seed % 4), draws=20 * (seed % 2))
    b = share(rng, common, 0.5)
    made = paired_difference(Share(a.numerator, a.denominator, a.control, refitted), Share(b.numerator, b.denominator, None, refitted), rng)
    assert (made.p < 0.05) == (side(made.interval.low, made.interval.high) != "across")
    assert made.of_encoder == bool(refitted)


def test_refits_and_draws_widen_the_interval() -> None:
    common = rng_of(1).standard_normal(40)
    a, b = share(rng_of(2), common, 0.5, draws=20), share(rng_of(3), common, 0.4)
    anew = (Refitted(rng_of(7).normal(0.5, 0.05, 10)),)
    a_again, b_again = (Share(one.numerator, one.denominator, one.control, anew) for one in (a, b))
    plain, one_sided, refitted = (paired_difference(*pair, rng_of(0)) for pair in ((a, b), (a_again, b), (a_again, b_again)))
    assert refitted.interval.low < plain.interval.low < plain.interval.high < refitted.interval.high
    assert refitted.of_encoder and one_sided == plain  # of one of the two alone nothing is said of encoders
    bare = paired_difference(Share(a.numerator, a.denominator), b, rng_of(0)).interval
    assert bare.high - bare.low < plain.interval.high - plain.interval.low


def test_no_difference_is_found_in_about_one_case_of_twenty() -> None:
    """Two shares of one truth on the same 25 scenes: p below 0.05 in no more than the binomial allows, and not never."""
    found, cases = 0, 100
    for seed in range(cases):
        rng = rng_of(1000 + seed)
        common = rng.standard_normal(25)
        found += paired_difference(share(rng, common, 0.5), share(rng, common, 0.5), rng, resamples=400).p < 0.05
    assert scipy_stats.binom.ppf(0.001, cases, 0.05) <= found <= scipy_stats.binom.ppf(0.999, cases, 0.05), found


def test_without_two_scenes_or_a_denominator_nothing_is_known() -> None:
    one = Share(np.ones(1), np.ones(1))
    assert math.isnan(paired_difference(one, one, rng_of(0)).p)
    common = rng_of(1).standard_normal(12)
    around_zero = Share(common, common)
    assert math.isnan(paired_difference(around_zero, share(rng_of(2), common, 0.5), rng_of(0)).interval.low)
    with pytest.raises(BadArgument, match="same scenes, not of 12 and 1"):
        paired_difference(around_zero, one, rng_of(0))
