"""Verdicts follow their criteria, one after the other, and every one of them can be reached."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import pytest
from known_ground import interval, part, random_basis

from jepascope.discovery.subspace import Subspace
from jepascope.portability.degeneracy import PairTest, Part
from jepascope.portability.erasure import Refit
from jepascope.portability.peeling import COPY, Peeling, Stage
from jepascope.portability.verdict import ONE, VERDICTS, Beside, pair_verdict, peeling_verdict
from jepascope.stats import NOTHING as UNMEASURED
from jepascope.stats import Interval

NO_EFFECT = -0.01  # lower end of an excess that reaches zero


def pair(a_alone: Part, b_alone: Part, whole: Part, surplus: float) -> PairTest:
    return PairTest(a_alone, b_alone, whole, whole, whole, interval(surplus))


def of(
    a: float, b: float, whole: float, surplus: float | None = None, own: tuple[bool, bool] = (True, True), above: bool = True
) -> PairTest:
    """CE of each without the other and of both; whether each lies outside its controls."""
    parts = [part(name, value, 0.1 if there else NO_EFFECT) for name, value, there in (("a", a, own[0]), ("b", b, own[1]))]
    return pair(parts[0], parts[1], part("whole", whole, 0.1 if above else NO_EFFECT), a + b - whole if surplus is None else surplus)


COPIES = of(0.8, 0.9, 1.0)
PARTLY = of(0.4, 0.9, 1.0)
PARTS = of(0.4, 0.6, 1.0)
ONE_IDLE = of(0.9, 0.1, 1.0, own=(True, False))
SHARED = of(0.1, 0.1, 0.9, own=(False, False))
NOTHING = of(0.1, 0.1, 0.1, own=(False, False), above=False)
READS = Beside(readings=interval(0.6), readings_chance=0.1)
KEEPS = Beside(rce=interval(0.5), rce_floor=0.2)
ONE_CODE = Beside(refit=Refit(interval(0.125), interval(0.125), 0.125))

CASES: list[tuple[PairTest, Beside, str, str]] = [
    (COPIES, Beside(calibrated=ONE), "one subspace", "one subspace (calibrated SAS 0.90)"),
    (replace(COPIES, b_alone=part("b", 0.0, rank=0)), Beside(calibrated=0.5), "one subspace", "nothing to tell apart"),
    (replace(COPIES, whole=replace(COPIES.whole, effect=UNMEASURED)), Beside(), "undecided", "does not tell clip from twin"),
    (replace(COPIES, a_alone=part("a", 0.8, None)), Beside(), "undecided", "no room is left for controls"),
    (COPIES, Beside(), "degenerate", "either one is enough (surplus 0.70"),
    (COPIES, Beside(refit=Refit(interval(0.9), interval(0.9), 0.125)), "degenerate", "either one is enough"),
    (COPIES, ONE_CODE, "redundant by correlation", "a fresh probe finds nothing: they are one code"),
    (PARTLY, Beside(), "degenerate in part", "neither replaces the other"),
    (PARTS, Beside(), "parts of one", "do not add up to more than the whole"),
    (PARTS, ONE_CODE, "parts of one", "do not add up to more than the whole"),
    (ONE_IDLE, READS, "redundant by correlation", "b has no effect of its own without a, although it reads what goes together"),
    (ONE_IDLE, KEEPS, "redundant by correlation", "although it keeps some of its effect."),
    (ONE_IDLE, replace(READS, rce=KEEPS.rce, rce_floor=0.2), "redundant by correlation", "keeps some of its effect and reads what"),
    (of(0.1, 0.9, 1.0, own=(False, True)), READS, "redundant by correlation", "a has no effect of its own without b"),
    (ONE_IDLE, replace(READS, readings_chance=0.6), "not degenerate", "b has no effect of its own without a."),
    (ONE_IDLE, replace(KEEPS, rce_floor=0.5), "not degenerate", "b has no effect of its own without a."),
    (ONE_IDLE, replace(KEEPS, rce_floor=nan), "not degenerate", "b has no effect of its own without a."),
    (SHARED, Beside(saturated=True), "saturated", "every dose of the sweep saturates"),
    (SHARED, Beside(), "redundant by correlation", "what moves the read-out is what they share"),
    (NOTHING, Beside(), "not degenerate", "none of it lies outside the controls"),
]


@pytest.mark.parametrize(("test", "beside", "verdict", "reason"), CASES)
def test_the_verdict_on_a_pair_is_the_first_that_holds(test: PairTest, beside: Beside, verdict: str, reason: str) -> None:
    word, said = pair_verdict(test, beside, "a", "b")
    assert (word, reason in said) == (verdict, True), said
    assert said.endswith(".") and "nan" not in said


def test_every_verdict_is_reached_and_every_verdict_reached_is_explained() -> None:
    assert {verdict for _, _, verdict, _ in CASES} == set(VERDICTS)


@pytest.mark.parametrize(("test", "beside"), [(test, beside) for test, beside, *_ in CASES])
def test_the_order_of_a_pair_plays_no_part(test: PairTest, beside: Beside) -> None:
    turned = PairTest(test.b_alone, test.a_alone, test.whole, test.b, test.a, test.surplus)
    assert pair_verdict(turned, beside, "b", "a")[0] == pair_verdict(test, beside, "a", "b")[0]


def test_a_reason_says_the_numbers_that_it_is_given_on() -> None:
    _, said = pair_verdict(COPIES, Beside(), "lda", "das")
    assert said.startswith(
        "without das, lda moves 0.80 [0.78, 0.82] of the natural change; without lda, das moves 0.90 [0.88, 0.92]; both together 1.00 [0.98"
    )


# the curve

WIDTH = 8


def stage(number: int, peeled: float, alone: float | None, excess: float | None = 0.1) -> Stage:
    found = Subspace(random_basis(WIDTH, 2, number), random_basis(WIDTH, 1, 9)[:, 0])
    return Stage(found, part("peeled", peeled, excess), None if alone is None else part("alone", alone, None))


def curve(*stages: Stage, whole: float | None = 1.0, surplus: float = 0.8, ended: str = "stage 3 met its controls") -> Peeling:
    return Peeling(stages, None if whole is None else part("whole", whole, None), None if whole is None else interval(surplus), ended)


MET = stage(3, 0.04, None, NO_EFFECT)
CURVES: list[tuple[Peeling, str, str, int]] = [
    (curve(stage(1, 0.9, 0.9), stage(2, 0.9, 0.9), MET), "degenerate", "2 copies, each enough by itself", 2),
    (curve(stage(1, 0.9, 0.9), stage(2, 0.4, 0.3), MET, surplus=0.2), "degenerate in part", "they overlap in what they do", 1),
    (curve(stage(1, 0.9, 0.7), stage(2, 0.3, 0.3), MET, surplus=0.0), "parts of one", "parts that add up", 1),
    # each carries more than half, and together they carry as much as their sum: no copies
    (curve(stage(1, 0.6, 0.55), stage(2, 0.6, 0.55), MET, surplus=0.0), "parts of one", "parts that add up", 2),
    (curve(stage(1, 0.9, 0.9), MET, surplus=0.0), "not degenerate", "one subspace", 1),
    (curve(MET, whole=None), "not degenerate", "No subspace of das has an effect outside its controls", 0),
    (curve(whole=None, ended="stage 1 was not found: why"), "undecided", "No subspace of das could be tested", 0),
    (curve(replace(MET, peeled=replace(MET.peeled, effect=UNMEASURED)), whole=None), "undecided", "does not tell clip from twin", 0),
]


@pytest.mark.parametrize(("peeling", "verdict", "reason", "copies"), CURVES)
def test_the_verdict_on_a_curve(peeling: Peeling, verdict: str, reason: str, copies: int) -> None:
    word, said = peeling_verdict(peeling, "das")
    assert (word, reason in said) == (verdict, True), said
    assert peeling.copies == copies and peeling.ended in said and word in VERDICTS


def test_a_copy_carries_more_than_half_with_its_lower_end() -> None:
    just = COPY + 0.02 + 1e-6
    for alone, copies in ((just, 1), (just - 1e-3, 0)):
        assert curve(stage(1, 0.9, alone), MET).copies == copies


def test_what_was_not_measured_stands_in_no_ones_way() -> None:
    unknown = Beside()
    assert unknown.found_again and not unknown.reads_the_same and not unknown.keeps
    assert not replace(unknown, refit=Refit(Interval(0.2, 0.125, 0.3, 80), UNMEASURED, 0.125)).found_again


def test_the_fields_of_what_stands_beside_are_numbers_or_nothing() -> None:
    plain: dict[str, Any] = vars(Beside())
    assert all(value is None or value is False or np.isnan(value) for value in plain.values())
