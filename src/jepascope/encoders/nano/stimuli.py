"""Training clips: more varied than any study's, drawn afresh at every step on the training device.

Single and several objects with velocities of their own, flat and textured grounds, drifting textures without objects, and
a moving camera. Study clips come from numpy generators under their own seed space; nothing drawn here can be one of them.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.ranges import SHAPES
from jepascope.clips.render import Objects, Waves, render

MAX_OBJECTS = 3
WAVES = 3


def _uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    return low + (high - low) * torch.rand(*shape, generator=generator, device=generator.device)


def _velocity(generator: torch.Generator, low: float, high: float, *shape: int) -> tuple[Tensor, Tensor]:
    angle = _uniform(generator, 0, 2 * math.pi, *shape)
    speed = _uniform(generator, low, high, *shape)
    return speed * torch.cos(angle), speed * torch.sin(angle)


def training_clips(clips: int, frames: int, size: int, generator: torch.Generator) -> Float[Tensor, "clips frames 3 size size"]:
    """Pixels in [0, 1] with sensor noise; about a fifth drifting textures, the rest one to three moving shapes."""
    kind = torch.rand(clips, generator=generator, device=generator.device)
    drifting = kind < 0.2  # texture alone
    count = torch.randint(1, MAX_OBJECTS + 1, (clips,), generator=generator, device=generator.device)
    count = torch.where(kind < 0.55, torch.ones_like(count), count)  # over a third have exactly one object
    count = torch.where(drifting, torch.zeros_like(count), count)
    textured = (torch.rand(clips, generator=generator, device=generator.device) < 0.35) | drifting
    panning = (torch.rand(clips, generator=generator, device=generator.device) < 0.15) | drifting

    vx, vy = _velocity(generator, 0.0, 0.55, clips, MAX_OBJECTS)
    radius = _uniform(generator, 0.06, 0.16, clips, MAX_OBJECTS)
    present = torch.arange(MAX_OBJECTS, device=generator.device) < count[:, None]
    objects = Objects(
        shape=torch.randint(len(SHAPES), (clips, MAX_OBJECTS), generator=generator, device=generator.device),
        x=_uniform(generator, 0.15, 0.85, clips, MAX_OBJECTS),
        y=_uniform(generator, 0.15, 0.85, clips, MAX_OBJECTS),
        vx=vx,
        vy=vy,
        radius=radius * present,
        colour=_object_colours(clips, generator),
    )
    kx, ky = _velocity(generator, 1.0, 4.0, clips, WAVES)  # a wave vector is drawn like a velocity: any direction
    drift_x, drift_y = _velocity(generator, 0.05, 0.5, clips)
    strength = torch.where(drifting, _uniform(generator, 0.1, 0.2, clips), _uniform(generator, 0.02, 0.06, clips)) * textured
    ground = Waves(
        colour=_uniform(generator, 0.2, 0.5, clips, 1) + _uniform(generator, -0.05, 0.05, clips, 3),
        kx=kx,
        ky=ky,
        phase=_uniform(generator, 0, 2 * math.pi, clips, WAVES),
        amplitude=strength[:, None] * _uniform(generator, 0.5, 1.0, clips, WAVES),
        vx=drift_x * panning,
        vy=drift_y * panning,
    )
    video = render(objects, ground, frames, size)
    noise = torch.randn(clips, frames, 1, size, size, generator=generator, device=generator.device)
    return (video + noise * _uniform(generator, 0.01, 0.05, clips, 1, 1, 1, 1)).clamp_(0, 1)


def _object_colours(clips: int, generator: torch.Generator) -> Float[Tensor, "clips objects 3"]:
    """Bright colours of every hue: a hue wheel mixed with white."""
    hue = _uniform(generator, 0, 2 * math.pi, clips, MAX_OBJECTS, 1)
    wheel = 0.5 + 0.5 * torch.cos(hue + torch.tensor([0.0, 2.0944, 4.1888], device=generator.device))
    white = _uniform(generator, 0.3, 0.8, clips, MAX_OBJECTS, 1)
    return ((1 - white) * wheel + white) * _uniform(generator, 0.7, 1.0, clips, MAX_OBJECTS, 1)
