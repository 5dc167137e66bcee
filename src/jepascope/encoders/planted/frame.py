"""The frame of a planted network: named planes at random angles to the coordinates, orthogonal to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

WIDTH = 64
NUISANCE = 44  # dimensions that hold noise and nothing else
PLANES = {"R": 2, "C": 2, "B": 2, "E": 2, "q": 1, "N": NUISANCE, "D": 2}

_SPACE = 0xF4A3E


@dataclass(frozen=True)
class Frame:
    """Orthonormal bases by name. R is what the network puts out; the others are what a network writes at its site.

    R is the circle R_j = sqrt(2 / width) (cos t_j, sin t_j), with the t_j the multiples of 2 pi / width in random order: a random
    plane in which every coordinate of the residual stream has an equal share. A probe standardises coordinates, and so sees R
    without any direction of it stretched, which is what makes effects calculable. All else is Haar in R's complement.
    """

    planes: dict[str, Float[Tensor, "width _"]]

    @classmethod
    def drawn(cls, seed: int) -> Frame:
        rng = np.random.default_rng([_SPACE, seed])
        turn = rng.permutation(WIDTH) * (2 * np.pi / WIDTH)
        out = math.sqrt(2 / WIDTH) * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        whole = np.linalg.qr(np.concatenate([out, rng.standard_normal((WIDTH, WIDTH - 2))], axis=1))[0]
        whole[:, :2] = out
        planes, start = {}, 0
        for name, size in PLANES.items():
            planes[name] = torch.from_numpy(whole[:, start : start + size].copy())
            start += size
        return cls(planes)

    def span(self, names: Sequence[str]) -> Float[Tensor, "width rank"]:
        """The sum of several planes; "N1" is the plane of the two largest nuisances."""
        return torch.cat([self.planes["N"][:, :2] if name == "N1" else self.planes[name] for name in names], dim=1)
