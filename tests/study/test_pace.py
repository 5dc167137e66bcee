"""The time that is left of a study."""

from __future__ import annotations

import pytest

from jepascope.study.machine import Machine
from jepascope.study.pace import LOADING, REPORT, Pace, expected_seconds
from jepascope.study.spec import StudySpec
from jepascope.study.steps.whole import STEPS


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_machine_as_fast_as_expected_has_left_what_is_expected_and_a_slower_one_more() -> None:
    left = {}
    for slower in (1, 3):
        clock = Clock()
        pace = Pace({"a": 100.0, "b": 50.0, "c": 50.0}, clock)
        assert pace.left == 200 and pace.share == 0
        clock.seconds += 100 * slower
        pace.begin("b")
        left[slower] = pace.left
    assert left[1] == pytest.approx(100)
    assert 200 < left[3] < 300  # what was expected still counts a little
    assert pace.share == pytest.approx(300 / (300 + left[3]))


def test_time_goes_by_in_a_step_and_is_never_less_than_none() -> None:
    clock = Clock()
    pace = Pace({"a": 10.0, "b": 5.0}, clock)
    clock.seconds = 4
    assert pace.left == 11
    clock.seconds = 60
    assert pace.left == 5
    pace.begin("b")
    clock.seconds = 1000
    assert pace.left == 0 and pace.share == 1


def test_what_was_there_already_says_nothing_of_the_pace() -> None:
    clock = Clock()
    pace = Pace({"a": 10.0, "b": 500.0, "c": 20.0}, clock)
    clock.seconds = 10
    pace.begin("c")  # b was finished by an earlier run
    pace.begin("of another command")
    assert pace.left == pytest.approx(20)


def test_every_step_of_a_study_has_its_place_and_what_is_left_out_has_none(tiny_spec: StudySpec) -> None:
    whole = expected_seconds(tiny_spec, Machine(workers=1))
    assert list(whole) == [LOADING, *(step.name for step in STEPS if step.asked(tiny_spec) and not step.left_out(tiny_spec)), REPORT]
    assert all(seconds >= 0 for seconds in whole.values())
    quick = expected_seconds(tiny_spec.model_copy(update={"chapters": ()}), Machine(workers=1))
    assert {"port", "doses", "leaks"}.isdisjoint(quick) and "intervene" in quick
    code = expected_seconds(tiny_spec.model_copy(update={"model": "some.module:encoder"}), Machine(workers=1))
    assert list(code) == list(whole)  # its shape is not known yet
