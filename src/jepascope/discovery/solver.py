"""FISTA over a batch of multinomial elastic nets: every layer, fold and label set of a study in one solve.

Beck & Teboulle (2009) with the gradient restart of O'Donoghue & Candes (2015), each problem with its own step and its own
momentum. The certain curvature bound is reached only by a probe that hesitates between two classes, so steps use a share of
it that follows the curvature really met (about a fifth of the iterations). That share is a heuristic and needs no proof: a
problem ends only when its certified duality gap falls under ``tolerance`` x log(classes). Its solution is put aside at that
moment, and designs and variants in which nothing is left are dropped from the batch, so numbers are the same whether a
problem is solved alone or among others (up to rounding).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.elastic_net import INTERCEPT_L2, Batch, duality_gap, logits
from jepascope.errors import BadArgument

TOLERANCE = 1e-3  # of log(classes): at this gap the support of an L1 fit has settled (Jaccard >= 0.97 with the exact one)
MAX_ITERATIONS = 5000
RELAX, TIGHTEN = 0.95, 1.1  # the curvature assumed sinks slowly, and rises at once to a little above the curvature met
CHECK_EVERY = 10  # iterations between two looks at the gap, each of which costs about one iteration


@dataclass(frozen=True)
class Fits:
    """Solutions and what certifies them."""

    weights: Float[Tensor, "designs variants classes width"]
    bias: Float[Tensor, "designs variants classes"]
    gap: Float[Tensor, "designs variants"]  # duality gap / log(classes): F is at most this far above its minimum
    iterations: Int[Tensor, "designs variants"]
    state: Float[Tensor, "designs columns variants classes"]  # in the solver's own coordinates: a warm start


def solve(
    batch: Batch,
    l1: float | Float[Tensor, "#designs #variants"],
    l2: float | Float[Tensor, "#designs #variants"],
    start: Float[Tensor, "designs columns variants classes"] | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> Fits:
    """Minimise every F of the batch. After ``max_iterations`` the iterate is returned as it is; its gap says how good it is."""
    designs, _, columns = batch.x.shape
    variants, classes = batch.weights.shape[2], batch.classes
    penalty1, penalty2 = _penalties(batch, l1, l2)
    solution = batch.x.new_zeros(designs, columns, variants, classes) if start is None else start.clone()
    gaps = batch.x.new_full((designs, variants), math.inf)
    iterations = torch.zeros(designs, variants, dtype=torch.int64, device=batch.x.device)
    work = _Work.begin(batch, penalty1, penalty2, solution)
    rows, cols = torch.arange(designs), torch.arange(variants)
    open_ = torch.ones(designs, variants, dtype=torch.bool)
    for done in range(0, max_iterations + CHECK_EVERY, CHECK_EVERY):
        gap = duality_gap(work.x, work.targets, work.weights, work.now, work.l1, work.l2) / math.log(classes)
        ended = open_ & ((gap <= tolerance).cpu() | (done >= max_iterations))
        if bool(ended.any()):
            i, j = ended.nonzero(as_tuple=True)
            solution[rows[i], :, cols[j]] = work.now[i, :, j]
            gaps[rows[i], cols[j]], iterations[rows[i], cols[j]] = gap[i, j], done
            open_ = open_ & ~ended
            if not bool(open_.any()):
                break
            keep_rows, keep_cols = open_.any(dim=1), open_.any(dim=0)
            if not bool(keep_rows.all() & keep_cols.all()):
                rows, cols, open_ = rows[keep_rows], cols[keep_cols], open_[keep_rows][:, keep_cols]
                work = work.narrowed(keep_rows, keep_cols)
        for _ in range(CHECK_EVERY):
            work.iterate()
    return _in_activation_space(batch, solution, gaps, iterations)


def solve_path(
    batch: Batch,
    strengths: Sequence[tuple[float | Tensor, float | Tensor]],
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
) -> Iterator[Fits]:
    """Fits along (l1, l2) pairs, each started from the one before: order them from strong to weak."""
    state = None
    for l1, l2 in strengths:
        fits = solve(batch, l1, l2, state, tolerance, max_iterations)
        state = fits.state
        yield fits


def _penalties(batch: Batch, l1: float | Tensor, l2: float | Tensor) -> tuple[Tensor, Tensor]:
    """Strengths per column, (designs, columns, variants, 1): the intercept has no L1 and its own small L2."""
    designs, _, columns = batch.x.shape
    shape = (designs, batch.weights.shape[2])
    spread = [torch.as_tensor(s, dtype=batch.x.dtype, device=batch.x.device).expand(shape) for s in (l1, l2)]
    if any(bool((s < 0).any()) or not bool(torch.isfinite(s).all()) for s in spread):
        raise BadArgument("A probe's strengths must be finite and not negative.")
    if batch.rotation is not None and bool((spread[0] > 0).any()):
        raise BadArgument("L1 depends on the basis, so it cannot be solved in principal coordinates; prepare with principal=False.")
    if bool(((spread[0] == 0) & (spread[1] == 0)).any()):
        raise BadArgument("A probe without any penalty has no finite solution on separable clips; give it an l1 or l2 strength above 0.")
    full = [s[:, None, :, None].repeat(1, columns, 1, 1) for s in spread]
    full[0][:, -1], full[1][:, -1] = 0.0, INTERCEPT_L2
    return full[0], full[1]


@dataclass
class _Work:
    """The problems still open, and where each of them stands."""

    x: Tensor
    targets: Tensor
    weights: Tensor
    l1: Tensor
    l2: Tensor
    curvature: Tensor
    share: Tensor  # of the curvature bound that is thought to hold here, (designs, 1, variants, 1)
    momentum: Tensor
    now: Tensor
    point: Tensor  # where the next gradient is taken: ``now`` plus momentum
    seen: Tensor  # logits at ``now``
    ahead: Tensor  # logits at ``point``

    @classmethod
    def begin(cls, batch: Batch, l1: Tensor, l2: Tensor, state: Tensor) -> _Work:
        ones = state.new_ones(state.shape[0], 1, state.shape[2], 1)
        seen = logits(batch.x, state)
        # whole tensors, not views: broadcasting a last dimension of one costs five times the product itself
        weights, l1, l2, curvature = (t.expand(*t.shape[:3], batch.classes).contiguous() for t in (batch.weights, l1, l2, batch.curvature))
        return cls(batch.x, batch.targets.contiguous(), weights, l1, l2, curvature, ones / 4, ones, state, state, seen, seen)

    def narrowed(self, rows: Tensor, cols: Tensor) -> _Work:
        parts = (getattr(self, field.name) for field in fields(self)[1:])
        return _Work(self.x[rows], *(part[rows][:, :, cols] for part in parts))

    def iterate(self) -> None:
        """One proximal gradient step from the extrapolated point."""
        q = self.ahead.softmax(dim=3)
        slope = (self.x.mT @ (self.weights * (q - self.targets)).flatten(2)).view_as(self.point)
        bound = self.share * self.curvature
        step = 1 / (bound + self.l2)
        moved = self.point - step * (slope + self.l2 * self.point)
        threshold = self.l1 * step
        found = moved - torch.minimum(torch.maximum(moved, -threshold), threshold)
        seen = logits(self.x, found)
        change, travelled = found - self.point, found - self.now
        # curvature met on the way, as a share of the bound; the next step is as long as that allows
        bend = (self.weights * (seen.softmax(dim=3) - q) * (seen - self.ahead)).sum(dim=(1, 3), keepdim=True)
        length = (self.curvature * change.square()).sum(dim=(1, 3), keepdim=True)
        met = bend / length.clamp_min(torch.finfo(length.dtype).tiny)
        # momentum is thrown away where it points uphill (in the metric of the steps), or the step was far too long
        spent = ((change * travelled / step).sum(dim=(1, 3), keepdim=True) < 0) | (met > 2 * self.share)
        momentum = torch.where(spent, 1.0, self.momentum)
        following = (1 + (1 + 4 * momentum.square()).sqrt()) / 2
        carry = torch.where(spent, 0.0, (momentum - 1) / following)
        self.point, self.ahead = found + carry * travelled, seen + carry * (seen - self.seen)
        self.now, self.seen = found, seen
        self.momentum = torch.where(spent, 1.0, following)
        self.share = torch.maximum(RELAX * self.share, TIGHTEN * met).clamp_max(1.0)


def _in_activation_space(batch: Batch, state: Tensor, gaps: Tensor, iterations: Tensor) -> Fits:
    """Undo rotation and centring."""
    weights = state[:, :-1].permute(0, 2, 3, 1)
    if batch.rotation is not None:
        weights = weights @ batch.rotation.mT[:, None]
    bias = state[:, -1] - (weights @ batch.centre[:, None].mT)[..., 0]
    return Fits(weights, bias, gaps, iterations, state)
