"""Words of stage two follow from the numbers, whichever way these turn out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepascope.findings.circle import Error, steer_words
from jepascope.findings.doses import clear_doses, curve_words, fade_words, shift_words
from jepascope.findings.effect import Against, Effect
from jepascope.findings.fresh import FRESH, UNREAD, Share, refit_words
from jepascope.findings.isolation import CrossEffect, Level, isolation_words
from jepascope.findings.read import READ
from jepascope.findings.verdict import beside_draws, verdict
from jepascope.report.folder import read_run

NAN = math.nan
FINITE = st.floats(-5, 5)


def cross(read: str, value: float, half: float, readable: bool = True) -> CrossEffect:
    """An effect with a 95 % interval of ``half`` to either side, and the 90 % interval that belongs to it."""
    few = half * 1.645 / 1.96
    own = Level(value, value - half, value + half)
    return CrossEffect(read, own, readable, abs(value) + few < 0.1, value - few, value + few, 0.1)


@pytest.mark.parametrize(
    ("value", "half", "readable", "reading"),
    [
        (0.3, 0.1, True, "leaks"),
        (-0.3, 0.1, True, "leaks"),
        (0.3, 0.4, True, "undecided"),
        (0.02, 0.05, True, "unaffected"),
        (0.05, 0.02, True, "unaffected"),  # told from zero, and shown to be small
        (0.09, 0.05, True, "undecided"),  # told from zero, and neither small nor beyond the margin
        (0.02, 0.2, True, "no power"),  # neither the margin nor nothing is told from it
        (0.02, 0.1, True, "undecided"),
        (0.9, 0.1, False, "not readable"),
        (NAN, NAN, True, "undecided"),
    ],
)
def test_a_leak_is_clear_of_zero_and_larger_than_the_margin(value: float, half: float, readable: bool, reading: str) -> None:
    assert cross("size", value, half, readable).reading == reading


@given(FINITE, st.floats(0, 5))
def test_nothing_both_leaks_and_is_unaffected(value: float, half: float) -> None:
    effect = cross("size", value, half)
    leaks = effect.own.low > 0 or effect.own.high < 0
    assert effect.reading != "leaks" or (leaks and not effect.equivalent)
    assert effect.reading != "unaffected" or effect.equivalent


def test_every_factor_is_named_once_under_what_is_shown_of_it() -> None:
    effects = [cross("size", 0.3, 0.1), cross("speed", 0.0, 0.05), cross("shape", 0.05, 0.3), cross("place", 0.5, 0.1, readable=False)]
    said = isolation_words(effects, "direction", "lda", "ablate")
    assert said.startswith("Ablating the subspace of direction (lda) also changes the read-out of size (share lost 0.300 [0.200, 0.400])")
    assert "Shown to stay within ±0.1: speed" in said and "shape 0.050" in said and "nothing can be said: place." in said
    assert all(said.count(name) == 1 for name in ("size", "speed", "shape 0.050", "place"))


def test_no_leak_is_shown_with_a_wide_interval_is_no_power_and_says_what_could_have_been_seen() -> None:
    said = isolation_words([cross("size", 0.05, 0.4)], "direction", "lda", "ablate")
    assert said.startswith("Ablating the subspace of direction (lda): no power to tell whether it leaks, changes of less than 0.40")
    assert "not shown to leak" not in said
    both = isolation_words([cross("size", 0.05, 0.4), cross("speed", 0.0, 0.05)], "direction", "lda", "ablate")
    assert "is not shown to leak on any other factor. Shown to stay within ±0.1: speed" in both and "No power, changes of less than" in both


def test_what_is_gained_is_not_called_lost_and_nothing_is_not_no_leak() -> None:
    assert "size (share gained 0.300 [0.200, 0.400])" in isolation_words([cross("size", -0.3, 0.1)], "direction", "lda", "swap")
    assert "no other variable was read" in isolation_words([], "direction", "lda", "swap")
    only = isolation_words([cross("place", 0.5, 0.1, readable=False)], "direction", "lda", "swap")
    assert "is not shown to change" not in only and "nothing can be said: place" in only


@pytest.mark.parametrize(
    ("own", "draws", "said"),
    [
        ((0.3, 0.4), (0.0, 0.2), "above every draw of"),
        ((0.1, 0.4), (0.0, 0.2), "not clear of the draws of"),
        ((-0.4, -0.3), (0.0, 0.2), "below every draw of"),
        ((NAN, 0.4), (0.0, 0.2), "not comparable with"),
    ],
)
def test_an_interval_is_read_beside_the_range_of_the_draws(own: tuple[float, float], draws: tuple[float, float], said: str) -> None:
    assert beside_draws(*own, *draws) == said


def curve(values: dict[float, float], half: float = 0.05, control: float = 0.1) -> pd.DataFrame:
    rows = [{"control": "subspace", "dose": dose, "value": v, "low": v - half, "high": v + half, "draws": 1} for dose, v in values.items()]
    rows += [{"control": "random", "dose": dose, "value": 0.0, "low": -control, "high": control, "draws": 3} for dose in values]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({0.25: 0.3, 1.0: 0.8, 2.0: 1.2}, "At every dose its interval lies above every draw of random controls (3 draws each)"),
        ({0.25: 0.3, 1.0: 0.8, 2.0: 1.2}, "goes on growing to dose 2"),
        ({0.25: 0.0, 1.0: 0.8, 2.0: 0.81}, "From dose 1 on"),
        ({0.25: 0.0, 1.0: 0.8, 2.0: 0.81}, "At dose 2 it is not told apart from that at dose 1"),
        ({0.25: 0.0, 1.0: 0.8, 2.0: 0.1}, "at dose 1 only"),
        ({0.25: 0.0, 1.0: 0.8, 2.0: 0.1}, "At dose 2 it is smaller again"),
        ({0.25: 0.0, 1.0: 0.05}, "At no dose does its interval lie above every draw"),
        ({0.25: NAN, 1.0: NAN}, "no effect was measured at any dose"),
    ],
)
def test_a_curve_is_read_from_its_intervals_and_the_draws_beside_them(values: dict[float, float], said: str) -> None:
    assert said in curve_words(curve(values), "Ablation, lda")


def test_a_dose_without_a_control_is_clear_of_nothing() -> None:
    rows = curve({0.5: 0.8, 1.0: 0.9})
    assert clear_doses(rows) == [0.5, 1.0]
    assert clear_doses(rows[(rows["control"] == "subspace") | (rows["dose"] == 1.0)]) == [1.0]
    assert "No control was run beside it." in curve_words(rows[rows["control"] == "subspace"], "Ablation, lda")


@pytest.mark.parametrize(
    ("shift", "said"),
    [
        ((1.0, 0.9, 1.1), "not told apart from the twin's change"),
        ((0.9999999, 0.9999998, 0.99999995), "the twin's change itself"),
        ((0.5, 0.4, 0.6), "less than the twin's change"),
        ((1.5, 1.4, 1.6), "more than the twin's change"),
        ((-0.5, -0.6, -0.4), "a step against the twin's change"),
        ((0.0, -0.1, 0.1), "no step along the twin's change that is told from zero"),
        ((NAN, NAN, NAN), "no natural dose to compare with"),
    ],
)
def test_a_dose_is_held_against_the_twins_own_change(shift: tuple[float, float, float], said: str) -> None:
    assert shift_words(*shift) == said


def course(first: float, last: float, edit: str = "ablate", half: float = 0.05) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"control": "subspace", "edit": edit, "read_layer": layer, "value": value, "low": value - half, "high": value + half}
            for layer, value in ((2, first), (6, last))
        ]
    )


def test_an_effect_fades_or_grows_only_where_its_intervals_are_apart() -> None:
    assert "fades" in (said := fade_words(course(0.9, 0.3), "Ablation, lda")) and "self-repair" in said
    assert "self-repair" not in fade_words(course(0.9, 0.3, "swap"), "Swap, lda")
    assert "grows" in fade_words(course(0.3, 0.9), "Ablation, lda")
    assert "neither fading nor growing is shown" in fade_words(course(0.9, 0.85), "Ablation, lda")
    assert "not known whether it fades" in fade_words(course(0.9, 0.3, half=NAN), "Ablation, lda")
    assert fade_words(course(0.9, 0.3).head(1), "Ablation, lda") == ""


CLEAN = Share(0.95, 0.9, 0.98)


@pytest.mark.parametrize(
    ("fresh", "said"),
    [
        (Share(0.2, 0.1, 0.3), "finds nothing that can be told from chance: as far as it can read, the variable is gone"),
        (Share(0.44, 0.1, 0.92), "told apart neither from chance nor from unedited clips: whether the variable is gone stays open"),
        (Share(0.5, 0.45, 0.6), "Less than before, but above chance: the variable is still there"),
        (Share(0.92, 0.85, 0.96), "outside the subspace, and no loss to a fresh one is shown"),
        (Share(0.5, NAN, NAN), "nothing can be said without an interval"),
    ],
)
def test_what_a_fresh_probe_finds_is_held_against_chance_and_against_before(fresh: Share, said: str) -> None:
    assert said in refit_words("lda, the linear probe", Share(0.3, 0.2, 0.4), fresh, CLEAN, 0.15)


def test_the_frozen_one_lost_its_way_of_reading_only_where_a_fresh_one_is_shown_to_read_more() -> None:
    fresh, way = Share(0.6, 0.5, 0.7), "lost was its way of reading, not the variable"
    assert way in refit_words("lda", Share(0.3, 0.2, 0.4), fresh, CLEAN, 0.15)
    assert way not in refit_words("lda", Share(0.4, 0.3, 0.55), fresh, CLEAN, 0.15)


@pytest.mark.parametrize(
    ("error", "draws", "said"),
    [
        (Error(20.0, 17.0, 23.0), [80.0, 90.0], "follows the request, better than with any draw of random directions"),
        (Error(60.0, 50.0, 70.0), [55.0, 90.0], "better than a random angle would, but no better than some draw"),
        (Error(60.0, 50.0, 70.0), [], "better than a random angle would."),
        (Error(88.0, 80.0, 96.0), [80.0, 90.0], "The request is not followed"),
        (Error(20.0, NAN, NAN), [80.0], "Without an interval nothing is claimed"),
    ],
)
def test_steering_is_followed_only_beyond_chance_and_its_draws(error: Error, draws: list[float], said: str) -> None:
    assert said in steer_words("lda, steer", error, draws, 10.0, 80)


def test_a_verdict_names_the_edit_that_it_is_about() -> None:
    assert verdict("lda", Effect(0.7, 0.6, 0.8), [], "swap").startswith("lda: swap has an effect")
    against = verdict("lda", Effect(-0.4, -0.5, -0.3), [], "swap")
    assert "changes the margin the other way (CE" in against and "it grows" not in against


def test_controls_of_few_draws_are_not_compared_one_by_one() -> None:
    nothing = dict.fromkeys(("value", "low", "high", "excess_low", "excess_high")) | {"bound": False}
    own = Effect(0.7, 0.6, 0.8)
    said = verdict("lda", own, [Against.of(nothing, own, control) for control in ("random", "variance")])
    assert said.endswith("whether that is more than any control has is not known (no ratio to any).")


def test_what_is_left_for_a_fresh_read_out_is_claimed_only_of_what_the_network_was_trained_to_tell(complete: Path) -> None:
    """Read at chance, the same table of fresh read-outs shows nothing."""
    run = read_run(complete)
    probes, values = (run.table(name) for name in ("probes", "values"))
    assert probes is not None and values is not None
    read, before = READ.find(run), FRESH.find(run)
    assert read is not None and before is not None and (read.verdict, before.verdict) == ("shown", "shown")
    at_chance = probes.assign(accuracy=probes["chance"], low=0.0, high=1.0)
    unread = replace(run, tables={**run.tables, "probes": at_chance, "values": values[:0]})
    after = FRESH.find(unread)
    assert after is not None and after.verdict == "undecided" and after.sentence == f"{before.sentence} {UNREAD}"
    assert after.numbers == before.numbers
