"""Intervals over re-fits: standard errors of what is found anew, and how they are added to those over scenes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jepascope.stats import FEWEST_GROUPS, Interval, Refitted, fewest_scenes, groups_of, of_the_encoder


def test_the_error_of_values_on_other_samples_is_their_spread() -> None:
    values = np.array([0.4, 0.5, 0.45, 0.6, 0.55, 0.5])
    assert Refitted(values).error == pytest.approx(values.std(ddof=1))


@pytest.mark.parametrize("groups", [5, 10])
def test_left_out_groups_give_the_error_of_a_mean(groups: int) -> None:
    """Of a mean the jackknife is the textbook's standard error of grouped data."""
    x = np.random.default_rng(0).standard_normal(120)
    group = np.arange(120) % groups
    without = np.array([x[group != one].mean() for one in range(groups)])
    by_group = np.array([x[group == one].mean() for one in range(groups)])
    assert Refitted(without, left_out=True).error == pytest.approx(by_group.std(ddof=1) / math.sqrt(groups))


def test_reaches_add_as_squares_on_either_side() -> None:
    again = Refitted(np.array([0.48, 0.5, 0.52, 0.49, 0.51, 0.5]))
    wider = of_the_encoder(Interval(0.5, 0.44, 0.58, 40), [again, again])
    assert 0.5 - wider.low == pytest.approx(math.sqrt(0.06**2 + 2 * again.reach() ** 2))
    assert wider.high - 0.5 == pytest.approx(math.sqrt(0.08**2 + 2 * again.reach() ** 2))
    assert (wider.value, wider.n) == (0.5, 40)
    twice = of_the_encoder(Interval(0.5, 0.5, 0.5, 40), [again], scale=2.0)
    assert twice.high - 0.5 == pytest.approx(2 * again.reach())


@pytest.mark.parametrize("again", [[], [Refitted(np.full(FEWEST_GROUPS - 1, 0.5))], [Refitted(np.array([0.5] * 5 + [math.nan]))]])
def test_what_was_not_found_anew_often_enough_has_no_wider_interval(again: list[Refitted]) -> None:
    wider = of_the_encoder(Interval(0.5, 0.4, 0.6, 40), again)
    assert wider.value == 0.5 and math.isnan(wider.low) and math.isnan(wider.high)


def test_intervals_hold_the_mean_of_the_procedure() -> None:
    """A fit error and scenes of a study, each normal: 95 % within what 1,500 studies allow, where scenes alone hold it far less often."""
    rng = np.random.default_rng(1)
    studies, fit, scenes = 1500, 0.02, 0.015
    held, alone = 0, 0
    for _ in range(studies):
        value = rng.normal(0, fit) + rng.normal(0, scenes)
        own = Interval(value, value - 1.96 * scenes, value + 1.96 * scenes, 40)
        wider = of_the_encoder(own, [Refitted(rng.normal(0, fit, 10))])
        held += wider.low <= 0 <= wider.high
        alone += own.low <= 0 <= own.high
    assert 0.93 < held / studies < 0.98 and alone / studies < 0.85


def test_groups_are_whole_scenes_with_all_classes_in_each() -> None:
    labels, scenes = np.repeat(np.arange(4), 30), np.repeat(np.arange(60), 2)
    dealt = groups_of(labels, scenes, 5, 0)
    assert all(len(set(dealt[scenes == scene])) == 1 for scene in range(60))
    counts = np.array([[((labels == label) & (dealt == group)).sum() for group in range(5)] for label in range(4)])
    assert counts.min() > 0 and counts.max() - counts.min() <= 2
    assert (dealt == groups_of(labels, scenes, 5, 0)).all() and (dealt != groups_of(labels, scenes, 5, 1)).any()
    assert fewest_scenes(labels, scenes) == 15
