"""One iteration of FISTA, for all problems of a batch at once.

Beck & Teboulle (2009) with the gradient restart of O'Donoghue & Candes (2015), each problem with its own step and its own
momentum. The certain curvature bound is reached only by a probe that hesitates between two classes, so steps use a share of
it that follows the curvature really met (about a fifth of the iterations). That share is a heuristic and needs no proof: what
a solution is worth is said by its duality gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from jepascope.discovery.solver.elastic_net import Penalty, gradient, logits, shrink

RELAX, TIGHTEN = 0.85, 2.0  # the curvature assumed sinks from step to step, and rises at once to twice the curvature met


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Per problem, (designs, variants, 1, 1)."""
    dot: Tensor = torch.linalg.vecdot(a.flatten(2), b.flatten(2))
    return dot[:, :, None, None]


@dataclass
class Work:
    """Problems and where each of them stands. All but ``x`` begin with axes (designs, variants)."""

    x: Tensor  # (designs, clips, columns)
    weights: Tensor  # (..., 1, clips)
    targets: Tensor  # (..., classes, clips): onehot
    l1: Tensor  # (..., 1, columns)
    l2: Tensor  # (..., 1, columns)
    curvature: Tensor  # (..., 1, columns or 1)
    share: Tensor  # of the curvature bound that is thought to hold here, (..., 1, 1)
    momentum: Tensor
    now: Tensor  # (..., classes, columns)
    point: Tensor  # where the next gradient is taken: ``now`` plus momentum
    point_before: Tensor
    seen: Tensor  # logits at ``now``
    ahead: Tensor  # logits at ``point``
    ahead_before: Tensor
    residual: Tensor  # at ``point_before``
    penalty: Penalty

    def iterate(self) -> None:
        """One proximal gradient step from the extrapolated point."""
        residual = self.weights * (self.ahead.softmax(dim=2) - self.targets)
        # the curvature met from point to point, as a share of the bound: the step is as long as that allows
        way = self.point - self.point_before
        length = _dot(self.curvature * way, way)
        bend = _dot(residual - self.residual, self.ahead - self.ahead_before)
        met = bend / length.clamp_min(torch.finfo(length.dtype).tiny)
        far = met > 2 * self.share
        share = torch.maximum(RELAX * self.share, TIGHTEN * met).clamp_max(1.0)
        step = 1 / (share * self.curvature + self.l2)
        slope = torch.addcmul(gradient(self.x, residual), self.l2, self.point)
        following_point = shrink(torch.addcmul(self.point, step, slope, value=-1), self.l1 * step, self.penalty)
        seen = logits(self.x, following_point)
        # momentum is thrown away where it points uphill (in the metric of the steps), or the last step was far too long
        spent = far | (_dot((following_point - self.point) / step, following_point - self.now) < 0)
        momentum = torch.where(spent, 1.0, self.momentum)
        following = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
        onward = torch.where(spent, 1.0, 1 + (momentum - 1) / following)
        self.point_before, self.ahead_before, self.residual = self.point, self.ahead, residual
        self.point, self.ahead = torch.lerp(self.now, following_point, onward), torch.lerp(self.seen, seen, onward)
        self.now, self.seen, self.share = following_point, seen, share
        self.momentum = torch.where(spent, 1.0, following)
