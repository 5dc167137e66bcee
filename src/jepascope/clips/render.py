"""The renderer: moving anti-aliased shapes over textures, vectorised in torch, on any device.

Time runs from 0 to 1 over a clip; frame j of T shows time (j + 1/2) / T, so a path that is centred on its midpoint stays
centred at every length, and the frames of a reversed motion are the same frames in the opposite order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.clips.ranges import SHAPES


@dataclass(frozen=True)
class Objects:
    """Moving shapes: one row per clip, one column per object; the last object is in front.

    ``shape`` indexes SHAPES; ``x``, ``y`` are the path's midpoint and ``vx``, ``vy`` the displacement over the clip,
    in frame sides (y downwards); ``radius`` is that of the disc of equal area, 0 for no object.
    """

    shape: Int[Tensor, "clips objects"]
    x: Float[Tensor, "clips objects"]
    y: Float[Tensor, "clips objects"]
    vx: Float[Tensor, "clips objects"]
    vy: Float[Tensor, "clips objects"]
    radius: Float[Tensor, "clips objects"]
    colour: Float[Tensor, "clips objects 3"]


@dataclass(frozen=True)
class Waves:
    """A background: a flat colour plus plane waves that drift together (drift in frame sides a clip)."""

    colour: Float[Tensor, "clips 3"]
    kx: Float[Tensor, "clips waves"]
    ky: Float[Tensor, "clips waves"]
    phase: Float[Tensor, "clips waves"]
    amplitude: Float[Tensor, "clips waves"]
    vx: Float[Tensor, " clips"]
    vy: Float[Tensor, " clips"]


def _signed_distance(shape: int, dx: Tensor, dy: Tensor, radius: Tensor) -> Tensor:
    """Distance to the outline (negative inside) of a shape with the area of a disc of ``radius``."""
    name = SHAPES[shape]
    if name == "disc":
        return torch.sqrt(dx * dx + dy * dy) - radius
    if name == "square":
        return torch.maximum(dx.abs(), dy.abs()) - radius * (math.sqrt(math.pi) / 2)
    if name == "diamond":
        return (dx.abs() + dy.abs()) * math.sqrt(0.5) - radius * (math.sqrt(math.pi) / 2)
    inradius = radius * math.sqrt(math.pi / (3 * math.sqrt(3.0)))  # equilateral triangle: area = 3 sqrt(3) r^2
    return torch.maximum(dx.abs() * (math.sqrt(3.0) / 2) - dy * 0.5, dy.expand(torch.broadcast_shapes(dx.shape, dy.shape))) - inradius


def times(frames: int, device: torch.device, dtype: torch.dtype) -> Float[Tensor, " frames"]:
    """When each frame is shown, from the middle of the clip; exactly antisymmetric, whatever the number of frames."""
    return (2 * torch.arange(frames, device=device, dtype=dtype) + 1 - frames) / (2 * frames)


def coverage(objects: Objects, frames: int, size: int) -> Float[Tensor, "clips objects frames size size"]:
    """Share of every pixel that each object covers, seen alone."""
    device, dtype = objects.x.device, objects.x.dtype
    clips, count = objects.x.shape
    time = times(frames, device, dtype)
    pixel = (torch.arange(size, device=device, dtype=dtype) + 0.5) / size
    flat = lambda t: t.reshape(clips * count)  # noqa: E731
    centre_x = flat(objects.x)[:, None] + flat(objects.vx)[:, None] * time
    centre_y = flat(objects.y)[:, None] + flat(objects.vy)[:, None] * time
    dx = pixel - centre_x[..., None]
    dy = pixel - centre_y[..., None]
    radius, shape = flat(objects.radius), flat(objects.shape)
    alpha = torch.empty(clips * count, frames, size, size, device=device, dtype=dtype)
    for code in range(len(SHAPES)):
        rows = torch.nonzero(shape == code)[:, 0]
        if len(rows):
            distance = _signed_distance(code, dx[rows][:, :, None, :], dy[rows][:, :, :, None], radius[rows][:, None, None, None])
            alpha[rows] = distance.mul_(-size).add_(0.5).clamp_(0, 1)  # a ramp one pixel wide
    alpha *= (radius > 0)[:, None, None, None]
    return alpha.reshape(clips, count, frames, size, size)


def texture(waves: Waves, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
    """The waves' sum at every pixel, without the flat colour."""
    device, dtype = waves.kx.device, waves.kx.dtype
    time = times(frames, device, dtype)
    pixel = (torch.arange(size, device=device, dtype=dtype) + 0.5) / size
    # sin(a + b) splits into an x part and a y part: two thin tables and one small matrix product instead of a full grid
    along_x = 2 * math.pi * waves.kx[:, None, :, None] * (pixel - waves.vx[:, None, None, None] * time[:, None, None])
    along_y = 2 * math.pi * waves.ky[:, None, :, None] * (pixel - waves.vy[:, None, None, None] * time[:, None, None])
    along_x = along_x + waves.phase[:, None, :, None]
    amplitude = waves.amplitude[:, None, :, None]
    left = torch.cat([torch.cos(along_y), torch.sin(along_y)], dim=2) * torch.cat([amplitude, amplitude], dim=2)
    right = torch.cat([torch.sin(along_x), torch.cos(along_x)], dim=2)
    return left.transpose(2, 3) @ right


def render(objects: Objects, background: Waves, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
    """Video in [0, 1] before any noise."""
    alpha = coverage(objects, frames, size)
    clips = alpha.shape[0]
    video = background.colour[:, None, :, None, None].expand(clips, frames, 3, size, size)
    if background.kx.shape[1]:
        video = video + texture(background, frames, size)[:, :, None]
    for j in range(alpha.shape[1]):
        colour = objects.colour[:, j][:, None, :, None, None]
        video = torch.lerp(video, colour.expand_as(video), alpha[:, j][:, :, None])
    return video.clamp(0, 1)
