"""The ring through the class means of an angle: a closed curve, where the circle is a plane's best fit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.interpolate import CubicSpline
from torch import Tensor

from jepascope.errors import BadData

FEWEST = 3  # different angles: two points have a line between them and no ring around
APART = 1e-4  # radians between two classes; nearer ones are one angle with two means


@dataclass(frozen=True)
class Ring:
    """``angles`` (radians) of the classes and the ``means`` of their pooled activations: points that the ring passes through."""

    angles: Float[Tensor, " classes"]
    means: Float[Tensor, "classes width"]

    def at(self, angle: Float[Tensor, " clips"]) -> Float[Tensor, "clips width"]:
        """Where a pooled activation lies when the angle (radians) is this."""
        return torch.from_numpy(np.asarray(self.spline(angle.double().cpu().numpy()))).to(self.means)

    @property
    def spline(self) -> CubicSpline:
        """The periodic cubic spline through the class means.

        A polynomial of degree three between any two neighbours; value, slope and curvature are continuous all around. Any spacing of the
        classes and any shape of the ring will do. BadData for fewer than three different angles, and for two classes of one angle.
        """
        knots, order = (self.angles.double() % (2 * torch.pi)).sort()
        closed = torch.cat([knots, knots[:1] + 2 * torch.pi])
        if len(knots) < FEWEST:
            raise BadData(f"A ring needs class means at {FEWEST} different angles at least, and there are {len(knots)}; use steer.")
        if float(closed.diff().min()) < APART:
            raise BadData("Two classes show the same angle on average, so no ring passes through both their means; use steer.")
        points = self.means.double()[order]
        return CubicSpline(closed.numpy(), torch.cat([points, points[:1]]).numpy(), bc_type="periodic")


def ring_displacement(ring: Ring, angle: Float[Tensor, " clips"], wanted: Float[Tensor, " clips"]) -> Float[Tensor, "clips 1 width"]:
    """r = ring(wanted) - ring(angle), the same for every token of a clip: what lies off the ring is kept. Angles in radians.

    Between two class angles it is the difference of class means (``steer_displacement``).
    """
    return (ring.at(wanted) - ring.at(angle))[:, None]
