"""Batches of multinomial elastic nets, solved along a path: every layer, fold, resample and label set of a study in one solve.

Each problem ends when its certified duality gap falls under ``tolerance`` x log(classes); its solution is put aside at that
moment and the problem leaves the batch, so numbers are the same whether a problem is solved alone or among others (up to
rounding). Between two certificates only a working set of coordinates is moved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.solver.elastic_net import INTERCEPT_L2, Batch, Penalty, strongest_l1
from jepascope.discovery.solver.open_problems import OpenProblems, strong
from jepascope.errors import BadArgument

TOLERANCE = 1e-3  # of log(classes): at this gap the support of an L1 fit has settled (Jaccard >= 0.97 with the exact one)
MAX_ITERATIONS = 5000
CHECK_EVERY = 10  # iterations between two looks at the gap, each of which costs about one iteration


@dataclass(frozen=True)
class Fits:
    """Solutions and what certifies them."""

    weights: Float[Tensor, "designs variants classes width"]
    bias: Float[Tensor, "designs variants classes"]
    gap: Float[Tensor, "designs variants"]  # duality gap / log(classes): F is at most this far above its minimum
    iterations: Int[Tensor, "designs variants"]
    state: Float[Tensor, "designs variants classes columns"]  # in the solver's own coordinates: a warm start


def solve(
    batch: Batch,
    l1: float | Float[Tensor, "#designs #variants"],
    l2: float | Float[Tensor, "#designs #variants"] = 0.0,
    start: Float[Tensor, "designs variants classes columns"] | None = None,
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    penalty: Penalty = "l1",
    l1_before: float | Float[Tensor, "#designs #variants"] | None = None,
) -> Fits:
    """Minimise every F of the batch. After ``max_iterations`` the iterate is returned as it is; its gap says how good it is.

    ``l1_before``: the strength that ``start`` was fitted at; it sharpens the first working set and changes no solution.
    """
    designs, variants, classes, columns = *batch.targets.shape[:3], batch.x.shape[2]
    strength1, strength2 = _strengths(batch, l1, l2)
    before = strongest_l1(batch, penalty) if l1_before is None else torch.as_tensor(l1_before).to(batch.x)
    before = before.expand(designs, variants)[:, :, None, None]
    solution = batch.x.new_zeros(designs, variants, classes, columns) if start is None else start.clone()
    gaps = batch.x.new_full((designs, variants), math.inf)
    iterations = torch.zeros(designs, variants, dtype=torch.int64, device=batch.x.device)
    problems = OpenProblems.of(batch, strength1, strength2, solution, penalty)
    bound = tolerance * math.log(classes)
    for done in range(0, max_iterations + CHECK_EVERY, CHECK_EVERY):
        first, last = done == 0, done >= max_iterations
        near = problems.open if first or last else problems.open & (problems.gap_on_working_sets() <= bound)
        if bool(near.any()):
            gap, slope = problems.certificate()
            ended = near & ((gap <= bound) | last)
            i, j = ended.nonzero(as_tuple=True)
            at = problems.rows[i], problems.slots[i, j]
            solution[at], gaps[at], iterations[at] = problems.whole(problems.work.now)[i, j], gap[i, j] / math.log(classes), done
            problems.open = problems.open & ~ended
            if not bool(problems.open.any()):
                break
            wanted = (near & ~ended)[:, :, None] & (slope > problems.l1).any(dim=2)
            if first:
                wanted |= strong(slope, problems.work.now, problems.l1, before)
            if bool((wanted & ~problems.member).any()):
                problems.member = problems.member | wanted
                problems.regroup()
            problems.drop_ended()
        for _ in range(CHECK_EVERY):
            problems.work.iterate()
    return _in_activation_space(batch, solution, gaps, iterations)


def solve_path(
    batch: Batch,
    strengths: Sequence[tuple[float | Tensor, float | Tensor]],
    tolerance: float = TOLERANCE,
    max_iterations: int = MAX_ITERATIONS,
    penalty: Penalty = "l1",
) -> Iterator[Fits]:
    """Fits along (l1, l2) pairs, each started from the ones before: order them from strong to weak."""
    earlier, last, start = None, None, None
    for l1, l2 in strengths:
        l1 = torch.as_tensor(l1).to(batch.x)
        l1 = l1.view(1, 1) if l1.ndim == 0 else l1
        if earlier is not None and last is not None:
            start = _onward(*earlier, *last, l1)
        elif last is not None:
            start = last[0]
        fits = solve(batch, l1, l2, start, tolerance, max_iterations, penalty, None if last is None else last[1])
        earlier, last = last, (fits.state, l1)
        yield fits


def _onward(earlier: Tensor, l1_earlier: Tensor, last: Tensor, l1_last: Tensor, l1: Tensor) -> Tensor:
    """The line through two solutions, continued: solutions are nearly piecewise linear in l1 (Rosset & Zhu 2007).

    No weight may enter or change its sign on the way; where l1 stays (an L2 path) the start is the last solution.
    """
    step = l1_earlier - l1_last
    ratio = torch.where(step > 0, (l1_last - l1) / torch.where(step > 0, step, 1.0), 0.0).clamp(0.0, 1.0)
    start = last + ratio[:, :, None, None] * (last - earlier)
    return torch.where(start * last > 0, start, 0.0)


def _strengths(batch: Batch, l1: float | Tensor, l2: float | Tensor) -> tuple[Tensor, Tensor]:
    """Per column, (designs, variants, 1, columns): the intercept has no L1 and its own small L2."""
    shape = batch.targets.shape[:2]
    spread = [torch.as_tensor(s, dtype=batch.x.dtype, device=batch.x.device).expand(shape) for s in (l1, l2)]
    if any(bool((s < 0).any()) or not bool(torch.isfinite(s).all()) for s in spread):
        raise BadArgument("A probe's strengths must be finite and not negative.")
    if batch.rotation is not None and bool((spread[0] > 0).any()):
        raise BadArgument("L1 depends on the basis, so it cannot be solved in principal coordinates; prepare with principal=False.")
    if bool(((spread[0] == 0) & (spread[1] == 0)).any()):
        raise BadArgument("A probe without any penalty has no finite solution on separable clips; give it an l1 or l2 strength above 0.")
    full = [s[:, :, None, None].repeat(1, 1, 1, batch.x.shape[2]) for s in spread]
    full[0][..., -1], full[1][..., -1] = 0.0, INTERCEPT_L2
    return full[0], full[1]


def _in_activation_space(batch: Batch, state: Tensor, gaps: Tensor, iterations: Tensor) -> Fits:
    """Undo rotation and centring."""
    weights = state[..., :-1]
    if batch.rotation is not None:
        weights = weights @ batch.rotation.mT[:, None]
    bias = state[..., -1] - (weights @ batch.centre[:, None].mT)[..., 0]
    return Fits(weights, bias, gaps, iterations, state)
