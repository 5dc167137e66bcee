"""Angles: what a circle gives on arcs that were left out, and what unrelated clusters give."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jepascope.discovery.probes.arc_order import arc_order_test, circular_orders
from jepascope.discovery.probes.circular import (
    Arcs,
    arc_floor,
    circular_errors,
    circular_median,
    decoded_angle,
    held_out_arcs,
    mean_circular_error,
    on_circle,
)
from jepascope.discovery.probes.ridge import ridge_probes
from jepascope.discovery.probes.value_scores import expanded_level, score_angle, score_arcs, score_number
from jepascope.errors import BadArgument, BadData
from jepascope.stats import mean_interval, scene_weights

EIGHT = torch.arange(160, dtype=torch.float64) % 8 * math.pi / 4
WEIGHTS = {n: scene_weights(n, np.random.default_rng(0)) for n in (80, 100)}


def circle(angles: Tensor, seed: int = 0, width: int = 20) -> Tensor:
    """A plane in noise."""
    g = torch.Generator().manual_seed(seed)
    return on_circle(angles).float() @ torch.randn(2, width, generator=g) + 0.3 * torch.randn(len(angles), width, generator=g)


def noise(angles: Tensor, seed: int = 0, width: int = 20) -> Tensor:
    return torch.randn(len(angles), width, generator=torch.Generator().manual_seed(seed))


def clusters(angles: Tensor, seed: int = 0, width: int = 20) -> Tensor:
    """A direction of its own for each of eight angles, all orthogonal."""
    g = torch.Generator().manual_seed(seed)
    index = (angles / (math.pi / 4)).round().long() % 8
    axes = torch.linalg.qr(torch.randn(width, width, generator=g))[0][:8]
    return 3 * axes[index] + 0.3 * torch.randn(len(angles), width, generator=g)


@pytest.mark.parametrize("angles", [EIGHT, torch.rand(160, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 6.28])
def test_a_circle_is_read_on_arcs_that_were_left_out_and_clusters_are_not(angles: Tensor) -> None:
    fit, test = slice(0, 80), slice(80, 160)
    layers = {"circle": circle(angles), "clusters": clusters(angles)}
    values = on_circle(angles)
    paths = ridge_probes({name: x[fit] for name, x in layers.items()}, values[fit])
    read = held_out_arcs({k: x[fit] for k, x in layers.items()}, values[fit], {k: x[test] for k, x in layers.items()}, values[test])
    arc = Arcs.of(angles[fit]).index(angles[test])
    weights = scene_weights(80, np.random.default_rng(0), arc.numpy())
    error = {}
    for name, x in layers.items():
        shown = paths[name].probe.predict(x[test])
        inside = score_angle(values[test], shown, values[fit], WEIGHTS[80])
        assert inside.error.value < 20 and inside.r2.value > 0.7  # where nothing is left out both are read
        error[name] = score_arcs(values[test], read[name].predicted, shown, arc, weights)
        assert error[name].gap.value == pytest.approx(error[name].error.value - inside.error.value)
    assert error["circle"].error.high < 30 and error["circle"].gap.high < 10
    assert error["clusters"].error.low > 60 and error["clusters"].gap.low > 50


def test_an_exact_circle_is_read_on_held_out_arcs_whatever_else_varies() -> None:
    """Not shrunk for the sake of a target that no circle can hit."""
    g = torch.Generator().manual_seed(0)
    values, angles = on_circle(EIGHT.repeat(3)), EIGHT.repeat(3)
    nuisance = torch.randn(len(angles), 18, generator=g) * torch.logspace(1, -2, 18)
    x = (torch.cat([values.float(), nuisance], dim=1) @ torch.linalg.qr(torch.randn(20, 20, generator=g))[0]).double()
    read = held_out_arcs({0: x[:400]}, values[:400], {0: x[400:]}, values[400:])[0]
    assert circular_errors(angles[400:], decoded_angle(read.predicted)).mean() < 1


def test_the_floor_is_what_a_perfect_circle_gives_and_there_is_none_for_even_classes() -> None:
    assert arc_floor(on_circle(EIGHT), on_circle(EIGHT)) < 1e-3
    hue = torch.rand(300, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2 * math.pi
    floor = arc_floor(on_circle(hue[:200]), on_circle(hue[200:]))
    assert 1 < floor < 4
    turned = on_circle(hue) @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).double()  # a perfect circle that starts elsewhere
    read = held_out_arcs({0: turned[:200]}, on_circle(hue[:200]), {0: turned[200:]}, on_circle(hue[200:]))[0]
    assert float(circular_errors(hue[200:], decoded_angle(read.predicted)).mean()) == pytest.approx(floor, abs=1e-3)


@pytest.mark.slow
def test_the_true_order_is_read_as_held_out_arcs_are_and_stands_out_on_a_circle_alone() -> None:
    values, p = on_circle(EIGHT), {}
    for maker in (circle, noise, clusters):
        tests = []
        for seed in range(10):
            x = maker(EIGHT, seed)
            found = arc_order_test(x[:80], values[:80], x[80:], values[80:], draws=39)
            read = held_out_arcs({0: x[:80]}, values[:80], {0: x[80:]}, values[80:])[0]
            assert found is not None and len(found.others) == 39
            assert found.error == pytest.approx(float(circular_errors(EIGHT[80:], decoded_angle(read.predicted)).mean()), abs=1e-3)
            tests.append(found.p)
        p[maker] = torch.tensor(tests)
    assert (p[circle] == 1 / 40).all()
    for nothing in (noise, clusters):
        assert 0.2 < p[nothing].mean() < 0.8 and (p[nothing] <= 0.05).sum() <= 3


def test_another_order_of_the_classes_is_read_as_if_it_were_the_true_one() -> None:
    """The products with class scores are the probes of permuted targets, choice of strength included."""
    x, values = clusters(EIGHT), on_circle(EIGHT)
    found = arc_order_test(x[:80], values[:80], x[80:], values[80:], draws=3, seed=5)
    assert found is not None
    for order, error in zip(circular_orders(8, 3, 5), found.others, strict=True):
        moved = torch.from_numpy(order)[torch.arange(160) % 8] * math.pi / 4
        read = held_out_arcs({0: x[:80]}, on_circle(moved[:80]), {0: x[80:]}, on_circle(moved[80:]))[0]
        assert error == pytest.approx(float(circular_errors(moved[80:], decoded_angle(read.predicted)).mean()), abs=1e-3)


@pytest.mark.parametrize(("classes", "others"), [(4, 2), (5, 11), (6, 59), (8, 200)])
def test_orders_are_told_apart_by_who_is_next_to_whom(classes: int, others: int) -> None:
    def neighbours(order: np.ndarray) -> frozenset[frozenset[int]]:
        around = np.argsort(order)
        return frozenset(frozenset((int(a), int(b))) for a, b in zip(around, np.roll(around, 1), strict=True))

    kinds = [neighbours(order) for order in circular_orders(classes)]
    assert len(kinds) == len(set(kinds)) == others
    assert neighbours(np.arange(classes)) not in kinds


def test_continuous_angles_have_no_order_to_permute() -> None:
    angles = torch.linspace(0, 6.2, 100, dtype=torch.float64)
    assert arc_order_test(circle(angles), on_circle(angles), circle(angles), on_circle(angles)) is None


def test_clips_of_an_arc_are_no_more_than_one_reading() -> None:
    """Errors that are the same within an arc: the interval is that of eight arcs, however many clips."""
    values, arc = on_circle(EIGHT), Arcs.of(EIGHT).index(EIGHT)
    off = on_circle(EIGHT + torch.linspace(0, 1, 8, dtype=torch.float64)[arc])
    few, many = ([scene_weights(n, np.random.default_rng(0), arc[:n].numpy())] for n in (80, 160))
    once, twice = (score_arcs(values[:n], off[:n], values[:n], arc[:n], w[0]).error for n, w in ((80, few), (160, many)))
    assert (once.low, once.high) == (pytest.approx(twice.low), pytest.approx(twice.high))
    lone = score_arcs(values[::8], off[::8], values[::8], arc[::8], scene_weights(20, np.random.default_rng(0), arc[::8].numpy()))
    assert math.isnan(lone.error.low) and math.isnan(lone.gap.high)


def test_an_interval_over_eight_arcs_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    weights = scene_weights(8, rng)
    plain, expanded = (
        np.mean([one.low <= 0 <= one.high for one in (mean_interval(draw, weights, level) for draw in rng.normal(size=(500, 8)))])
        for level in (0.95, expanded_level(0.95, 8))
    )
    assert plain < 0.92 < expanded < 0.98


@given(st.lists(st.floats(0, 6.28), min_size=1, max_size=40), st.floats(0, 6.28))
def test_no_constant_guess_is_nearer_than_the_circular_median(angles: list[float], other: float) -> None:
    true = torch.tensor(angles, dtype=torch.float64)
    own, rival = (circular_errors(true, guess.expand(len(true))).mean() for guess in (circular_median(true), torch.tensor(other)))
    assert own <= rival + 1e-5


def test_the_best_constant_guess_of_angles_that_gather_is_better_than_ninety_degrees() -> None:
    gathered = torch.rand(200, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = score_angle(on_circle(gathered[:100]), on_circle(gathered[:100]), on_circle(gathered[100:]), WEIGHTS[100])
    assert found.chance == pytest.approx(math.degrees(0.25), abs=2)  # of a uniform angle on 0..1 radians
    opposite = score_angle(on_circle(gathered[:100]), on_circle(gathered[:100]), on_circle(gathered[100:] + math.pi), WEIGHTS[100])
    assert opposite.chance == 90
    even = score_angle(on_circle(EIGHT[:80]), on_circle(EIGHT[:80]), on_circle(EIGHT[80:]), WEIGHTS[80])
    assert even.chance == pytest.approx(90)


@pytest.mark.parametrize("nothing", [noise, clusters])
def test_where_there_is_no_circle_held_out_arcs_err_by_chance(nothing: Callable[[Tensor, int], Tensor]) -> None:
    """Not by more: the mean of the arcs that were shown would always name the opposite angle."""
    values = on_circle(EIGHT)
    errors = []
    for seed in range(12):
        x = nothing(EIGHT, seed)
        read = held_out_arcs({0: x[:80]}, values[:80], {0: x[80:]}, values[80:])[0]
        errors.append(float(circular_errors(EIGHT[80:], decoded_angle(read.predicted)).mean()))
    mean, spread = torch.tensor(errors).mean(), torch.tensor(errors).std() / 12**0.5
    assert abs(float(mean) - 90) < 3.5 * float(spread)
    assert spread < 8


def test_no_clip_of_an_arc_has_a_say_in_what_is_read_there() -> None:
    values, x = on_circle(EIGHT), circle(EIGHT)
    spoilt = torch.where((EIGHT[3] == EIGHT)[:, None] & (torch.arange(160) < 80)[:, None], torch.randn_like(x) * 100, x)
    plain = held_out_arcs({0: x[:80]}, values[:80], {0: x[80:]}, values[80:])[0]
    other = held_out_arcs({0: spoilt[:80]}, values[:80], {0: x[80:]}, values[80:])[0]
    rows = EIGHT[80:] == EIGHT[3]
    assert torch.equal(plain.predicted[rows], other.predicted[rows])
    assert not torch.equal(plain.predicted[~rows], other.predicted[~rows])


def test_turning_all_angles_turns_what_is_read() -> None:
    x = circle(EIGHT)
    one = held_out_arcs({0: x[:80]}, on_circle(EIGHT[:80]), {0: x[80:]}, on_circle(EIGHT[80:]))[0]
    turned = EIGHT + math.pi / 4
    other = held_out_arcs({0: x[:80]}, on_circle(turned[:80]), {0: x[80:]}, on_circle(turned[80:]))[0]
    apart = circular_errors(decoded_angle(one.predicted) + math.pi / 4, decoded_angle(other.predicted))
    assert apart.max() < 1e-3


def test_arcs_hold_one_class_each_where_angles_are_discrete() -> None:
    for classes in (6, 8, 12):
        angles = torch.arange(60, dtype=torch.float64) % classes * 2 * math.pi / classes + 0.1
        arcs = Arcs.of(angles)
        assert len(arcs.centres) == classes
        for arc in range(classes):
            assert len(angles[arcs.index(angles) == arc].unique()) == 1
    spread = torch.linspace(0, 6.2, 100, dtype=torch.float64)
    assert len(Arcs.of(spread).centres) == 8
    assert Arcs.of(spread).index(torch.tensor([-0.3, 0.3, 6.2, math.pi])).tolist() == [0, 0, 0, 4]


@settings(max_examples=50)
@given(a=st.floats(-10, 10), b=st.floats(-10, 10), turn=st.floats(-10, 10), rounds=st.integers(-3, 3))
def test_circular_error_is_a_distance_on_the_circle(a: float, b: float, turn: float, rounds: int) -> None:
    def error(one: float, other: float) -> float:
        return float(circular_errors(torch.tensor([one], dtype=torch.float64), torch.tensor([other], dtype=torch.float64)))

    assert 0 <= error(a, b) <= 180
    assert error(a, b) == pytest.approx(error(b, a), abs=1e-6)
    assert error(a + turn, b + turn) == pytest.approx(error(a, b), abs=1e-6)
    assert error(a, b + 2 * math.pi * rounds) == pytest.approx(error(a, b), abs=1e-6)
    assert error(a, a + math.pi) == pytest.approx(180)


def test_guesses_of_a_uniform_angle_err_by_ninety_degrees() -> None:
    assert float(circular_errors(EIGHT, torch.full_like(EIGHT, 0.7)).mean()) == pytest.approx(90)
    guess = torch.rand(4000, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 7
    error = mean_circular_error(EIGHT.repeat(25), guess, scene_weights(4000, np.random.default_rng(0)))
    assert error.low < 90 < error.high
    assert error.high - error.low < 5


def test_numbers_are_scored_in_their_unit_beside_the_best_constant() -> None:
    g = torch.Generator().manual_seed(0)
    fitted, true = torch.rand(200, generator=g), torch.rand(100, generator=g)
    perfect = score_number(true, true, fitted, WEIGHTS[100])
    assert (perfect.error.value, perfect.r2.value) == (0, 1)
    assert perfect.chance == pytest.approx(0.25, abs=0.03)  # of a uniform number on 0..1
    constant = score_number(true, torch.full_like(true, float(fitted.median())), fitted, WEIGHTS[100])
    assert constant.error.value == pytest.approx(constant.chance, abs=1e-3)
    mean = score_number(true, torch.full_like(true, float(fitted.mean())), fitted, WEIGHTS[100]).r2
    assert (mean.value, mean.low, mean.high) == (pytest.approx(0, abs=1e-4), pytest.approx(0, abs=1e-4), pytest.approx(0, abs=1e-4))
    off = score_number(true, true + 0.1, fitted, WEIGHTS[100])
    assert off.error.value == pytest.approx(0.1, abs=1e-6)
    assert score_number(5 * true, 5 * true + 0.5, 5 * fitted, WEIGHTS[100]).error.value == pytest.approx(0.5, abs=1e-6)


def test_bad_input_is_refused_in_a_sentence() -> None:
    few = torch.arange(40) % 3 * math.pi / 2
    x = circle(few)
    with pytest.raises(BadData, match=r"lie in 3 arc\(s\).*at least 4"):
        held_out_arcs({0: x}, on_circle(few), {0: x}, on_circle(few))
    with pytest.raises(BadArgument, match="at least 4 arcs, not 2"):
        Arcs.of(torch.linspace(0, 6, 50), 2)
    spoilt = x.clone()
    spoilt[3, 1] = torch.inf
    eight = on_circle(EIGHT[:40])
    with pytest.raises(BadData, match=r"Layer 4 holds NaN or infinite.*capture"):
        held_out_arcs({4: spoilt}, eight, {4: x}, eight)
