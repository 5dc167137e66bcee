"""Moments with labels: all that a finder of second moments needs, whatever the number of clips."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor

from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.errors import BadData


@dataclass(frozen=True)
class LabelMoments:
    """Of pooled activations x with class labels, and of (x, values) jointly where the variable has values.

    Covariances are divided by the count. ``within`` is the covariance of x about its own class's mean (every clip counted alike),
    ``cross`` that of x with the values.
    """

    counts: Int[Tensor, " classes"]
    means: Float64[Tensor, "classes width"]
    mean: Float64[Tensor, " width"]
    covariance: Float64[Tensor, "width width"]
    within: Float64[Tensor, "width width"]
    values_mean: Float64[Tensor, " outputs"] | None = None
    values_covariance: Float64[Tensor, "outputs outputs"] | None = None
    cross: Float64[Tensor, "width outputs"] | None = None

    @property
    def classes(self) -> int:
        return len(self.counts)

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    @property
    def width(self) -> int:
        return self.means.shape[1]

    @property
    def centred_means(self) -> Float64[Tensor, "classes width"]:
        """Class means less their mean, every class counted alike: what diff_means and class_pca are made of."""
        return self.means - self.means.mean(dim=0)

    @property
    def class_cross(self) -> Float64[Tensor, "width classes"]:
        """Covariance of x with the one-hot label: column c is (share of class c) x (its mean less the mean of all clips)."""
        return ((self.counts / self.count)[:, None] * (self.means - self.mean)).T


class LabelMomentsFitter:
    """Streams (x, y, values) into LabelMoments. Any cut into batches gives what one batch gives, up to float64 rounding."""

    def __init__(self, width: int, classes: int, outputs: int = 0) -> None:
        self.width, self.outputs = width, outputs
        self.joint = MomentsFitter(width + outputs)
        self.by_class = [MomentsFitter(width) for _ in range(classes)]

    def update(
        self, x: Float[Tensor, "clips width"], y: Int[Tensor, " clips"], values: Float[Tensor, "clips outputs"] | None = None
    ) -> LabelMomentsFitter:
        """Add clips."""
        if len(x):
            self.joint.update(x if values is None else torch.cat([x.double(), values.double()], dim=1))
            for label in torch.unique(y).tolist():
                self.by_class[label].update(x[y == label])
        return self

    def fit(self) -> LabelMoments:
        """The frozen result; BadData where a class has no clip."""
        empty = [label for label, fitter in enumerate(self.by_class) if not fitter.count]
        if empty:
            raise BadData(f"Class {empty[0]} of 0..{len(self.by_class) - 1} has no clip; renumber the classes or add clips of it.")
        joint: Moments = self.joint.fit()
        w = self.width
        total = torch.zeros(w, w, dtype=torch.float64)
        for fitter in self.by_class:
            total += fitter.scatter
        return LabelMoments(
            counts=torch.tensor([fitter.count for fitter in self.by_class]),
            means=torch.stack([fitter.mean for fitter in self.by_class]),
            mean=joint.mean[:w],
            covariance=joint.covariance[:w, :w],
            within=(total + total.T) / (2 * joint.count),
            values_mean=joint.mean[w:] if self.outputs else None,
            values_covariance=joint.covariance[w:, w:] if self.outputs else None,
            cross=joint.covariance[:w, w:] if self.outputs else None,
        )
