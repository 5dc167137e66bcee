"""Numbers and verdicts: what the page says follows from the interval, whichever way it turns out."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.report.numbers import ABSENT, percent, ratio_text, shown, with_interval
from jepascope.report.verdict import against, row_verdict, verdict


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
    assert ratio_text(math.nan, math.nan, math.nan, is_bound=True) == "unbounded"


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(1.2, 3.0, "more"), (0.9, 1.4, "no more"), (0.2, 0.8, "less"), (math.nan, 2.0, "unknown"), (1.2, math.inf, "more")],
)
def test_a_ratio_is_read_from_its_interval_alone(low: float, high: float, word: str) -> None:
    assert against({"value": 50.0, "low": low, "high": high}) == word


@pytest.mark.parametrize(
    ("low", "high", "word"), [(0.1, 0.3, "above control"), (-0.1, 0.2, "not told apart"), (-0.3, -0.1, "below control")]
)
def test_a_difference_is_read_from_its_interval_alone(low: float, high: float, word: str) -> None:
    assert row_verdict(low, high) == word


def test_the_verdict_names_variance_when_variance_explains_it() -> None:
    effect = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 80}
    ratios = {"random": {"value": 43.0, "low": 30.0, "high": 60.0}, "variance": {"value": 1.1, "low": 0.8, "high": 1.5}}
    said = verdict("diff_means", effect, ratios)
    assert "no more than variance explains" in said and "more than random directions" in said
    assert "no effect that can be told from zero" in verdict("diff_means", effect | {"low": -0.1}, ratios)
    assert "nothing is claimed" in verdict("diff_means", effect | {"low": math.nan}, ratios)
