"""The displacement r of an edit by its name, for some of the scenes: what is projected on a subspace and added."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.discovery.arrays import as_tensor
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument
from jepascope.intervention.edit_entry import EDITS
from jepascope.intervention.edit_inputs import EditInputs
from jepascope.intervention.scenes import Scenes


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
    return torch.einsum("cstk,st->csk", inside, weight)
