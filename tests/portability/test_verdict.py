"""Verdicts follow their criteria, one after the other, and every one of them can be reached."""

from __future__ import annotations

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import pytest
from known_ground import added_up, interval, part, random_basis

from jepascope.discovery.subspace import Subspace
from jepascope.portability.degeneracy import COPY, AddedUp, PairTest
from jepascope.portability.erasure import Refit
from jepascope.portability.peeling import Peeling, Stage
from jepascope.portability.verdict import ONE, VERDICTS, Beside, pair_verdict, peeling_verdict
from jepascope.stats import NOTHING as UNMEASURED

NO_EFFECT = -0.01  # lower end of an excess that reaches zero


def of(
    a: float,
    b: float,
    whole: float,
    surplus: float | None = None,
    own: tuple[bool, bool] = (True, True),
    above: bool = True,
    held: AddedUp | None = None,
    interplay: float = 0.0,
    half: float = 0.02,
) -> PairTest:
    """CE of each without the other and of both; whether each lies outside its controls; the same with norms held, if it differs."""
    parts = [part(name, value, 0.1 if there else NO_EFFECT, half=half) for name, value, there in (("a", a, own[0]), ("b", b, own[1]))]
    both, more = part("whole", whole, 0.1 if above else NO_EFFECT), a + b - whole if surplus is None else surplus
    held = held or added_up((a, b), whole, more)
    return PairTest(parts[0], parts[1], both, both, both, interval(more, half), held, interval(interplay))


COPIES = of(0.8, 0.9, 1.0)
PARTLY = of(0.4, 0.9, 1.0)
PARTS = of(0.4, 0.6, 1.0)
GAIN = of(0.7, 0.7, 1.0, held=added_up((0.5, 0.5), 1.0))
ONE_IDLE = of(0.9, 0.02, 1.0, own=(True, False))
SHARED = of(0.02, 0.02, 0.9, own=(False, False))
NOTHING = of(0.02, 0.02, 0.06, own=(False, False), above=False)
READS = Beside(readings=interval(0.6), readings_chance=0.1)
KEEPS = Beside(rce=interval(0.5), rce_floor=0.2)
ONE_CODE = Beside(refit=Refit(interval(0.125), interval(0.125), 0.125))

CASES: list[tuple[PairTest, Beside, str, str]] = [
    (COPIES, Beside(calibrated=ONE), "one subspace", "one subspace (calibrated SAS 0.90)"),
    (replace(COPIES, b_alone=part("b", 0.0, rank=0)), Beside(calibrated=0.5), "one subspace", "nothing to tell apart"),
    (replace(COPIES, whole=replace(COPIES.whole, effect=UNMEASURED)), Beside(), "undecided", "does not tell clip from twin"),
    (replace(COPIES, a_alone=part("a", 0.8, None)), Beside(), "undecided", "no room is left for controls"),
    # a control that moves the margin as far, whatever the other does
    (of(0.8, 0.9, 1.0, own=(False, True)), Beside(), "undecided", "controls of a move as much"),
    (of(0.8, 0.9, 1.0, own=(False, False)), READS, "undecided", "controls of a and of b move as much"),
    (of(0.02, 0.02, 0.9, own=(False, False), above=False), Beside(), "undecided", "controls of both move as much"),
    # intervals that hold a copy and nothing alike
    (of(0.9, 0.3, 1.0, own=(True, False), half=0.3), Beside(), "undecided", "the interval of b holds no effect and half of the whole"),
    (of(0.5, 0.5, 1.0, half=0.5, surplus=0.1), Beside(), "undecided", "holds no effect and half"),
    (of(0.6, 0.6, 1.0, surplus=0.3, half=0.3), Beside(), "undecided", "too wide to tell parts from copies"),
    (COPIES, Beside(), "degenerate", "either one is enough (surplus 0.70"),
    (COPIES, Beside(refit=Refit(interval(0.9), interval(0.9), 0.125)), "degenerate", "either one is enough"),
    # a refit is linear and pooled: it says how the copies are not read, and decides nothing
    (COPIES, ONE_CODE, "degenerate", "a fresh linear probe of pooled activations finds nothing, so the other is read otherwise"),
    (PARTLY, Beside(), "degenerate in part", "neither replaces the other"),
    (of(0.9, 0.9, 1.0, held=added_up((0.4, 0.9), 1.0)), Beside(), "degenerate in part", "neither replaces the other"),
    (PARTS, Beside(), "parts of one", "do not add up to more than the whole"),
    (PARTS, ONE_CODE, "parts of one", "do not add up to more than the whole"),
    (GAIN, Beside(), "parts of one", "only because norms turn up what is left"),
    (replace(SHARED, interplay=interval(0.4)), Beside(), "conjunctive", "neither alone, both together (what one adds to the other: 0.40"),
    (replace(SHARED, a=part("a", 0.0)), Beside(), "conjunctive", "neither alone, both together"),
    (ONE_IDLE, READS, "redundant by correlation", "b has no effect of its own without a, although it reads what goes together"),
    (ONE_IDLE, KEEPS, "redundant by correlation", "although it keeps some of its effect."),
    (ONE_IDLE, replace(READS, rce=KEEPS.rce, rce_floor=0.2), "redundant by correlation", "keeps some of its effect and reads what"),
    (of(0.02, 0.9, 1.0, own=(False, True)), READS, "redundant by correlation", "a has no effect of its own without b"),
    (ONE_IDLE, replace(READS, readings_chance=0.6), "not degenerate", "b has no effect of its own without a."),
    (ONE_IDLE, replace(KEEPS, rce_floor=0.5), "not degenerate", "b has no effect of its own without a."),
    (ONE_IDLE, replace(KEEPS, rce_floor=nan), "not degenerate", "b has no effect of its own without a."),
    (replace(ONE_IDLE, spans=(True, False)), Beside(), "not degenerate", "so that this was nearly forced; try a at a lower rank."),
    (replace(ONE_IDLE, spans=(False, True)), Beside(), "not degenerate", "b has no effect of its own without a."),
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
    turned = replace(
        test,
        a_alone=test.b_alone,
        b_alone=test.a_alone,
        a=test.b,
        b=test.a,
        held=replace(test.held, alone=test.held.alone[::-1]),
        spans=test.spans[::-1],
    )
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


def curve(
    *stages: Stage,
    whole: float | None = 1.0,
    surplus: float = 0.8,
    rest: float = 0.0,
    held: AddedUp | None = None,
    ended: str = "stage 3 met its controls",
) -> Peeling:
    if whole is None:
        return Peeling(stages, None, None, None, interval(rest), ended)
    added = added_up([stage.alone.effect.value for stage in stages if stage.alone is not None], whole, surplus)
    return Peeling(stages, part("whole", whole, None), added, held or added, interval(rest), ended)


MET = stage(3, 0.04, None, NO_EFFECT)
DROWNED = stage(3, 0.6, None, NO_EFFECT)
TWO = (stage(1, 0.9, 0.9), stage(2, 0.9, 0.9))
CURVES: list[tuple[Peeling, str, str, int]] = [
    (curve(*TWO, MET), "degenerate", "2 copies, each enough by itself", 2),
    (curve(*TWO, MET, rest=0.9), "degenerate", "2 copies, each enough by itself", 2),
    (curve(stage(1, 0.9, 0.9), stage(2, 0.4, 0.3), MET, surplus=0.2), "degenerate in part", "they overlap in what they do", 1),
    (curve(stage(1, 0.9, 0.7), stage(2, 0.3, 0.3), MET, surplus=0.0), "parts of one", "parts that add up", 1),
    # each carries more than half, and together they carry as much as their sum: no copies
    (curve(stage(1, 0.6, 0.55), stage(2, 0.6, 0.55), MET, surplus=0.0), "parts of one", "parts that add up", 2),
    # the norms make up for what is gone
    (curve(stage(1, 0.7, 0.7), stage(2, 0.7, 0.7), MET, surplus=0.4, held=added_up((0.5, 0.5), 1.0)), "parts of one", "parts that", 0),
    (curve(stage(1, 0.9, 0.1), stage(2, 0.9, 0.1), MET, surplus=-0.8), "conjunctive", "none of them alone, all of them together", 0),
    (curve(stage(1, 0.9, 0.9), MET, surplus=0.0), "not degenerate", "one subspace, and without it all that is left moves 0.00", 1),
    # what a search did not find may be there
    (curve(stage(1, 0.9, 0.9), MET, surplus=0.0, rest=0.9), "undecided", "what carries it there was not found", 1),
    (curve(stage(1, 0.9, 0.7), stage(2, 0.3, 0.3), MET, surplus=0.0, rest=0.6), "undecided", "without them all that is left moves", 1),
    (curve(MET, whole=None, rest=1.0), "undecided", "is not shown to move anything", 0),
    (curve(DROWNED, whole=None, rest=1.0), "undecided", "moves the margin no further than a control", 0),
    (curve(stage(1, 0.9, 0.9), DROWNED, surplus=0.0), "undecided", "another one moves the margin no further than a control", 1),
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
        assert curve(stage(1, 0.9, alone), MET, surplus=0.0).copies == copies


def test_what_was_not_measured_stands_in_no_ones_way() -> None:
    unknown = Beside()
    assert not unknown.reads_the_same and not unknown.keeps


def test_the_fields_of_what_stands_beside_are_numbers_or_nothing() -> None:
    plain: dict[str, Any] = vars(Beside())
    assert all(value is None or value is False or np.isnan(value) for value in plain.values())
