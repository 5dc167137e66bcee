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

from jepascope.clips.ranges import SHAPES
from jepascope.clips.render import Objects, Waves, coverage, render

CHUNK = 8  # clips rendered at once: what stays in the processor's cache


def _column(rows: pd.DataFrame, name: str) -> Tensor:
    return torch.from_numpy(rows[name].to_numpy(dtype=np.float32, copy=True))


@dataclass(frozen=True)
class ProceduralSource:
    """Renders rows of a factor table. The digest names the renderer's version: change it when pixels change."""

    digest: ClassVar[str] = "procedural-2"

    def objects(self, rows: pd.DataFrame) -> Objects:
        # in float64, so that opposite angles give exactly opposite displacements once rounded
        angle, speed = (rows[name].to_numpy(dtype=np.float64) for name in ("angle", "speed"))
        rgb = [colorsys.hls_to_rgb(h, light * 0.75, 0.6) for h, light in zip(rows["hue"], rows["lightness"], strict=True)]
        codes = [SHAPES.index(name) for name in rows["shape"]]
        return Objects(
            shape=torch.tensor(codes)[:, None],
            x=_column(rows, "x")[:, None],
            y=_column(rows, "y")[:, None],
            vx=torch.from_numpy((np.cos(angle) * speed).astype(np.float32))[:, None],
            vy=torch.from_numpy((-np.sin(angle) * speed).astype(np.float32))[:, None],
            radius=_column(rows, "size")[:, None],
            colour=torch.tensor(rgb, dtype=torch.float32).reshape(-1, 1, 3),
        )

    def background(self, rows: pd.DataFrame) -> Waves:
        n = len(rows)
        none, still = torch.zeros(n, 0), torch.zeros(n)
        return Waves(_column(rows, "background")[:, None].expand(n, 3), none, none, none, none, still, still)

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]."""
        pixels = torch.empty(len(rows), frames, 3, size, size)
        for start in range(0, len(rows), CHUNK):
            part = rows.iloc[start : start + CHUNK]
            view = pixels[start : start + CHUNK]
            view.copy_(render(self.objects(part), self.background(part), frames, size))
            for clip, sd, seed, backwards in zip(view, part["noise"], part["noise_seed"], part["reversed"], strict=True):
                generator = torch.Generator().manual_seed(int(seed))
                noise = torch.randn(frames, 1, size, size, generator=generator).mul_(float(sd))
                clip += noise.flip(0) if backwards else noise  # a reversed clip shows the same frames in the opposite order
            view.clamp_(0, 1)
        return pixels

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Share of each pixel that the object covers."""
        return coverage(self.objects(rows), frames, size)[:, 0]
