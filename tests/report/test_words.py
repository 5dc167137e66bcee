"""Numbers and verdicts: what the page says follows from the interval, whichever way it turns out."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.discovery.probes.leaks import leak_verdict
from jepascope.findings.effect import (
    ABOVE_MEAN,
    BELOW,
    BELOW_MEAN,
    FEW,
    NO_INTERVAL,
    NOT_SHOWN,
    OUTSIDE,
    SAME,
    UNREAD,
    Against,
    Effect,
    JudgeReading,
    worst_first,
)
from jepascope.findings.numbers import ABSENT, percent, ratio_text, shown, with_interval
from jepascope.findings.verdict import ratio_words, verdict
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


OWN = Effect(0.7, 0.6, 0.8, 80)


def standing(**entry: Any) -> str:
    """Of an effect that is shown, beside a control of which summary.json or a table says this."""
    return Against.of({"value": None, "low": None, "high": None, "bound": False, "draws": 20} | entry, OWN, "random").standing


@pytest.mark.parametrize(
    ("low", "high", "word"),
    [(1.2, 3.0, ABOVE_MEAN), (0.9, 1.4, SAME), (0.2, 0.8, BELOW_MEAN), (math.nan, 2.0, NO_INTERVAL), (1.2, math.inf, ABOVE_MEAN)],
)
def test_where_no_difference_is_stored_the_ratio_says_how_an_effect_stands_to_the_mean_draw(low: float, high: float, word: str) -> None:
    assert standing(value=50.0, low=low, high=high) == word


@pytest.mark.parametrize(
    ("ratio", "excess", "word"),
    [
        ((2.0, 1.5, 3.0), (0.1, 0.4), OUTSIDE),
        ((2.0, 1.5, 3.0), (-0.1, 0.4), ABOVE_MEAN),
        ((0.5, 0.4, 0.6), (-0.4, -0.1), BELOW),
        ((0.5, 0.4, 0.6), (-0.4, 0.1), BELOW_MEAN),
        ((1.1, 0.9, 1.3), (-0.1, 0.1), SAME),
        ((None, None, None), (0.1, 0.4), OUTSIDE),  # the control works the other way
        ((None, None, None), (None, None), NO_INTERVAL),
    ],
)
def test_more_than_a_control_means_outside_its_draws(ratio: tuple[Any, ...], excess: tuple[Any, ...], word: str) -> None:
    value, low, high = ratio
    assert standing(value=value, low=low, high=high, excess_low=excess[0], excess_high=excess[1]) == word


def test_a_lower_bound_is_more_only_when_the_effect_lies_outside_the_draws() -> None:
    bound = {"value": 3.0, "low": 3.0, "high": None, "bound": True, "excess_high": 0.5}
    assert standing(**bound, excess_low=0.2) == OUTSIDE
    assert standing(**bound, excess_low=-0.2) == ABOVE_MEAN
    useless = Against.of(bound | {"value": 0.7, "excess_low": -0.2}, OWN, "random")
    assert useless.standing == NO_INTERVAL and not useless.has_ratio


ROW = {"control": "random", "ratio": 2.0, "ratio_low": 1.5, "ratio_high": 3.0, "ratio_is_bound": False}


@pytest.mark.parametrize(
    ("difference", "excess", "word"),
    [
        ((0.1, 0.3), (0.05, 0.4), OUTSIDE),
        ((0.1, 0.3), (-0.05, 0.4), ABOVE_MEAN),
        ((-0.1, 0.2), (-0.2, 0.3), SAME),
        ((-0.3, -0.1), (-0.4, 0.1), BELOW_MEAN),
        ((-0.3, -0.1), (-0.4, -0.1), BELOW),
    ],
)
def test_a_row_is_read_from_the_difference_and_from_a_new_draw(
    difference: tuple[float, float], excess: tuple[float, float], word: str
) -> None:
    row = ROW | {"difference_low": difference[0], "difference_high": difference[1], "excess_low": excess[0], "excess_high": excess[1]}
    assert Against.of(row | {"draws": 20}, OWN).standing == word
    few = Against.of(row | {"draws": MIN_DRAWS - 1}, OWN)
    assert few.standing == FEW and not few.has_ratio


@pytest.mark.parametrize(("percentile", "word"), [(100, OUTSIDE), (95, ABOVE_MEAN)])
def test_in_an_older_folder_the_percentile_says_whether_it_lies_outside(percentile: float, word: str) -> None:
    row = ROW | {"difference_low": 0.1, "difference_high": 0.3, "percentile": percentile}
    assert Against.of(row | {"draws": 20}, OWN).standing == word
    assert Against.of(row | {"draws": 12}, OWN).standing == ABOVE_MEAN  # too few draws to lie outside


CLEAR = ROW | {"difference_low": 0.1, "difference_high": 0.3, "excess_low": 0.05, "excess_high": 0.4, "draws": 20, "percentile": 100.0}
CHANCE = 0.5


@pytest.mark.parametrize(
    ("effect", "word"),
    [
        (Effect(0.6, -0.8, 2.0, 5), NOT_SHOWN),
        (Effect(math.nan, math.nan, math.nan, 5), NO_INTERVAL),
        (Effect(0.7, 0.6, 0.8, 80, JudgeReading(0.47, 0.3, 0.65, 30, CHANCE)), UNREAD),
    ],
)
def test_nothing_is_said_of_an_effect_that_is_not_shown_or_by_a_judge_that_reads_nothing(effect: Effect, word: str) -> None:
    """However clear of its control it may be: no ratio, no comparison, no verdict that says more."""
    beside = Against.of(CLEAR, effect)
    assert Against.of(CLEAR, OWN).standing == OUTSIDE and Against.of(CLEAR, OWN).has_ratio
    assert beside.standing == word and not beside.has_ratio and ratio_words(beside) == "no ratio"
    said = verdict("lda", effect, [beside], "steering")
    assert "more than" not in said and "2.0" not in said.replace("2.00]", "")


def test_an_effect_the_other_way_is_shown_and_is_no_multiple_of_anything() -> None:
    effect = Effect(-0.4, -0.5, -0.3, 80)
    assert effect.shown and not effect.works and not Against.of(CLEAR, effect).has_ratio


@given(st.floats(-2, 2), st.floats(0, 2), st.floats(-2, 2), st.floats(0, 2))
def test_a_ratio_is_stated_only_of_effects_above_zero(value: float, half: float, difference: float, width: float) -> None:
    effect = Effect(value, value - half, value + half, 40)
    row = CLEAR | {"difference_low": difference - width, "difference_high": difference + width}
    assert not Against.of(row, effect).has_ratio or effect.low > 0


def test_a_claim_names_the_closest_control_first() -> None:
    far = Against.of(CLEAR | {"control": "random", "ratio": 18.8}, OWN)
    near = Against.of(CLEAR | {"control": "shuffled", "ratio": 1.2, "excess_low": -0.1}, OWN)
    bound = Against.of(CLEAR | {"control": "norm", "ratio": 3.0, "ratio_is_bound": True}, OWN)
    none = Against.of(CLEAR | {"control": "untrained", "draws": 3}, OWN)
    assert [one.control for one in worst_first([none, far, bound, near])] == ["shuffled", "random", "norm", "untrained"]
    said = verdict("lda", OWN, [none, far, bound, near])
    assert "not shown to be more than subspaces found on shuffled labels do" in said and "more than each of the 2 other controls" in said
    assert "of 1 with few draws it is not known" in said and "random" not in said


def said_of(effect: dict[str, Any], ratios: dict[str, dict[str, Any]]) -> str:
    own = Effect.of(effect)
    return verdict("diff_means", own, [Against.of(ratio, own, control) for control, ratio in ratios.items()])


EFFECT = {"value": 0.7, "low": 0.6, "high": 0.8, "n": 80}


def test_the_verdict_says_what_is_not_told_apart_and_never_that_it_is_no_more() -> None:
    ratios = {"random": {"value": 43.0, "low": 30.0, "high": 60.0}, "variance": {"value": 1.1, "low": 0.8, "high": 1.5}}
    said = said_of(EFFECT, ratios)
    assert "not told apart from what variance-matched directions do" in said and "no more" not in said
    assert "more than random directions" in said
    more = said_of(EFFECT, {"variance": {"value": 5.0, "low": 4.0, "high": 6.0, "excess_low": 0.2, "excess_high": 0.5}})
    assert "more than variance-matched directions do" in more


def test_the_verdict_tells_no_effect_from_the_opposite_effect() -> None:
    assert "is not shown to do anything" in said_of(EFFECT | {"low": -0.1}, {})
    assert "changes the margin the other way" in said_of({"value": -0.4, "low": -0.5, "high": -0.3}, {})
    assert "nothing is claimed" in said_of(EFFECT | {"low": math.nan}, {})


def test_the_closest_control_is_named_with_its_overlap() -> None:
    ratio = {"value": 1.28, "low": 1.2, "high": 1.4, "excess_low": 0.1, "excess_high": 0.3}
    said = said_of(EFFECT, {"shuffled": ratio | {"overlap": 0.55}})
    assert "comes close (78 % of the effect), because it finds much of the same subspace (SAS 0.55)" in said
    assert "with little of the same subspace (SAS 0.050)" in said_of(EFFECT, {"variance": ratio | {"overlap": 0.05}})
    assert "SAS" not in said_of(EFFECT, {"shuffled": ratio})


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
    assert leak_verdict({"leak": leak, "low": low, "explained": explained}) == said
