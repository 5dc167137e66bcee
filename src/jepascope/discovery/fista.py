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

from jepascope.discovery.elastic_net import gradient, logits
from jepascope.discovery.penalties import Penalty, shrink

RELAX, TIGHTEN = 0.95, 1.1  # the curvature assumed sinks slowly, and rises at once to a little above the curvature met


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """Per problem, (designs, variants, 1, 1)."""
    return torch.linalg.vecdot(a.flatten(2), b.flatten(2))[:, :, None, None]


@dataclass
class Work:
    """Problems and where each of them stands. All but ``x`` begin with axes (designs, variants)."""

    x: Tensor  # (designs, clips, columns)
    targets: Tensor  # (..., classes, clips)
    weights: Tensor  # (..., 1, clips)
    l1: Tensor  # (..., 1, columns)
    l2: Tensor  # (..., 1, columns)
    curvature: Tensor  # (..., 1, columns or 1)
    share: Tensor  # of the curvature bound that is thought to hold here, (..., 1, 1)
    momentum: Tensor
    now: Tensor  # (..., classes, columns)
    point: Tensor  # where the next gradient is taken: ``now`` plus momentum
    seen: Tensor  # logits at ``now``
    ahead: Tensor  # logits at ``point``
    penalty: Penalty

    def iterate(self) -> None:
        """One proximal gradient step from the extrapolated point."""
        q = self.ahead.softmax(dim=2)
        slope = gradient(self.x, self.weights * (q - self.targets))
        step = 1 / (self.share * self.curvature + self.l2)
        moved = self.point - step * (slope + self.l2 * self.point)
        found = shrink(moved, self.l1 * step, self.penalty)
        seen = logits(self.x, found)
        change, travelled = found - self.point, found - self.now
        # curvature met on the way, as a share of the bound; the next step is as long as that allows
        bend = _dot(self.weights * (seen.softmax(dim=2) - q), seen - self.ahead)
        length = _dot(self.curvature * change, change)
        met = bend / length.clamp_min(torch.finfo(length.dtype).tiny)
        # momentum is thrown away where it points uphill (in the metric of the steps), or the step was far too long
        spent = (_dot(change / step, travelled) < 0) | (met > 2 * self.share)
        momentum = torch.where(spent, 1.0, self.momentum)
        following = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
        carry = torch.where(spent, 0.0, (momentum - 1) / following)
        self.point, self.ahead = found + carry * travelled, seen + carry * (seen - self.seen)
        self.now, self.seen = found, seen
        self.momentum = torch.where(spent, 1.0, following)
        self.share = torch.maximum(RELAX * self.share, TIGHTEN * met).clamp_max(1.0)
