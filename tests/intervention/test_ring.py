"""Steering along the ring through the class means: exact at the classes, nearer than the circle between them, refused where none is."""

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
from jepascope.intervention.circle import Circle, circle_displacement
from jepascope.intervention.edits import displacement
from jepascope.intervention.edits.steer import steer_displacement
from jepascope.intervention.ring import Ring, ring_displacement

angles = st.lists(st.floats(-math.pi, math.pi), min_size=3, max_size=3)
theorem = settings(max_examples=25)
UNEVEN = torch.tensor([0.0, 0.4, 1.1, 1.7, 2.9, 3.6, 4.4, 5.6])


def bent(angle: Tensor) -> Tensor:
    """A closed curve that lies in no plane and whose speed changes on the way."""
    turned = angle + 0.5 * angle.sin()
    return torch.stack([turned.cos(), turned.sin(), 0.5 * (2 * angle).cos(), 0.4 * (2 * angle).sin() + 0.2 * angle.cos()], dim=1)


@theorem
@given(order=st.permutations(range(8)), turns=st.integers(-2, 2))
def test_between_class_angles_it_is_the_difference_of_class_means(order: list[int], turns: int) -> None:
    """In whatever order the classes are numbered, and by whatever number of turns an angle is named."""
    knots, means = UNEVEN[order], bent(UNEVEN)[order]
    source, target = torch.tensor([0, 1, 2, 3]), torch.tensor([5, 4, 7, 6])
    moved = ring_displacement(Ring(knots, means), knots[source], knots[target] + 2 * math.pi * turns)
    torch.testing.assert_close(moved, steer_displacement(means, source, target), atol=1e-4, rtol=1e-4)


@theorem
@given(source=angles, wanted=angles)
def test_steps_add_up_and_what_lies_off_the_ring_is_kept(source: list[float], wanted: list[float]) -> None:
    ring, a, b = Ring(UNEVEN, bent(UNEVEN)), torch.tensor(source), torch.tensor(wanted)
    off = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    pooled = ring.at(a) + off
    torch.testing.assert_close(pooled + ring_displacement(ring, a, b)[:, 0], ring.at(b) + off, atol=1e-4, rtol=1e-4)
    there_and_back = ring_displacement(ring, a, b) + ring_displacement(ring, b, a)
    torch.testing.assert_close(there_and_back, torch.zeros(3, 1, 4), atol=1e-5, rtol=0)


def test_on_a_curved_ring_of_uneven_classes_it_lands_nearer_than_the_circle_does() -> None:
    means, wanted = bent(UNEVEN), torch.linspace(0, 2 * math.pi, 101)[:-1]
    source = UNEVEN[torch.arange(100) % 8]
    by_ring = bent(source)[:, None] + ring_displacement(Ring(UNEVEN, means), source, wanted)
    by_circle = bent(source)[:, None] + circle_displacement(Circle.fitted(means, on_circle(UNEVEN)), source, wanted)
    missed, beside = ((to[:, 0] - bent(wanted)).norm(dim=1) for to in (by_ring, by_circle))
    assert float(missed.mean()) < 0.25 * float(beside.mean()) and float(missed.max()) < float(beside.max())


def test_on_an_even_circle_it_goes_where_the_circle_goes() -> None:
    """Cubic between eight classes: within 0.2 % of the radius."""
    even, wanted = torch.arange(8) * math.pi / 4, torch.linspace(0, 6, 50)
    ring = Ring(even, on_circle(even))
    torch.testing.assert_close(ring.at(wanted), on_circle(wanted), atol=2e-3, rtol=0)


@pytest.mark.parametrize(
    ("knots", "refusal"),
    [([0.0, 2.0], "at 3 different angles at least, and there are 2; use steer"), ([0.0, 2.0, 0.0], "Two classes show the same angle")],
)
def test_too_few_angles_make_no_ring(knots: list[float], refusal: str) -> None:
    with pytest.raises(BadData, match=refusal):
        Ring(torch.tensor(knots), torch.zeros(len(knots), 4)).at(torch.zeros(1))


def test_it_is_an_edit_and_a_variable_without_an_angle_is_refused(study) -> None:
    angle, wanted, rows = torch.zeros(8), torch.linspace(0, 3, 8), slice(2, 5)
    ring = Ring(torch.tensor([0.0, 2.0, 4.0]), torch.randn(3, 48, generator=torch.Generator().manual_seed(1)))
    circle = Circle(torch.zeros(48), torch.eye(48)[:, :2])
    scenes = replace(study.scenes, angle=angle, target_angle=wanted, circle=circle, ring=ring)
    hidden = scenes.source.tokens(1, rows)
    moved = displacement("spline", scenes, Site(1), rows, hidden)
    torch.testing.assert_close(moved, ring_displacement(ring, angle[rows], wanted[rows]))
    with pytest.raises(BadArgument, match=r"Only a circular variable \(direction, colour\)"):
        displacement("spline", study.scenes, Site(1), rows, hidden)


def test_tokens_keep_what_tells_them_apart() -> None:
    ring, source, wanted = Ring(UNEVEN, bent(UNEVEN).repeat(1, 3)[:, :10]), torch.zeros(3), torch.tensor([1.0, 2.0, 3.0])
    spread = torch.randn(3, 6, 10, generator=torch.Generator().manual_seed(3))
    hidden = ring.at(source)[:, None] + spread - spread.mean(1, True)
    moved = hidden + ring_displacement(ring, source, wanted)
    torch.testing.assert_close(moved - moved.mean(dim=1, keepdim=True), hidden - hidden.mean(dim=1, keepdim=True), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(moved.mean(dim=1), ring.at(wanted), atol=1e-5, rtol=1e-5)
