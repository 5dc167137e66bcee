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

from jepascope.discovery.probes.circular import Arcs, circular_errors, decoded_angle, held_out_arcs, mean_circular_error, on_circle
from jepascope.discovery.probes.ridge import ridge_probes
from jepascope.discovery.probes.value_scores import score_angle, score_number
from jepascope.errors import BadArgument, BadData
from jepascope.stats import scene_weights

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
    error = {}
    for name, x in layers.items():
        inside = score_angle(values[test], paths[name].probe.predict(x[test]), WEIGHTS[80])
        error[name] = score_angle(values[test], read[name].predicted, WEIGHTS[80])
        assert inside.error.value < 20  # where nothing is left out both are read
        assert inside.chance == error[name].chance == 90
    assert error["circle"].error.high < 30
    assert error["circle"].r2.value > 0.7
    assert error["clusters"].error.low > 60
    assert error["clusters"].r2.value < 0.1


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


@settings(max_examples=50, deadline=None)
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
    assert constant.r2.value <= 0
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
