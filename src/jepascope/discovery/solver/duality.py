"""The duality gap of a multinomial elastic net: how far, at most, a fit lies above the minimum."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.solver.elastic_net import gradient, logits
from jepascope.discovery.solver.penalties import Penalty, magnitude


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
