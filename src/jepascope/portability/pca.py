"""Principal axes of activations: what stands between wide activations and anything that is fitted to few clips."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.errors import BadArgument

MOST_COMPONENTS = 20
CLIPS_PER_COMPONENT = 5
NULL_VARIANCE = 1e-10  # of the largest: a spread of 1e-5 of the largest one is what float32 activations leave of nothing


@dataclass(frozen=True)
class Pca:
    """Mean and principal axes of fit clips, largest variance first, with the fit clips' scores along them."""

    mean: Float64[Tensor, " width"]
    axes: Float64[Tensor, "width components"]
    scores: Float64[Tensor, "clips components"]

    @property
    def components(self) -> int:
        return self.axes.shape[1]

    @property
    def variances(self) -> Float64[Tensor, " components"]:
        """Of the scores, divided by the number of clips."""
        return self.scores.square().mean(dim=0)

    def project(self, x: Float[Tensor, "clips width"]) -> Float64[Tensor, "clips components"]:
        """Scores of other clips, about the fit clips' mean."""
        return (x.double().cpu() - self.mean) @ self.axes

    def first(self, components: int) -> Pca:
        """The leading axes alone."""
        return Pca(self.mean, self.axes[:, :components], self.scores[:, :components])


def pca(x: Float[Tensor, "clips width"]) -> Pca:
    """All principal axes with variance, from the smaller of X'X and XX', in float64."""
    exact = x.double().cpu()
    mean = exact.mean(dim=0)
    centred = exact - mean
    wide = centred.shape[1] > centred.shape[0]
    values, vectors = torch.linalg.eigh(centred @ centred.T if wide else centred.T @ centred)
    kept = values > NULL_VARIANCE * values[-1]
    spread, vectors = values[kept].flip(0).sqrt(), vectors[:, kept].flip(1)
    if wide:
        axes, scores = centred.T @ vectors / spread, vectors * spread
    else:
        axes, scores = vectors, centred @ vectors
    # a sign convention, so that the same data give the same axes on every machine
    signs = torch.sign(axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)))
    return Pca(mean, axes * signs, scores * signs)


def common_components(x: Pca, y: Pca, components: int | None = None) -> int:
    """How many axes of each side to keep: as asked for, or min(20, clips / 5, the two ranks).

    Twenty, as in SVCCA-20, hold most of the variance of pooled activations. Five clips for each axis keep a fit to them from being
    decided by the number of clips: canonical correlations of unrelated data in c and c dimensions reach about 2 sqrt(c / clips).
    """
    ranks, clips = min(x.components, y.components), len(x.scores)
    if components is None:
        return max(1, min(MOST_COMPONENTS, clips // CLIPS_PER_COMPONENT, ranks))
    if not 1 <= components <= ranks:
        raise BadArgument(f"{components} principal components were asked for, and the {clips} clips span {ranks}; ask for 1..{ranks}.")
    return components
