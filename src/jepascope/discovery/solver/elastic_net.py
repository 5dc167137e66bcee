"""The multinomial elastic net as a batch of problems: penalties, designs with their clip weights and curvature bound, duality gap.

For one design X (clips x width, centred) and one set of clip weights a (summing to 1) the objective is::

    F(W, b) = sum_i a_i [ logsumexp(z_i) - z_i,y_i ]  +  l1 |W|  +  l2/2 |W|^2  +  e/2 |b|^2,     z_i = x_i W + b

with |W| the sum of all absolute weights (L1), or of the 2-norms of W's rows, a coordinate's weights over the classes (group L1). Each is
its own dual norm's partner, so the magnitude of a gradient is also what is held against the strength: a weight, or row, is zero where
that is not exceeded. Folds and resamples are clip weights (zero for clips left out), so that they share their design and nothing is
copied. The intercept is a constant column with no L1 and an L2 of e = ``INTERCEPT_L2``: without any its dual coordinate would have to
vanish exactly and no finite gap existed; with it the dual is finite and the gap exact for the F above (an intercept of 1 costs 5e-7 nats).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.errors import BadArgument, BadData

Penalty = Literal["l1", "row"]  # row: a coordinate enters for all classes at once, or for none


def magnitude(state: Float[Tensor, "*problems classes columns"], penalty: Penalty) -> Float[Tensor, "*problems _ columns"]:
    """|w| of every weight (l1), or the 2-norm over classes of every coordinate (row; one class left in that axis)."""
    return state.abs() if penalty == "l1" else torch.linalg.vector_norm(state, dim=-2, keepdim=True)


def shrink(moved: Tensor, threshold: Tensor, penalty: Penalty) -> Tensor:
    """The proximal step: soft threshold of every weight, or of every row's length (Yuan & Lin 2006).

    ``moved`` is (..., classes, columns), ``threshold`` (..., 1, columns or 1); unchecked, for it runs in every iteration.
    """
    if penalty == "l1":
        return moved - torch.minimum(torch.maximum(moved, -threshold), threshold)
    length = magnitude(moved, penalty).clamp_min(torch.finfo(moved.dtype).tiny)
    return moved * (1 - threshold / length).clamp_min(0.0)


INTERCEPT_L2 = 1e-6
ROUNDING = 1.0001  # what a float32 eigenvalue may fall short of the true one


@dataclass(frozen=True)
class Batch:
    """Designs and what is fitted to each, as ``prepare`` makes them. The last column of ``x`` is the intercept's."""

    x: Float[Tensor, "designs clips columns"]
    targets: Float[Tensor, "designs variants classes clips"]
    weights: Float[Tensor, "designs variants 1 clips"]
    curvature: Float[Tensor, "designs variants 1 _"]  # one for all columns, or one a column
    centre: Float[Tensor, "designs 1 width"]
    rotation: Float[Tensor, "designs width axes"] | None

    @property
    def classes(self) -> int:
        return self.targets.shape[2]


def prepare(
    x: Float[Tensor, "designs clips width"],
    y: Int[Tensor, "#designs #variants clips"],
    weights: Float[Tensor, "#designs #variants clips"],
    classes: int,
    principal: bool = False,
    dtype: torch.dtype = torch.float32,
) -> Batch:
    """Centre the designs, normalise the clip weights, bound the curvature: once for a whole path of strengths.

    The softmax Hessian is at most 1/2 (Boehning 1992), so X'AX / 2 bounds the curvature. By default the bound used is
    its largest eigenvalue, one number a problem. ``principal`` rotates the design onto its principal axes, where the
    bound is diagonal and each axis gets its own step; exact for L2 only (L1 depends on the basis), and a width beyond
    the number of clips shrinks to it. float32 serves gaps down to about 1e-5; ask for float64 beyond.
    """
    if x.ndim != 3 or y.ndim != 3 or weights.ndim != 3 or not x.shape[1] == y.shape[2] == weights.shape[2]:
        raise BadArgument(
            "The solver takes x (designs, clips, width), y and weights (designs, variants, clips) over the same clips, "
            f"not {tuple(x.shape)}, {tuple(y.shape)} and {tuple(weights.shape)}."
        )
    if not torch.isfinite(x).all():
        raise BadData("The solver was given NaN or infinite activations; look for them where they were captured.")
    total = weights.sum(dim=2, keepdim=True)
    if bool((weights < 0).any()) or bool((total <= 0).any()):
        raise BadData("Clip weights must be non-negative and not all zero: a fold without any clip cannot be fitted.")
    designs, clips, _ = x.shape
    variants = max(y.shape[1], weights.shape[1])
    x = x.to(dtype)
    centre = x.mean(dim=1, keepdim=True)
    x = x - centre
    share = (weights.to(x) / total.to(x)).expand(-1, variants, clips)
    rotation = None
    if principal:
        _, singular, right = torch.linalg.svd(x, full_matrices=False)
        rotation = right.mT
        x = x @ rotation
        # X'AX <= max(a) X'X as matrices, so the spectrum of all clips bounds that of every fold
        spectrum = torch.cat([singular.square(), singular.new_full((designs, 1), clips)], dim=1)
        curvature = 0.5 * ROUNDING * spectrum[:, None] * share.amax(dim=2, keepdim=True)
        x = torch.cat([x, x.new_ones(designs, clips, 1)], dim=2)
    else:
        x = torch.cat([x, x.new_ones(designs, clips, 1)], dim=2)
        curvature = (0.5 * ROUNDING * _largest_eigenvalue(x, share))[:, :, None]
    targets = torch.nn.functional.one_hot(y.to(x.device), classes).mT.to(dtype).expand(designs, variants, classes, clips)
    return Batch(x, targets, share.expand(designs, variants, clips)[:, :, None], curvature[:, :, None], centre, rotation)


def _largest_eigenvalue(x: Tensor, share: Tensor) -> Float[Tensor, "designs variants"]:
    """Of X'AX per design and variant, from whichever of X'AX and its transpose is smaller."""
    largest = []
    for variant in range(share.shape[1]):
        rooted = x * share[:, variant, :, None].sqrt()
        gram = rooted.mT @ rooted if x.shape[2] <= x.shape[1] else rooted @ rooted.mT
        largest.append(torch.linalg.eigvalsh(gram)[:, -1])
    return torch.stack(largest, dim=1)


def logits(x: Tensor, state: Tensor) -> Tensor:
    """(designs, variants, classes, clips): one matrix product a design, whatever the number of variants.

    ``x`` is (designs, clips, columns), ``state`` (designs, variants, classes, columns); unchecked, for it runs in every iteration.
    """
    return (state.flatten(1, 2) @ x.mT).view(*state.shape[:3], x.shape[1])


def gradient(x: Tensor, residual: Tensor) -> Tensor:
    """Of the loss in W and b, from residual = a (q - onehot), (designs, variants, classes, clips), with q = softmax(z)."""
    return (residual.flatten(1, 2) @ x).view(*residual.shape[:3], x.shape[2])


def strongest_l1(batch: Batch, penalty: Penalty = "l1") -> Float[Tensor, "designs variants"]:
    """The smallest strength at which every weight is zero: the largest gradient of any weight (or row) at the
    intercept-only fit, whose q are the class frequencies."""
    frequencies = (batch.weights * batch.targets).sum(dim=3, keepdim=True)
    slope = gradient(batch.x, batch.weights * (frequencies - batch.targets))[..., :-1]
    return magnitude(slope, penalty).amax(dim=(2, 3))


class Certificate(NamedTuple):
    gap: Float[Tensor, "designs variants"]  # nats
    slope: Float[Tensor, "designs variants _ columns"]  # magnitude of the loss's gradient: entries, or rows (one class)


def duality_gap(
    x: Float[Tensor, "designs clips columns"],
    targets: Float[Tensor, "designs variants classes clips"],
    weights: Float[Tensor, "designs variants 1 clips"],
    state: Float[Tensor, "designs variants classes columns"],
    l1: Float[Tensor, "designs variants 1 columns"],
    l2: Float[Tensor, "designs variants 1 columns"],
    penalty: Penalty = "l1",
    seen: Float[Tensor, "designs variants classes clips"] | None = None,
) -> Certificate:
    """F(state) - D(u) >= F(state) - min F, in nats, for the dual point u = a (q - onehot), q = softmax(z).

    D(u) = -sum_i a_i sum_c q_ic log q_ic - sum_j R_j*(-x_j'u), with R* = (|v| - l1)_+^2 / (2 l2) where l2 > 0 and |v| an
    entry's or a row's magnitude. Where l2 = 0, R* is zero inside |v| <= l1 and infinite outside, so q is first moved towards
    the onehot until -X'u lies inside. (Fenchel-Rockafellar duality; for the lasso this scaling is El Ghaoui et al. 2012, for
    groups Ndiaye et al. 2017.) ``seen``: the logits of ``state``, where they are known.
    """
    tiny = torch.finfo(x.dtype).tiny
    log_q = (logits(x, state) if seen is None else seen).log_softmax(dim=2)
    loss = -(weights * targets * log_q).sum(dim=(2, 3))
    charge = (l1 * magnitude(state, penalty)).sum(dim=(2, 3)) + 0.5 * (l2 * state.square()).sum(dim=(2, 3))
    q = log_q.exp()
    slope = magnitude(gradient(x, weights * (q - targets)), penalty)
    hard = l2 == 0
    outside = torch.where(hard, slope / l1.clamp_min(tiny), 0.0).amax(dim=(2, 3))
    scale = 1 / outside.clamp_min(1.0)
    inside = slope
    if bool((scale < 1).any()):
        at = scale[:, :, None, None]
        q = targets + at * (q - targets)
        log_q = q.clamp_min(tiny).log()
        inside = slope * at
    negative_entropy = (weights * q * log_q).sum(dim=(2, 3))
    excess = (inside - l1).clamp_min(0.0)
    conjugate = torch.where(hard, 0.0, excess.square() / (2 * torch.where(hard, 1.0, l2))).sum(dim=(2, 3))
    return Certificate(loss + charge + negative_entropy + conjugate, slope)
