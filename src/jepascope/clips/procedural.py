"""Procedural scenes: a row of factors -> the renderer's tensors -> pixels with that row's own sensor noise."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.factors import displacement
from jepascope.clips.ranges import SHAPES
from jepascope.clips.render import Objects, Waves, coverage, render

CHUNK = 8  # clips rendered at once: what stays in the processor's cache


def column(rows: pd.DataFrame, name: str) -> Float[Tensor, " clips"]:
    """A factor of every clip."""
    return torch.from_numpy(rows[name].to_numpy(dtype=np.float32, copy=True))


def travelled(rows: pd.DataFrame, prefix: str = "") -> tuple[Float[Tensor, " clips"], Float[Tensor, " clips"]]:
    """(x, y) that the columns ``angle`` and ``speed`` (or those with a prefix) say is travelled in one clip, y downwards."""
    angle, speed = (rows[f"{prefix}{name}"].to_numpy(dtype=np.float64) for name in ("angle", "speed"))
    x, y = displacement(angle, speed)
    return torch.from_numpy(x), torch.from_numpy(y)


def object_colours(rows: pd.DataFrame) -> Float[Tensor, "clips 3"]:
    """Red, green and blue of the main object."""
    rgb = [colorsys.hls_to_rgb(h, light * 0.75, 0.6) for h, light in zip(rows["hue"], rows["lightness"], strict=True)]
    return torch.tensor(rgb, dtype=torch.float32).reshape(-1, 3)


def objects(
    rows: pd.DataFrame, prefixes: tuple[str, ...], moved: list[tuple[Tensor, Tensor]], colour: Float[Tensor, "clips objects 3"]
) -> Objects:
    """The objects whose columns have these prefixes, displaced by (x, y) over the clip."""
    x, y, radius = (torch.stack([column(rows, f"{prefix}{name}") for prefix in prefixes], dim=1) for name in ("x", "y", "size"))
    vx, vy = (torch.stack(axis, dim=1) for axis in zip(*moved, strict=True))
    shape = torch.tensor([[SHAPES.index(name) for name in rows[f"{prefix}shape"]] for prefix in prefixes]).T
    return Objects(shape, x, y, vx, vy, radius, colour)


def main_objects(rows: pd.DataFrame) -> Objects:
    """The main object of every clip. It moves in the image as its columns say: a camera's pan is not added."""
    return objects(rows, ("",), [travelled(rows)], object_colours(rows)[:, None])


def add_noise(video: Float[Tensor, "clips frames 3 size size"], rows: pd.DataFrame) -> None:
    """Sensor noise, equal in the three channels, in place; then pixels are held within [0, 1]."""
    _, frames, _, size, _ = video.shape
    for clip, sd, seed, backwards in zip(video, rows["noise"], rows["noise_seed"], rows["reversed"], strict=True):
        generator = torch.Generator().manual_seed(int(seed))
        noise = torch.randn(frames, 1, size, size, generator=generator).mul_(float(sd))
        clip += noise.flip(0) if backwards else noise  # a reversed clip shows the same frames in the opposite order
    video.clamp_(0, 1)


@dataclass(frozen=True)
class ProceduralSource:
    """Renders rows of a factor table. The digest names the renderer's version: change it when pixels change."""

    digest: ClassVar[str] = "procedural-2"

    def background(self, rows: pd.DataFrame) -> Waves:
        n = len(rows)
        none, still = torch.zeros(n, 0), torch.zeros(n)
        return Waves(column(rows, "background")[:, None].expand(n, 3), none, none, none, none, still, still)

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]."""
        pixels = torch.empty(len(rows), frames, 3, size, size)
        for start in range(0, len(rows), CHUNK):
            part = rows.iloc[start : start + CHUNK]
            view = pixels[start : start + CHUNK]
            view.copy_(render(main_objects(part), self.background(part), frames, size))
            add_noise(view, part)
        return pixels

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Share of each pixel that the object covers."""
        return coverage(main_objects(rows), frames, size)[:, 0]
