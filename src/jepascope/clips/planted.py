"""Clips for networks with a known answer: every token's patch shows that token's latent numbers as pixel intensities.

A number z (at most REACH in size) is a grey pixel of intensity 1/2 + z / (2 REACH), so that a linear map of a patch's pixels
gives the numbers back. Which numbers a network reads, and where it writes them, is its own business (encoders.planted).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.clips.clipset import SPLITS, ClipSet
from jepascope.clips.factors import direction_angle
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.errors import BadArgument

GRID = (2, 2, 2)  # tokens in time, height and width
PATCH = 8  # pixels a side; a patch is one frame deep
FRAMES, SIZE = GRID[0], GRID[1] * PATCH
REACH = 8.0  # the largest number that a pixel can show
NOISES = 48
SHARED = 0.8  # of a noise number's variance that all tokens of a clip share; the rest is each token's own

NUMBERS = {
    "angle": slice(0, 2),  # e(y) = (cos y, sin y)
    "triple": slice(2, 4),  # e(3 y): the eight classes on a circle as well, in another order
    "signed": slice(4, 6),  # s e(y), s = +1 or -1 at random
    "sign": slice(6, 7),  # s
    "noise": slice(7, 7 + NOISES),  # standard normal, held within +-4
}
COUNT = 7 + NOISES

_SPACE = 0x91A27  # mixed into the seed, so that no other clip set draws the same numbers


@dataclass(frozen=True)
class PlantedSource:
    """Shows the latent numbers of rows with columns ``angle``, ``sign`` and ``noise_seed``."""

    digest: ClassVar[str] = "planted-1"

    def numbers(self, rows: pd.DataFrame) -> Float[Tensor, "clips tokens numbers"]:
        """The latent numbers of every token. The class shows alike in all tokens; noise is partly each token's own."""
        angle = torch.from_numpy(rows["angle"].to_numpy(dtype=np.float64, copy=True))
        sign = torch.from_numpy(rows["sign"].to_numpy(dtype=np.float64, copy=True))[:, None]
        code, triple = (torch.stack([torch.cos(turn), torch.sin(turn)], dim=1) for turn in (angle, 3 * angle))
        tokens = GRID[0] * GRID[1] * GRID[2]
        noise = torch.empty(len(rows), tokens, NOISES, dtype=torch.float64)
        for row, seed in zip(noise, rows["noise_seed"], strict=True):
            drawn = torch.randn(1 + tokens, NOISES, generator=torch.Generator().manual_seed(int(seed)), dtype=torch.float64)
            row.copy_(SHARED**0.5 * drawn[:1] + (1 - SHARED) ** 0.5 * drawn[1:])
        shared = torch.cat([code, triple, sign * code, sign], dim=1)[:, None].expand(-1, tokens, -1)
        return torch.cat([shared, noise.clamp(-4, 4)], dim=2).float()

    def video(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames 3 size size"]:
        """Pixels in [0, 1]."""
        _check(frames, size)
        patches = torch.full((len(rows), *GRID, PATCH * PATCH), 0.5)
        patches[..., :COUNT] += self.numbers(rows).view(len(rows), *GRID, COUNT) / (2 * REACH)
        grey = patches.view(len(rows), *GRID, PATCH, PATCH).permute(0, 1, 2, 4, 3, 5).reshape(len(rows), 1, frames, size, size)
        return grey.transpose(1, 2).expand(-1, -1, 3, -1, -1).contiguous()

    def coverage(self, rows: pd.DataFrame, frames: int, size: int) -> Float[Tensor, "clips frames size size"]:
        """Every patch shows the scene's numbers, so every patch counts as the object."""
        return torch.ones(len(rows), frames, size, size)


def numbers_shown(video: Float[Tensor, "clips frames 3 rows columns"]) -> Float[Tensor, "clips tokens numbers"]:
    """The numbers that pixels show: a linear map of every patch (the mean of its three channels), tokens in time-major order."""
    _check(video.shape[1], video.shape[3])
    grey = video.mean(dim=2).unflatten(3, (GRID[2], PATCH)).unflatten(2, (GRID[1], PATCH))  # clips time row y column x
    patches = grey.permute(0, 1, 2, 4, 3, 5).flatten(4).flatten(1, 3)
    numbers: Tensor = (patches[..., :COUNT] - 0.5) * (2 * REACH)
    return numbers


def planted_clips(seed: int = 0, fit: int = 40, judge: int = 24, test: int = 8) -> ClipSet:
    """Clips of eight directions; ``fit``, ``judge`` and ``test`` are clips of each direction in that split, every clip a scene.

    In every split and direction the sign s is +1 for half of the clips, which is why the counts have to be even.
    """
    counts = dict(zip(SPLITS, (fit, judge, test), strict=True))
    for split, count in counts.items():
        if count < 2 or count % 2:
            raise BadArgument(f"Planted clips need an even number of at least 2 per direction in split '{split}', not {count}.")
    rng = np.random.default_rng([_SPACE, seed])
    names = np.repeat(np.array(DIRECTION_NAMES), sum(counts.values()))
    splits = np.tile(np.repeat(np.array(SPLITS), list(counts.values())), len(DIRECTION_NAMES))
    table = pd.DataFrame(
        {
            "scene": np.arange(len(names)),
            "split": splits,
            "direction": names,
            "angle": direction_angle(names),
            "sign": np.tile(np.array([1.0, -1.0]), len(names) // 2),
            "noise_seed": rng.integers(0, 2**31, len(names)),
        }
    )
    return ClipSet("planted", table, PlantedSource(), FRAMES, SIZE)


def _check(frames: int, size: int) -> None:
    if (frames, size) != (FRAMES, SIZE):
        raise BadArgument(f"Planted clips are {FRAMES} frames of {SIZE} x {SIZE} pixels, not {frames} of {size} x {size}.")
