"""How far edited clips lie from natural ones: inside the subspace that is edited, and at the last layer.

An edit that leaves what natural clips do shows what the network makes of inputs that it never has, not what it does with the variable. So
every edit and every control is held against the clips of split ``fit``; unedited test clips stand beside, as they lie apart from those too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.discovery.finders.regularised import oas_share, shrunk, whitening
from jepascope.intervention.conditions import Condition

DRAWS = 5  # of every control whose distances inside its directions are taken: they hardly differ between draws


@dataclass(frozen=True)
class NaturalClips:
    """Clips of split ``fit``, pooled: at the site as they are, at the last layer by mean and whitening of a shrunk covariance (OAS)."""

    pooled: Float64[Tensor, "clips width"]
    mean: Float64[Tensor, " width"]
    whitening: Float64[Tensor, "width width"]

    @classmethod
    def of(cls, pooled: Float[Tensor, "clips width"], last: Float[Tensor, "clips width"]) -> NaturalClips:
        """Of the pooled activations of the same clips at the site and at the last layer."""
        moments = Moments.of(last)
        covariance = shrunk(moments.covariance, oas_share(moments.covariance, moments.count))
        return cls(pooled.double(), moments.mean, whitening(covariance)[0])

    def nearest(self, pooled: Float[Tensor, "clips width"], basis: Float[Tensor, "width rank"]) -> Float64[Tensor, " clips"]:
        """Distance of each clip's coordinates in a basis to those of the nearest natural clip, in latent units."""
        axes = basis.double()
        apart = torch.cdist(pooled.double() @ axes, self.pooled @ axes, compute_mode="donot_use_mm_for_euclid_dist")
        return apart.amin(dim=1)

    def mahalanobis(self, last: Float[Tensor, "clips width"]) -> Float64[Tensor, " clips"]:
        """Distance of each clip from the natural mean at the last layer, in natural standard deviations (Mahalanobis 1936)."""
        return ((last.double() - self.mean) @ self.whitening).square().sum(dim=1).sqrt()

    def distances(
        self, conditions: Sequence[Condition], own: Float[Tensor, "clips width"], shift: Float[Tensor, "conditions clips width"]
    ) -> Float64[Tensor, "2 conditions clips"]:
        """``nearest`` in each condition's own directions, of the clips moved by ``shift`` and as they are; NaN of later draws."""
        # one condition at a time, so that no digit depends on what else is run
        missing = torch.full((2, len(own)), torch.nan, dtype=torch.float64)
        pairs = [
            torch.stack([self.nearest(own + moved, one.basis), self.nearest(own, one.basis)])
            if any(owner.draw < DRAWS for owner in one.owners)
            else missing
            for one, moved in zip(conditions, shift, strict=True)
        ]
        return torch.stack(pairs, dim=1)
