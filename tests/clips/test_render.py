"""The renderer draws what geometry says: areas, positions below a pixel, the same scene at every size."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from jepascope.clips.ranges import SHAPES
from jepascope.clips.render import Objects, Waves, coverage, render, texture

# How far a rendered shift may be off, in pixels (disc, square, diamond, triangle). Corner pixels take the lesser of both edges'
# coverage instead of the product, so shapes with corners are off by more than a disc.
CENTROID = (0.02, 0.06, 0.16, 0.08)
EVERY_SHAPE = pytest.mark.parametrize("shape", range(len(SHAPES)), ids=SHAPES)


def one(shape: int, x: float = 0.5, y: float = 0.5, vx: float = 0.0, vy: float = 0.0, radius: float = 0.1) -> Objects:
    """One clip with one object."""
    at = lambda value: torch.tensor([[value]])  # noqa: E731
    return Objects(torch.tensor([[shape]]), at(x), at(y), at(vx), at(vy), at(radius), torch.tensor([[[1.0, 0.5, 0.0]]]))


def flat(value: float = 0.25) -> Waves:
    none, still = torch.zeros(1, 0), torch.zeros(1)
    return Waves(torch.full((1, 3), value), none, none, none, none, still, still)


def centroid(alpha: Tensor) -> Tensor:
    """Centre of mass (x, y) of one frame, in pixels."""
    pixel = torch.arange(alpha.shape[-1], dtype=alpha.dtype)
    return torch.stack([(alpha.sum(0) * pixel).sum(), (alpha.sum(1) * pixel).sum()]) / alpha.sum()


@EVERY_SHAPE
@pytest.mark.parametrize("radius", [0.07, 0.105, 0.16])
@pytest.mark.parametrize("size", [64, 256])
def test_every_shape_has_the_area_of_a_disc_of_its_radius(shape: int, radius: float, size: int) -> None:
    area = coverage(one(shape, 0.503, 0.494, radius=radius), 1, size).sum().item() / size**2
    assert area == pytest.approx(math.pi * radius**2, rel=0.01)


@EVERY_SHAPE
@pytest.mark.parametrize("shift", [(0.25, 0.0), (0.0, -0.4), (1.7, 2.3), (-3.1, 0.05)])
def test_a_shift_below_a_pixel_moves_the_centroid_by_that_shift(shape: int, shift: tuple[float, float]) -> None:
    before = centroid(coverage(one(shape, 0.47, 0.52), 1, 64)[0, 0, 0])
    after = centroid(coverage(one(shape, 0.47 + shift[0] / 64, 0.52 + shift[1] / 64), 1, 64)[0, 0, 0])
    torch.testing.assert_close(after - before, torch.tensor(shift), atol=CENTROID[shape], rtol=0)


@EVERY_SHAPE
def test_a_shift_by_whole_pixels_moves_every_pixel(shape: int) -> None:
    before, after = (coverage(one(shape, 0.5 + shift / 64, 0.5), 1, 64)[0, 0, 0] for shift in (0, 3))
    torch.testing.assert_close(after, before.roll(3, dims=1), atol=1e-5, rtol=0)


@EVERY_SHAPE
def test_edges_are_anti_aliased(shape: int) -> None:
    alpha = coverage(one(shape, 0.507, 0.491), 1, 64)
    partly = ((alpha > 0.01) & (alpha < 0.99)).sum().item()
    outline = 2 * math.pi * 0.1 * 64  # pixels along a disc's edge; other shapes of this area have a longer one
    assert 0.4 * outline < partly < 3 * outline


@EVERY_SHAPE
def test_a_clip_at_256_pixels_averages_to_the_clip_at_64(shape: int) -> None:
    scene = one(shape, 0.45, 0.55, 0.2, -0.1)
    large, small = (render(scene, flat(), 4, size) for size in (256, 64))
    pooled = torch.nn.functional.avg_pool2d(large[0], 4)
    assert (pooled - small[0]).abs().max() < 0.3 * 0.75  # less than a third of one pixel, at a corner, times the contrast
    assert (pooled - small[0]).abs().mean() < 1e-3


@pytest.mark.parametrize("frames", [4, 7, 16])
def test_the_path_is_straight_centred_on_its_midpoint_and_as_long_as_its_velocity(frames: int) -> None:
    alpha = coverage(one(0, 0.5, 0.4, 0.24, 0.12), frames, 64)[0, 0]
    path = torch.stack([centroid(frame) for frame in alpha]) + 0.5
    torch.testing.assert_close(path.mean(0), torch.tensor([0.5, 0.4]) * 64, atol=0.02, rtol=0)
    step = torch.tensor([0.24, 0.12]) * 64 / frames
    torch.testing.assert_close(path.diff(dim=0), step.expand(frames - 1, 2), atol=0.04, rtol=0)


@pytest.mark.parametrize("frames", [5, 6, 16])
def test_the_opposite_velocity_shows_the_same_frames_in_the_opposite_order_bit_for_bit(frames: int) -> None:
    forth, back = (coverage(one(3, 0.5, 0.5, sign * 0.23, sign * -0.17), frames, 48) for sign in (1, -1))
    assert torch.equal(forth, back.flip(2))


def test_no_object_covers_nothing_and_the_last_object_is_in_front() -> None:
    assert coverage(one(0, radius=0.0), 2, 32).max() == 0
    two = Objects(
        shape=torch.zeros(1, 2, dtype=torch.int64),
        x=torch.full((1, 2), 0.5),
        y=torch.full((1, 2), 0.5),
        vx=torch.zeros(1, 2),
        vy=torch.zeros(1, 2),
        radius=torch.tensor([[0.3, 0.1]]),
        colour=torch.tensor([[[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]]),
    )
    middle = render(two, flat(), 1, 32)[0, 0, :, 16, 16]
    assert middle.tolist() == [0.0, 0.0, 1.0]


def test_a_texture_is_the_sum_of_its_plane_waves() -> None:
    generator = torch.Generator().manual_seed(3)
    kx, ky, phase, amplitude = torch.rand(4, 2, 3, generator=generator).mul(4).double()
    vx, vy = torch.rand(2, 2, generator=generator).double()
    waves = Waves(torch.zeros(2, 3), kx, ky, phase, amplitude, vx, vy)
    time, pixel = (torch.arange(5).double() + 0.5) / 5 - 0.5, (torch.arange(16).double() + 0.5) / 16
    x = pixel[None, None, None] - (vx[:, None] * time)[:, :, None, None]
    y = pixel[None, None, :, None] - (vy[:, None] * time)[:, :, None, None]
    expected = torch.zeros(2, 5, 16, 16).double()
    for w in range(3):
        k = [value[:, w, None, None, None] for value in (kx, ky, phase, amplitude)]
        expected += k[3] * torch.sin(2 * math.pi * (k[0] * x + k[1] * y) + k[2])
    torch.testing.assert_close(texture(waves, 5, 16), expected, atol=1e-9, rtol=0)


def test_pixels_stay_in_the_unit_interval_under_any_texture() -> None:
    loud = replace(
        flat(0.9),
        kx=torch.ones(1, 1),
        ky=torch.ones(1, 1),
        phase=torch.zeros(1, 1),
        amplitude=torch.full((1, 1), 5.0),
    )
    video = render(one(0), loud, 2, 32)
    assert video.min() == 0 and video.max() == 1
