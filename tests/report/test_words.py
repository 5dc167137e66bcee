"""Numbers and verdicts: what the page says follows from the interval, whichever way it turns out."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.report.numbers import ABSENT, percent, ratio_text, shown, with_interval
from jepascope.report.sections.leaks import word
from jepascope.report.verdict import against, row_verdict, verdict
from jepascope.stats import MIN_DRAWS


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_a_shown_number_is_the_number_to_three_digits(value: float) -> None:
    back = float(shown(value).replace("\u2212", "-"))
    assert math.isclose(back, value, rel_tol=5.1e-3, abs_tol=1e-300)


@given(st.floats(0.001, 1e4), st.floats(0, 1), st.floats(0, 1))
def test_value_and_interval_have_the_same_decimals(value: float, below: float, above: float) -> None:
    texts = with_interval(value, value * (1 - below), value * (1 + above)).replace("[", "").replace("]", "").replace(",", "").split()
    assert len({len(text.partition(".")[2]) for text in texts}) == 1
    assert math.isclose(float(texts[0]), value, rel_tol=0.051)


@pytest.mark.parametrize("value", [float("nan"), None, "0.3"])
def test_what_is_not_a_number_is_absent(value: object) -> None:
    assert shown(value) == percent(value) == ABSENT


def test_infinity_has_a_sign() -> None:
    assert (shown(math.inf), shown(-math.inf)) == ("∞", "−∞")


def test_a_bound_hides_the_ratio_it_cannot_support() -> None:
    assert ratio_text(12.3, 10.0, math.inf, is_bound=True) == "≥ 12.3"
    assert ratio_text(2.0, 1.5, 2.5, is_bound=False) == "2.00 [1.50, 2.50]"
    assert ratio_text(math.inf, math.inf, math.inf, is_bound=True) == "unbounded"
    assert ratio_text(math.nan, math.nan, math.nan, is_bound=True) == ratio_text(None, None, None, is_bound=False) == "no ratio"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(1.2, 3.0, "more"), (0.9, 1.4, "not told apart"), (0.2, 0.8, "less"), (math.nan, 2.0, "unknown"), (1.2, math.inf, "more")],
)
def test_a_ratio_is_read_from_its_interval_alone(low: float, high: float, word: str) -> None:
    assert against({"value": 50.0, "low": low, "high": high}) == word


@pytest.mark.parametrize(
    ("ratio", "excess", "word"),
    [
        ((2.0, 1.5, 3.0), (0.1, 0.4), "more"),
        ((2.0, 1.5, 3.0), (-0.1, 0.4), "above the mean"),
        ((0.5, 0.4, 0.6), (-0.4, -0.1), "less"),
        ((0.5, 0.4, 0.6), (-0.4, 0.1), "below the mean"),
        ((1.1, 0.9, 1.3), (-0.1, 0.1), "not told apart"),
        ((None, None, None), (0.1, 0.4), "more"),  # the control works the other way
        ((None, None, None), (None, None), "unknown"),
    ],
)
def test_more_than_a_control_means_outside_its_draws(ratio: tuple[Any, ...], excess: tuple[Any, ...], word: str) -> None:
    value, low, high = ratio
    entry = {"value": value, "low": low, "high": high, "bound": False, "excess_low": excess[0], "excess_high": excess[1]}
    assert against(entry) == word


def test_a_lower_bound_is_more_only_when_the_effect_lies_outside_the_draws() -> None:
    bound = {"value": 3.0, "low": 3.0, "high": None, "bound": True}
    assert against(bound | {"excess_low": 0.2}) == "more"
    assert against(bound | {"excess_low": -0.2}) == "above the mean"
    assert against(bound | {"value": 0.7, "excess_low": 0.2}) == "unknown"


@pytest.mark.parametrize(
    ("difference", "excess", "word"),
    [
        ((0.1, 0.3), (0.05, 0.4), "outside its draws"),
        ((0.1, 0.3), (-0.05, 0.4), "above the mean draw"),
        ((-0.1, 0.2), (-0.2, 0.3), "not told apart"),
        ((-0.3, -0.1), (-0.4, 0.1), "below the mean draw"),
        ((-0.3, -0.1), (-0.4, -0.1), "below its draws"),
        ((math.nan, math.nan), (math.nan, math.nan), "no interval"),
    ],
)
def test_a_row_is_read_from_the_difference_and_from_a_new_draw(
    difference: tuple[float, float], excess: tuple[float, float], word: str
) -> None:
    assert row_verdict(*difference, *excess, percentile=50, draws=20) == word
    assert row_verdict(*difference, *excess, percentile=50, draws=MIN_DRAWS - 1) == "too few draws"


@pytest.mark.parametrize(("percentile", "word"), [(100, "outside its draws"), (95, "above the mean draw")])
def test_in_an_older_folder_the_percentile_says_whether_it_lies_outside(percentile: float, word: str) -> None:
    assert row_verdict(0.1, 0.3, math.nan, math.nan, percentile, 20) == word


EFFECT = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 80}


def test_the_verdict_says_what_is_not_told_apart_and_never_that_it_is_no_more() -> None:
    ratios = {"random": {"value": 43.0, "low": 30.0, "high": 60.0}, "variance": {"value": 1.1, "low": 0.8, "high": 1.5}}
    said = verdict("diff_means", EFFECT, ratios)
    assert "not told apart from what complement directions of the same token variance do" in said and "no more" not in said
    assert "more than random directions" in said
    more = verdict("diff_means", EFFECT, {"variance": {"value": 5.0, "low": 4.0, "high": 6.0, "excess_low": 0.2, "excess_high": 0.5}})
    assert "more than complement directions of the same token variance do" in more


def test_the_verdict_tells_no_effect_from_the_opposite_effect() -> None:
    assert "no effect that can be told from zero" in verdict("diff_means", EFFECT | {"low": -0.1}, {})
    assert "changes the margin the other way" in verdict("diff_means", {"value": -0.4, "low": -0.5, "high": -0.3}, {})
    assert "nothing is claimed" in verdict("diff_means", EFFECT | {"low": math.nan}, {})


def test_the_closest_control_is_named_with_its_overlap() -> None:
    ratio = {"value": 1.28, "low": 1.2, "high": 1.4, "excess_low": 0.1, "excess_high": 0.3}
    said = verdict("diff_means", EFFECT, {"shuffled": ratio | {"overlap": 0.55}})
    assert "comes close (78 % of the effect), because it finds much of the same subspace (SAS 0.55)" in said
    assert "with little of the same subspace (SAS 0.050)" in verdict("diff_means", EFFECT, {"variance": ratio | {"overlap": 0.05}})
    assert "SAS" not in verdict("diff_means", EFFECT, {"shuffled": ratio})


@pytest.mark.parametrize(
    ("leak", "low", "explained", "said"),
    [
        (False, 0.1, 0.3, "not above chance"),
        (True, 0.2, 0.3, "explained"),
        (True, 0.35, 0.3, "above what position/axis explains"),
        (True, 0.35, math.nan, "leaks"),
    ],
)
def test_a_leak_is_held_against_what_position_or_axis_explains(leak: bool, low: float, explained: float, said: str) -> None:
    assert word({"leak": leak, "low": low, "explained": explained}) == said
