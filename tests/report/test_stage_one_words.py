"""Words of stage one follow from the numbers, whichever way these turn out."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.findings.circle import Error, HeldArcs, circle_words
from jepascope.findings.names import short
from jepascope.findings.selectivity import Reading, worth
from jepascope.findings.sparsity import stable_words
from jepascope.findings.tokens import bar_of, null_words, token_words
from jepascope.findings.values import value_words
from jepascope.report.charts.compass import mean_angles
from jepascope.report.charts.token_map import token_map
from jepascope.report.sections.emergence import mean_range
from jepascope.stats import proportion

READ = Error(10.0, 8.0, 12.0)


def held(
    error: Error, gap: tuple[float, float, float] = (math.nan, math.nan, math.nan), floor: float = 0.0, p: float = math.nan
) -> HeldArcs:
    return HeldArcs(error, Error(*gap), floor, p)


@pytest.mark.parametrize(
    ("arcs", "said"),
    [
        (held(Error(11.0, 9.0, 13.0), (1.0, -1.0, 3.0), 0.0, 0.005), "1.00° [\u22121.00, 3.00], not told apart from the 0° that a perfect"),
        (held(Error(12.0, 9.0, 13.0), (2.0, 1.0, 3.0), 0.0, 0.005), "2.00° [1.00, 3.00], more than the 0° that a perfect circle"),
        (held(Error(12.0, 9.0, 13.0), (2.0, 1.0, 3.0), 2.5), "not told apart from the 2.50° that a perfect circle would have"),
        (held(Error(11.0, 9.0, 13.0), p=0.005), "A circle: from the classes it was shown"),
        (held(Error(11.0, 9.0, 13.0), p=0.3), "No sign of a circle: too few classes to tell, or clusters (p = 0.30"),
        (held(Error(70.0, 60.0, 75.0), p=0.005), "Partly a circle: from the classes"),
        (held(Error(110.0, 100.0, 120.0), p=0.9), "held-out arcs keep nothing"),
        (held(Error(30.0, 25.0, 35.0)), "held-out arcs keep 75.0\u00a0% of what held-out clips gain"),
        (held(Error(30.0, 25.0, 35.0)), "A circle: a linear reader carries on across"),
        (held(Error(88.0, 80.0, 96.0)), "No sign of a circle: held-out arcs are not read better than by the best constant guess"),
        (held(Error(50.0, math.nan, math.nan)), "Nothing to judge a circle by"),
        (None, "does not tell a circle from clusters"),
    ],
)
def test_a_circle_is_a_matter_of_order_and_its_quality_of_the_paired_gap(arcs: HeldArcs | None, said: str) -> None:
    assert said in circle_words(READ, arcs, 90.0)


def test_an_angle_that_is_not_read_has_no_shape() -> None:
    words = circle_words(Error(89.0, 80.0, 98.0), held(Error(30.0, 20.0, 40.0), p=0.005), 90.0)
    assert "nothing can be said of its shape" in words and "cluster" not in words


@given(st.floats(0, 80), st.floats(0.051, 1))
def test_an_order_that_is_one_among_others_is_never_called_a_circle(clips: float, p: float) -> None:
    for arcs in (held(Error(20.0, 15.0, 25.0), p=p), held(Error(90.0, 85.0, 99.0))):
        assert "No sign of a circle" in circle_words(Error(clips, clips, clips), arcs, 90.0)


@given(st.lists(st.floats(0, 360), min_size=1, max_size=30), st.floats(-360, 360))
def test_what_is_read_a_turn_further_is_read_a_turn_further_and_as_surely(true: list[float], turn: float) -> None:
    angles = np.array(true)
    for (at, mean, length), (same, moved, again) in zip(mean_angles(angles, angles), mean_angles(angles, angles + turn), strict=True):
        assert at == same and math.isclose(length, again, abs_tol=1e-9)
        if length > 1e-3:
            assert abs((moved - mean - turn + 180) % 360 - 180) < 1e-6


def test_equal_readings_have_length_one_and_opposite_ones_none() -> None:
    at, mean, length = mean_angles(np.array([90.0, 90.0]), np.array([45.0, 405.0]))[0]
    assert (at, round(mean, 9), round(length, 9)) == (90.0, 45.0, 1.0)
    assert mean_angles(np.array([90.0, 90.0]), np.array([0.0, 180.0]))[0][2] < 1e-12


def a_reading(
    control: tuple[float, ...] = (), permuted: tuple[float, ...] = (), untrained: tuple[float, ...] = (), types: float = math.nan
) -> Reading:
    mean = sum(control) / len(control) if control else math.nan
    return Reading(0.6, 0.5, 0.7, 0.125, 80, untrained, control, permuted, mean - 0.1, mean + 0.1, 0.2, types, "speed, hue")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (a_reading(control=(0.2, 0.3)), "Selectivity is 35.0 percentage points [20.9, 49.1]"),  # 10 x sqrt 2 either way
        (a_reading(control=(0.2, 0.3)), "reads the variable better than an arbitrary function of other factors."),
        (a_reading(control=(0.7, 0.8)), "its accuracy shows little"),
        (a_reading(control=(0.5, 0.51, 0.52)), "not read better than an arbitrary function"),  # below in each of three tasks is not enough
        (a_reading(control=(0.4, 0.4)), "their own chance 20.0\u00a0%): above chance, so those factors are encoded too"),
        (a_reading(control=(0.2, 0.3), types=32), "other factors (32 types: combinations of speed, hue;"),
        (a_reading(untrained=(0.2, 0.55)), "no better than the best of 2 untrained twins (55.0\u00a0%)"),
        (a_reading(untrained=(0.2, 0.3)), "more than the best of 2 untrained twins (30.0\u00a0%), raw pixels (40.0\u00a0%)."),
        (a_reading(permuted=(0.1, 0.2)), "above all of them"),
        (a_reading(permuted=(0.1, 0.55)), "not clear of them"),
    ],
)
def test_accuracy_is_worth_what_its_controls_leave(read: Reading, said: str) -> None:
    assert said in worth(read, "direction", "all", 3, "95 % interval", {"raw pixels": 0.4})


def test_a_probe_below_raw_pixels_is_said_to_be_so() -> None:
    said = worth(a_reading(untrained=(0.65,)), "hue", "all", 3, "95 % interval", {"raw pixels": 0.8, "frame differences": 0.1})
    assert "no better than the best of 1 untrained twins (65.0\u00a0%); less than raw pixels (80.0\u00a0%); more than frame" in said


@given(st.integers(0, 40), st.integers(0, 40))
def test_the_interval_of_selectivity_is_newcombes(first: int, second: int) -> None:
    """The square-and-add formula with the intervals of the two proportions; it never leaves -1 to 1."""
    one, other = proportion(first, 40), proportion(second, 40)
    read = Reading(one.value, one.low, one.high, 0.125, 40, (), (other.value,), (), other.low, other.high)
    low, high = read.interval
    assert math.isclose(low, one.value - other.value - math.dist((one.value, other.high), (one.low, other.value)))
    assert -1 - 1e-9 <= low <= one.value - other.value <= high <= 1 + 1e-9


def test_newcombes_example_is_met() -> None:
    """56 of 70 less 48 of 80, by method 10: 0.0524 to 0.3339 (Newcombe 1998, table II, example a)."""
    one, other = proportion(56, 70), proportion(48, 80)
    low, high = Reading(one.value, one.low, one.high, 0.5, 70, (), (other.value,), (), other.low, other.high).interval
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def test_without_controls_nothing_is_said_of_them() -> None:
    assert worth(a_reading(), "direction", "all", 3, "95 % interval").endswith("chance 12.5\u00a0%).")


STABLE = {
    **{"support": 0.4, "support_low": 0.3, "support_high": 0.5, "subsamples": 50.0, "selected": 20.0},
    **{"stable": 0.1, "threshold": 0.9, "false_bound": 2.0, "permuted_support": 0.1},
}


@pytest.mark.parametrize(
    ("change", "held", "said"),
    [
        ({}, 10.0, "no more often than the average one, at most 2.00 are expected among the stable"),
        ({}, 10.0, "below the middle 95 % of halves with true ones (40.0\u00a0% [30.0, 50.0\u00a0%])"),
        ({"permuted_support": 0.4}, 10.0, "the size of the support says nothing about the variable"),
        ({"permuted_support": 0.6}, 10.0, "above the middle 95 % of halves with true ones"),
        ({"false_bound": 12.0}, 10.0, "The bound (12.0) vouches for none"),
        ({"false_bound": 5.0}, math.nan, "The bound (5.00) vouches for none"),  # 10 % of 20 / 0.4 coordinates
        ({"false_bound": math.nan}, 10.0, "No bound on false ones holds here"),
        ({"stable": 0.0}, 0.0, "no coordinate is stable"),
        ({}, math.nan, "5 coordinates (10.0\u00a0%) are stable"),
        ({}, 1.0, "1 coordinate (10.0\u00a0%) is stable"),
    ],
)
def test_stability_is_worded_by_its_bound_and_its_null(change: dict[str, float], held: float, said: str) -> None:
    assert said in stable_words(STABLE | change, held, 4, "all")


def tokens(values: list[float], null: float, draws: float = 20, metric: str = "accuracy", low: float = 0.3) -> pd.DataFrame:
    chance = 0.125 if metric == "accuracy" else 0.0
    places = {"token": range(len(values)), "t": 0, "row": 0, "column": range(len(values))}
    return pd.DataFrame(
        {**places, "accuracy": values, "low": low, "high": 1.0, "chance": chance, "metric": metric, "null": null, "n": 80}
        | {"draws": draws}
    )


@pytest.mark.parametrize(
    ("values", "null", "said"),
    [
        ([0.1, 0.5, 0.2], 0.3, "1 of 3 tokens (33.3\u00a0%)"),
        ([0.1, 0.3, 0.2], 0.3, "none of 3 tokens"),  # a tie with the null is no excess
        ([0.1, 0.5, 0.2], math.nan, "none of this is judged"),
        ([math.nan], 0.3, "no token was scored"),
    ],
)
def test_tokens_count_only_above_what_the_best_reaches_by_chance(values: list[float], null: float, said: str) -> None:
    assert said in token_words(tokens(values, null), 4, "direction")


@pytest.mark.drawn
def test_a_token_counts_only_above_chance_as_well() -> None:
    """Readers of permuted values are often worse than a constant guess, all of them."""
    below = tokens([-0.02, -0.3], -0.05, metric="r2", low=-0.1)
    said = token_words(below, 4, "speed")
    assert "none of 2 tokens" in said and "the best constant guess" in said and "so its interval crosses 0" in said
    assert bar_of(below) == 0 and ">max-null<" not in token_map(below, 4).svg
    assert ">max-null<" in token_map(tokens([0.4, 0.2], 0.3), 4).svg
    assert "crosses" not in token_words(tokens([0.4, 0.2], 0.3), 4, "speed")
    assert "crosses chance" in token_words(tokens([0.4, 0.2], 0.3, low=0.1), 4, "direction")
    assert bar_of(tokens([0.4], 0.3)) == 0.3 and math.isnan(bar_of(tokens([0.4], math.nan)))


@pytest.mark.parametrize(
    ("draws", "said"),
    [
        (20, "the largest of 20 draws of the best of all tokens under permuted labels; a further draw exceeds it in at most 1 of 21"),
        (
            99,
            "at rank 95 of 99 draws of the best of all tokens under permuted labels; a further draw exceeds it in at most 5 of 100",
        ),
        (math.nan, "in at most 5 % of cases"),
    ],
)
def test_the_null_is_said_to_be_the_draw_that_it_is(draws: float, said: str) -> None:
    assert said in null_words(tokens([0.4], 0.3, draws))


def test_seeds_that_agree_have_no_brackets() -> None:
    assert mean_range((0.1875,)) == "18.8\u00a0% (1 seed)" and mean_range((0.25, 0.25)) == "25.0\u00a0% (2 seeds alike)"
    assert mean_range((0.25, 0.75)) == "50.0\u00a0% [25.0, 75.0\u00a0%]"


A_NUMBER = {
    **{"encoder": "model", "seed": -1, "layer": 4, "tokens": "all", "probe": "ridge", "held_out": "clips", "output": "speed"},
    **{"unit": "pixels", "error": 1.0, "low": 0.9, "high": 1.1, "n": 80, "chance": 2.0},
}


@pytest.mark.parametrize(
    ("low", "high", "chance", "said"),
    [
        (0.1, 0.3, 2.0, "reads speed"),
        (-0.1, 0.1, 2.0, "is not told apart from the best constant guess"),
        (-0.3, -0.1, 0.5, "is worse at speed than"),
        (-0.3, -0.1, 2.0, "is not told apart from the best constant guess"),  # its absolute error is less than the constant's
    ],
)
def test_a_number_is_read_when_its_r_squared_is_above_zero(low: float, high: float, chance: float, said: str) -> None:
    row = A_NUMBER | {"chance": chance, "r2": (low + high) / 2, "r2_low": low, "r2_high": high}
    assert said in value_words(pd.DataFrame([row]), 4, "all", "speed")


@pytest.mark.parametrize(
    ("twins", "said"),
    [
        ([0.1, 0.2], "; more than untrained twins of the same architecture read (R² 0.100 to 0.200 over 2 seeds on the same clips"),
        ([0.1, 0.4], "; not told apart from untrained twins"),  # 0.4 lies below 0.45, but its own interval does not
        ([0.8, 0.9], "; less than untrained twins"),
        ([0.1], "; more than the one untrained twin of the same architecture reads (R² 0.100 [0.000, 0.200])"),
    ],
)
def test_untrained_twins_are_compared_by_their_own_intervals(twins: list[float], said: str) -> None:
    rows = [A_NUMBER | {"r2": 0.5, "r2_low": 0.45, "r2_high": 0.55}]
    for seed, r2 in enumerate(twins):
        rows.append(A_NUMBER | {"encoder": "untrained", "seed": seed, "r2": r2, "r2_low": r2 - 0.1, "r2_high": r2 + 0.1})
    assert said in value_words(pd.DataFrame(rows), 4, "all", "speed")


@given(st.text(max_size=300), st.integers(8, 80))
def test_a_name_is_short_printable_and_keeps_both_ends(name: str, most: int) -> None:
    text = short(name, most)
    assert len(text) <= most and all(letter.isprintable() for letter in text)
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    assert text == plain if len(plain) <= most else text[0] == plain[0] and text[-1] == plain[-1]
