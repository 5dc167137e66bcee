"""Edits, one form: h' = h + dose * U U^T r, for every selected token, with r the edit's displacement. One file each, which declares it.

Definitions: docs/science.md, "Interventions". An edit is only its displacement r; projecting on the subspace, masking by
token, scaling by dose and matching another edit's norm are the same for all and done once, in the rank-dimensional
coordinates of U (where a token's edit has the norm of its coordinates, because U is orthonormal).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.arrays import as_tensor
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edit_inputs import EditInputs
from jepascope.intervention.scenes import Scenes

ABLATE_TO = ("mean", "zero", "resample")


def class_means(x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], classes: int) -> Float[Tensor, "classes width"]:
    """Mean of each class; every class must occur."""
    counts = torch.bincount(y, minlength=classes)
    if (counts == 0).any():
        raise BadData(f"Class {int((counts == 0).nonzero()[0])} has no clip, so it has no mean to steer to; use a larger fit split.")
    sums = torch.zeros(classes, x.shape[1], dtype=torch.float64).index_add_(0, y, x.double())
    return (sums / counts[:, None]).float()


def coordinates(
    displacement: Float[Tensor, "clips displaced width"],
    bases: Float[Tensor, "conditions width rank"],
    mask: Bool[Tensor, "clips tokens"] | None = None,
    norms: Float[Tensor, "conditions clips displaced"] | None = None,
) -> Float[Tensor, "conditions clips _ rank"]:
    """U^T r for each condition's U: zero at tokens outside the mask, and rescaled to ``norms`` token by token if given.

    A displacement of one row a clip stands for all its tokens. A token whose own edit is zero stays zero when rescaled.
    """
    clips, displaced, width = displacement.shape
    inside = (displacement.reshape(1, clips * displaced, width) @ bases).view(len(bases), clips, displaced, -1)
    if norms is not None:
        own = torch.linalg.vector_norm(inside, dim=-1)
        inside = inside * (norms / own).nan_to_num_(nan=0.0, posinf=0.0)[..., None]
    if mask is not None:
        inside = inside * mask[None, :, :, None]
    return inside


def edit(
    hidden: Float[Tensor, "clips tokens width"],
    inside: Float[Tensor, "conditions clips _ rank"],
    bases: Float[Tensor, "conditions width rank"],
    doses: Float[Tensor, " conditions"],
) -> Float[Tensor, "conditions clips tokens width"]:
    """h + dose * U c, with c the ``coordinates`` of the displacement in U; one result for each condition."""
    conditions, (clips, tokens, width) = len(bases), hidden.shape
    scaled = (inside * doses[:, None, None, None]).expand(-1, -1, tokens, -1).reshape(conditions, clips * tokens, -1)
    base = hidden.to(bases.dtype).reshape(1, clips * tokens, width).expand(conditions, -1, -1)
    # one fused product-and-sum: the edit costs a single pass over the hidden states it makes
    edited = torch.baddbmm(base, scaled, bases.transpose(1, 2))
    return edited.view(conditions, clips, tokens, width).to(hidden.dtype)


def check_edit(name: str, ablate_to: str = "mean") -> None:
    """Refuse an edit or an ablation that there is not."""
    EDITS.entry(name)
    if ablate_to not in ABLATE_TO:
        raise BadArgument(f"Ablation goes to {', '.join(ABLATE_TO[:-1])} or {ABLATE_TO[-1]}, not to '{ablate_to}'.")


def check_doses(doses: Sequence[float]) -> tuple[float, ...]:
    """Finite doses, at least one."""
    if not doses or not all(math.isfinite(dose) for dose in doses):
        raise BadArgument(f"Doses must be finite numbers, not {list(doses)}; 1 is the natural change, 0 changes nothing.")
    return tuple(float(dose) for dose in doses)


def displacement(
    name: str,
    scenes: Scenes,
    site: Site,
    rows: slice,
    hidden: Float[Tensor, "clips tokens width"],
    mean: Float[Tensor, " width"] | None = None,
    ablate_to: str = "mean",
) -> Float[Tensor, "clips _ width"]:
    """r of the scenes in ``rows``, whose tokens at the site are ``hidden``; one row a clip where it is the same for all its tokens. In
    float32 at least, whatever the tokens' precision: the difference of two tokens would lose the digits that it is made of.

    ``mean`` is that of the subspace, for edits that depend on it. Definitions: docs/science.md, "Interventions".
    """
    inputs = EditInputs(exact(hidden), scenes, site, rows, mean, ablate_to)
    with EDITS.blamed(name):
        moved = EDITS.load(name)(inputs)
        return moved.to(inputs.hidden) if name in EDITS.own else _checked(moved, inputs.hidden)


def _checked(moved: object, hidden: Float[Tensor, "clips tokens width"]) -> Float[Tensor, "clips _ width"]:
    """A displacement of one's own, an array or a tensor of (clips, tokens or 1, width); BadArgument for another shape, and for NaN."""
    displaced = as_tensor(moved, "what it returns (clips, tokens or 1, width)", 3, None).to(hidden)
    clips, tokens, width = hidden.shape
    if displaced.shape not in ((clips, tokens, width), (clips, 1, width)):
        raise BadArgument(f"it returns {tuple(displaced.shape)}, not ({clips}, {tokens} or 1, {width})")
    if not torch.isfinite(displaced).all():
        raise BadArgument("it returns NaN or infinite values")
    return displaced


def pool_inside(
    inside: Float[Tensor, "conditions clips edited rank"], read: Float[Tensor, "clips tokens"] | None
) -> Float[Tensor, "conditions clips rank"]:
    """Mean of the edits' coordinates over the tokens that are read; a single row stands for all tokens of its clip."""
    if read is None or inside.shape[2] == 1:
        return inside.mean(dim=2)
    weight = read / read.sum(dim=1, keepdim=True)
    # no matrix product, whose last digits depend on how many conditions are taken together
    return (inside * weight[None, :, :, None]).sum(dim=2)
