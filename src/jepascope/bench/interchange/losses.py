"""The losses of interchange-intervention training, each a function with its name.

Interchange (IIT; Geiger et al. 2022): the plane's content of a clip is exchanged with another clip's, and the network must say what the
other one shows. Strict (SIIT; Gupta et al. 2024): everything *but* the plane is exchanged, and it must say the same as before.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.site import pool
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.encoders.base import VideoEncoder
from jepascope.intervention.edits.swap import swap_displacement

CLASSES = len(DIRECTION_NAMES)
Hidden = Float[Tensor, "clips tokens width"]
Plane = Float[Tensor, "width rank"]


def exchanged(hidden: Hidden, other: Hidden, plane: Plane) -> tuple[Hidden, Hidden]:
    """h + U U^T (h_other - h), and the same of everything but the plane: h_other - U U^T (h_other - h)."""
    moved = swap_displacement(hidden, other) @ plane @ plane.T
    return hidden + moved, other - moved


def read_at_the_end(encoder: VideoEncoder, hidden: Hidden, other: Hidden, plane: Plane, layer: int) -> Float[Tensor, "3 clips width"]:
    """Pooled ``h_L``: of the clips as they are, with the plane exchanged, and with everything else exchanged."""
    edited = torch.cat([hidden, *exchanged(hidden, other, plane)])
    last: Tensor = pool(encoder.run(edited, layer)).unflatten(0, (3, -1))
    return last


def said(
    logits: Float[Tensor, "3 clips classes"], labels: Int[Tensor, " clips"], others: Int[Tensor, " clips"]
) -> dict[str, Float[Tensor, ""]]:
    """Cross-entropy (nats): of the task, of the interchange (the other clip's class), of the exchange of everything else (its own)."""
    own, put, kept = (F.cross_entropy(each, wanted) for each, wanted in zip(logits, (labels, others, labels), strict=True))
    return {"task": own, "interchange": put, "complement": kept}


def outside_the_planes(pooled: Float[Tensor, "clips width"], labels: Int[Tensor, " clips"], planes: Plane) -> Float[Tensor, ""]:
    """Share of the variance outside some planes that lies between classes: of pooled activations at the site, within one batch."""
    left = pooled - pooled @ planes @ planes.T
    centred = left - left.mean(dim=0)
    member = F.one_hot(labels, CLASSES).to(centred)
    means = member.T @ centred / member.sum(dim=0).clamp(min=1)[:, None]
    between = (means.square().sum(dim=1) * member.sum(dim=0)).sum() / len(labels)
    share: Tensor = between / centred.square().sum(dim=1).mean().detach()
    return share


def moved_by_the_rest(pooled: Float[Tensor, "3 clips width"]) -> Float[Tensor, ""]:
    """How far exchanging everything but the plane moves the last layer, over its variance: 0 where it depends on the plane alone."""
    clean, _, kept = pooled
    spread = (clean - clean.mean(dim=0)).square().sum(dim=1).mean().detach()
    moved: Tensor = (kept - clean).square().sum(dim=1).mean() / spread.clamp(min=1e-6)
    return moved


def off_the_code(
    pooled: Float[Tensor, "clips width"], labels: Int[Tensor, " clips"], plane: Plane, like: Plane, times: float
) -> Float[Tensor, ""]:
    """Mean square of ``plane``'s pooled coordinates less r e(y), over r squared: e(y) is the class on the unit circle, r so many ``times``
    the root mean square of the coordinates in the plane that it is to be ``like``."""
    angle = labels * (2 * torch.pi / CLASSES)
    own = pooled @ like
    radius = times * (own - own.mean(dim=0)).square().sum(dim=1).mean().sqrt().detach()
    code = radius * torch.stack([angle.cos(), angle.sin()], dim=1)
    off: Tensor = (pooled @ plane - code).square().sum(dim=1).mean() / radius.square()
    return off
