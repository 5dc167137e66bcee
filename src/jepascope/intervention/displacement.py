"""The displacement r of every family of edits, for some of the scenes: what is projected on a subspace and added."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.activations.site import SELECTIONS, Site
from jepascope.encoders.precision import exact
from jepascope.intervention.circle import circle_displacement, rotation_displacement
from jepascope.intervention.edits import ablation_displacement, donor_displacement, steer_displacement, swap_displacement
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

    ``mean`` is what mean ablation goes to, and needed for it alone. Definitions: docs/science.md, "Interventions".
    """
    hidden = exact(hidden)
    if name == "ablate":
        if ablate_to == "resample":
            return swap_displacement(hidden, scenes.source.tokens(site.layer, scenes.someone_else()[rows]).to(hidden))
        return ablation_displacement(hidden, None if mean is None or ablate_to == "zero" else mean.to(hidden))
    if name == "swap":
        if scenes.donor == "twin":
            return swap_displacement(hidden, scenes.twin.tokens(site.layer, rows).to(hidden))
        tokens = site.tokens if site.tokens in SELECTIONS else "all"  # a donor's background is no more comparable than its object
        own, donor = (part.pooled(site.layer, tokens)[rows] for part in (scenes.source, scenes.twin))
        return donor_displacement(own, donor).to(hidden)
    if name == "rotate" or scenes.requested:
        angle, wanted, circle = scenes.angles()
        if name == "rotate":
            return rotation_displacement(hidden, circle, (wanted - angle)[rows].to(hidden))
        return circle_displacement(circle, angle[rows], wanted[rows]).to(hidden)
    return steer_displacement(scenes.class_means, scenes.label[rows], scenes.target[rows]).to(hidden)


def pool_inside(
    inside: Float[Tensor, "conditions clips edited rank"], read: Float[Tensor, "clips tokens"] | None
) -> Float[Tensor, "conditions clips rank"]:
    """Mean of the edits' coordinates over the tokens that are read; a single row stands for all tokens of its clip."""
    if read is None or inside.shape[2] == 1:
        return inside.mean(dim=2)
    weight = read / read.sum(dim=1, keepdim=True)
    return torch.einsum("cstk,st->csk", inside, weight)
