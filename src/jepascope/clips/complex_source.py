"""Complex scenes: the main object of procedural ones, over moving texture, among distractors, behind an occluder, in changing light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.clutter import DISTRACTORS, WAVES
from jepascope.clips.procedural import add_noise, column, main_objects, object_colours, objects, travelled
from jepascope.clips.render import Objects, Waves, coverage, texture, times

CHUNK_PIXELS = 1 << 19  # of one layer, rendered at once: what stays in the processor's cache


@dataclass(frozen=True)
class ComplexSource:
    """Renders rows with the columns of ``sample_factors`` and ``sample_clutter``.

    From back to front: background, distractors, main object, occluder. Only the main object has colour, so that all else is
    one channel. The digest names the renderer's version: change it when pixels change.
    """

    digest: ClassVar[str] = "complex-1"

    def clutter(self, rows: pd.DataFrame) -> Objects:
        """Distractors, then the occluder, all of which the pan carries along."""
        pan = travelled(rows, "pan_")
        distractors = [f"distractor{i + 1}_" for i in range(DISTRACTORS)]
        prefixes = (*distractors, "occluder_")
        moving = [_carried(travelled(rows, prefix), pan) for prefix in distractors]
        grey = torch.stack([column(rows, f"{prefix}grey") for prefix in prefixes], dim=1)
        shapes = objects(rows, prefixes, [*moving, pan], grey[..., None].expand(-1, -1, 3))
        for i in range(DISTRACTORS):
            shapes.radius[:, i] *= column(rows, "distractors") > i
        return shapes

    def background(self, rows: pd.DataFrame) -> Waves:
        """Plane waves that drift, and that the pan carries along as well."""
        names = [f"wave{i + 1}" for i in range(WAVES)]
        angle, frequency = (
            np.stack([rows[f"{name}_{what}"].to_numpy(dtype=np.float64) for name in names], 1) for what in ("angle", "frequency")
        )
        vx, vy = _carried(travelled(rows, "drift_"), travelled(rows, "pan_"))
        return Waves(
            colour=column(rows, "background")[:, None].expand(len(rows), 3),
            kx=torch.from_numpy((np.cos(angle) * frequency).astype(np.float32)),
            ky=torch.from_numpy((-np.sin(angle) * frequency).astype(np.float32)),
            phase=torch.stack([column(rows, f"{name}_phase") for name in names], dim=1),
            amplitude=column(rows, "texture")[:, None].expand(len(rows), WAVES),
            vx=vx,
            vy=vy,
        )

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]."""
        pixels = torch.empty(len(rows), frames, 3, size, size)
        chunk = max(1, CHUNK_PIXELS // (frames * size * size))
        for start in range(0, len(rows), chunk):
            part, view = rows.iloc[start : start + chunk], pixels[start : start + chunk]
            view.copy_(self._lit(part, frames, size))
            add_noise(view, part)
        return pixels

    def _lit(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Everything but the sensor's noise."""
        clutter, main = self.clutter(rows), coverage(main_objects(rows), frames, size)[:, 0]
        covered = coverage(clutter, frames, size)
        grey = self._ground(rows, frames, size)
        for i in range(DISTRACTORS):
            grey = torch.lerp(grey, clutter.colour[:, i, :1, None, None].expand_as(grey), covered[:, i])
        colour = object_colours(rows)[:, None, :, None, None]
        video = torch.lerp(grey[:, :, None], colour, main[:, :, None])
        video = torch.lerp(video, clutter.colour[:, -1][:, None, :, None, None], covered[:, -1][:, :, None])
        gain = 1 + column(rows, "lighting")[:, None] * times(frames, video.device, video.dtype)
        return video.mul_(gain[:, :, None, None, None])

    def _ground(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """The background, clip by clip: a matrix product may round otherwise in another batch, and a clip must not depend on its own."""
        ground = torch.cat([texture(self.background(rows.iloc[[i]]), frames, size) for i in range(len(rows))])
        return ground.add_(column(rows, "background")[:, None, None, None])

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Share of each pixel that the main object covers, whether or not the occluder hides it there."""
        return coverage(main_objects(rows), frames, size)[:, 0]


def _carried(own: tuple[Tensor, Tensor], pan: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return own[0] + pan[0], own[1] + pan[1]
