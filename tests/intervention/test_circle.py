"""Steering along a circle and rotating in its plane: exact on an exact circle, and refused where there is none."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.probes.circular import on_circle
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.circle import Circle, circle_displacement, rotation_displacement
from jepascope.intervention.conditions import merged
from jepascope.intervention.edits import displacement
from jepascope.intervention.run import run_edit

WIDTH, TOKENS = 10, 6
angles = st.lists(st.floats(-math.pi, math.pi), min_size=3, max_size=3)
theorem = settings(max_examples=25)


def planted(seed: int) -> Circle:
    """An ellipse: axes of different lengths that are not orthogonal."""
    generator = torch.Generator().manual_seed(seed)
    return Circle(torch.randn(WIDTH, generator=generator), torch.randn(WIDTH, 2, generator=generator))


def on(circle: Circle, angle: Tensor) -> Tensor:
    return circle.middle + on_circle(angle) @ circle.axes.T


def tokens_of(pooled: Tensor, seed: int) -> Tensor:
    """Tokens that differ, in every direction, and whose mean is ``pooled``."""
    spread = torch.randn(len(pooled), TOKENS, WIDTH, generator=torch.Generator().manual_seed(seed))
    return pooled[:, None] + spread - spread.mean(dim=1, keepdim=True)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("count", [3, 8, 40])
def test_an_exact_circle_is_fitted_exactly(seed: int, count: int) -> None:
    circle, angle = planted(seed), torch.arange(count) * 2 * math.pi / count + seed
    found = Circle.fitted(on(circle, angle), on_circle(angle))
    torch.testing.assert_close(found.middle, circle.middle, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.axes, circle.axes, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(found.filters @ circle.axes, torch.eye(2), atol=1e-5, rtol=0)


@theorem
@given(seed=st.integers(0, 1000), source=angles, wanted=angles)
def test_a_clip_on_the_circle_goes_to_the_angle_asked_for_by_steering_and_by_rotation(
    seed: int, source: list[float], wanted: list[float]
) -> None:
    circle, a, b = planted(seed), torch.tensor(source), torch.tensor(wanted)
    hidden = tokens_of(on(circle, a), seed + 1)
    steered = hidden + circle_displacement(circle, a, b)
    turned = hidden + rotation_displacement(hidden, circle, b - a)
    for moved in (steered, turned):
        torch.testing.assert_close(moved.mean(dim=1), on(circle, b), atol=1e-3, rtol=1e-3)


@theorem
@given(seed=st.integers(0, 1000), turn=angles, more=angles)
def test_rotations_compose_and_none_changes_nothing(seed: int, turn: list[float], more: list[float]) -> None:
    circle, a, b = planted(seed), torch.tensor(turn, dtype=torch.float64), torch.tensor(more, dtype=torch.float64)
    hidden = tokens_of(torch.zeros(3, WIDTH), seed).double()
    assert (rotation_displacement(hidden, circle, torch.zeros(3, dtype=torch.float64)) == 0).all()
    once = hidden + rotation_displacement(hidden, circle, a)
    twice = once + rotation_displacement(once, circle, b)
    # the circle's axes and their inverse are kept in float32
    torch.testing.assert_close(twice, hidden + rotation_displacement(hidden, circle, a + b), atol=1e-3, rtol=1e-3)
    back = once + rotation_displacement(once, circle, -a)
    torch.testing.assert_close(back, hidden, atol=1e-3, rtol=1e-3)


@theorem
@given(seed=st.integers(0, 1000), turn=angles)
def test_a_rotation_keeps_lengths_in_the_plane_and_what_lies_outside_it(seed: int, turn: list[float]) -> None:
    circle, angle = planted(seed), torch.tensor(turn)
    hidden = tokens_of(torch.zeros(3, WIDTH), seed)
    moved = rotation_displacement(hidden, circle, angle)
    inside = [(part - circle.middle) @ circle.filters.T for part in (hidden, hidden + moved)]
    torch.testing.assert_close(inside[1].norm(dim=-1), inside[0].norm(dim=-1), atol=1e-3, rtol=1e-3)
    plane = torch.linalg.qr(circle.axes).Q
    torch.testing.assert_close(moved @ plane @ plane.T, moved, atol=1e-3, rtol=1e-3)


def test_angles_on_one_line_span_no_plane() -> None:
    angle = torch.tensor([0.0, math.pi, 0.0, math.pi])
    with pytest.raises(BadData, match=r"do not span a plane.*at least three directions"):
        Circle.fitted(on(planted(0), angle), on_circle(angle))


def test_a_flat_circle_cannot_be_rotated_and_can_be_steered_along() -> None:
    axis = torch.randn(WIDTH, 1, generator=torch.Generator().manual_seed(0))
    flat = Circle(torch.zeros(WIDTH), axis @ torch.tensor([[1.0, 2.0]]))
    hidden, angle = torch.zeros(3, TOKENS, WIDTH), torch.tensor([0.0, 1.0, 2.0])
    with pytest.raises(BadArgument, match="flat: the angle moves activations along one line only"):
        rotation_displacement(hidden, flat, angle)
    moved = circle_displacement(flat, angle, angle + 1)
    torch.testing.assert_close(moved, (on_circle(angle + 1) - on_circle(angle))[:, None] @ flat.axes.T)


def test_a_variable_without_an_angle_is_refused_with_what_does_instead(study) -> None:
    site, scenes = Site(1), replace(study.scenes, angle=None)
    hidden = scenes.source.tokens(1, slice(0, 2))
    with pytest.raises(BadArgument, match=r"Only a circular variable \(direction, colour\) can be rotated; use steer"):
        displacement("rotate", scenes, site, slice(0, 2), hidden)
    conditions = merged({"one": study.subspace(1)}, {}, (1.0,), "rotate")
    with pytest.raises(BadArgument, match="can be rotated; use steer"):
        run_edit(study.encoder, site, scenes, conditions, [replace(study.judge, tokens="all")], "rotate")


def test_scenes_are_steered_to_the_angle_asked_for_where_one_is(study) -> None:
    circle = planted(3)
    wide = Circle(torch.zeros(48), torch.eye(48)[:, :2] * circle.axes[:2, :2].det())
    angle, wanted = torch.zeros(8), torch.full((8,), 0.5)
    scenes = replace(study.scenes, angle=angle, target_angle=wanted, circle=wide)
    hidden, rows = scenes.source.tokens(1), slice(0, 8)
    by_class = displacement("steer", scenes, Site(1), rows, hidden)
    torch.testing.assert_close(by_class[:, 0], scenes.class_means[scenes.target] - scenes.class_means[scenes.label])
    asked = displacement("steer", replace(scenes, requested=True), Site(1), rows, hidden)
    torch.testing.assert_close(asked, circle_displacement(wide, angle, wanted))
    turned = displacement("rotate", scenes, Site(1), slice(2, 5), hidden[2:5])
    torch.testing.assert_close(turned, rotation_displacement(hidden[2:5], wide, wanted[:3]))
