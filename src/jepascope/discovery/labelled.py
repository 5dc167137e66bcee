"""Labelled: pooled activations of one site with their labels, all of split ``fit``, and their moments. What every finder is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Float64, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.activations.site import Site
from jepascope.discovery.probes.folds import check_labels
from jepascope.discovery.probes.paths import ProbePath, check_activations
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import RESIDUAL
from jepascope.encoders.precision import exact
from jepascope.errors import BadArgument, BadData, JepascopeError


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


@dataclass(frozen=True)
class Suffix:
    """The network after a site, for finders that are trained through it: the fit clips and their twins, with tokens at the site.

    ``target`` is the class that each twin shows. ``gone`` is ablated to ``mean`` in both before anything is exchanged, and what is
    trained stays orthogonal to it (see ``Labelled.without``).
    """

    encoder: VideoEncoder
    site: Site
    source: Activations
    twin: Activations
    target: Int[Tensor, " clips"]
    gone: Float[Tensor, "width gone"] | None = None
    mean: Float[Tensor, " width"] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "encoder": None}  # who gets it has the same

    def exchanged(self, rows: Int[Tensor, " rows"]) -> tuple[Float[Tensor, "rows tokens width"], Float[Tensor, "rows tokens width"]]:
        """Of some clips the residual stream that an exchange at the site is added to, and what their twins have there more than they do;
        on the encoder's device, in float32 at least."""
        site, index, device = self.site, rows.numpy(), self.encoder.device
        stream, own = self.source.edited(site, index)
        own, other = (exact(tokens.to(device)) for tokens in (own, self.twin.tokens(site.layer, index, part=site.part)))
        now = self._ablated(own)
        return now if site.part == RESIDUAL else exact(stream.to(device)) + (now - own), self._ablated(other) - now

    def _ablated(self, hidden: Tensor) -> Tensor:
        if self.gone is None or self.mean is None:
            return hidden
        gone = self.gone.to(hidden)
        return hidden - (hidden - self.mean.to(hidden)) @ gone @ gone.T

    def free(self, bases: Tensor) -> Tensor:
        """The part of some directions that is orthogonal to what is gone."""
        if self.gone is None:
            return bases
        gone = self.gone.to(bases)
        return bases - gone @ (gone.T @ bases)

    def mask(self) -> Bool[Tensor, "clips tokens"] | None:
        """Tokens that are exchanged and read: those of the object in either twin; None for all."""
        own, other = self.source.mask(self.site.tokens), self.twin.mask(self.site.tokens)
        return None if own is None or other is None else own | other

    def select(self, rows: Int[Tensor, " rows"]) -> Suffix:
        picked = rows.numpy()
        return replace(self, source=self.source.select(picked), twin=self.twin.select(picked), target=self.target[rows])


@dataclass(frozen=True)
class Labelled:
    """``y`` are class indices, ``values`` the variable itself where it has values: (cos, sin) of an angle, or numbers.

    ``groups`` are scene ids, for finders that cross-validate; ``path`` an L1 path already fitted to these clips; ``where`` names
    the site in errors ("layer 3"). Finders that need moments alone take them from ``moments``.
    """

    x: Float[Tensor, "clips width"]
    y: Int[Tensor, " clips"]
    values: Float[Tensor, "clips outputs"] | None = None
    groups: Int[Tensor, " clips"] | None = None
    suffix: Suffix | None = None
    path: ProbePath | None = None
    where: str = "the activations"

    def without(self, gone: Float[Tensor, "width gone"], mean: Float[Tensor, " width"]) -> Labelled:
        """The same clips with an orthonormal basis ablated to ``mean``: what a finder is given to find what is left."""
        x = self.x - (self.x - mean) @ gone @ gone.T
        suffix = None if self.suffix is None else replace(self.suffix, gone=gone, mean=mean)
        return replace(self, x=x, suffix=suffix, path=None)

    @property
    def width(self) -> int:
        return self.x.shape[1]

    @property
    def outputs(self) -> int:
        """How many values the variable has: 0 where it has classes alone."""
        return 0 if self.values is None else self.values.shape[1]

    @cached_property
    def classes(self) -> int:
        try:
            return check_labels(self.y)
        except JepascopeError as error:
            raise type(error)(f"At {self.where}: {error}") from None

    @cached_property
    def moments(self) -> LabelMoments:
        return LabelMomentsFitter(self.width, self.classes, self.outputs).update(self.x, self.y, self.values).fit()

    def check(self) -> None:
        """Refuse what no finder can use, naming the site: NaN, infinite or constant activations, labels of one class only."""
        check_activations(self.x, len(self.y), self.where)
        _ = self.classes
        if self.values is not None and (len(self.values) != len(self.y) or not bool(torch.isfinite(self.values).all())):
            raise BadArgument(f"At {self.where}: the variable's values must be finite, one row for each of the {len(self.y)} clips.")

    def select(self, clips: Bool[Tensor, " clips"]) -> Labelled:
        """Some of the clips (and no path: it was fitted to all of them)."""
        rows = torch.nonzero(clips).flatten()
        values, groups = (None if column is None else column[rows] for column in (self.values, self.groups))
        suffix = None if self.suffix is None else self.suffix.select(rows)
        return replace(self, x=self.x[rows], y=self.y[rows], values=values, groups=groups, suffix=suffix, path=None)

    def permuted(self, generator: torch.Generator) -> Labelled:
        """The same clips with labels and values in another random order: a clip's, and what its twin shows, go together.

        The path is kept: it says which strength the true labels chose.
        """
        order = torch.randperm(len(self.y), generator=generator)
        values = None if self.values is None else self.values[order]
        suffix = None if self.suffix is None else replace(self.suffix, target=self.suffix.target[order])
        return replace(self, y=self.y[order], values=values, suffix=suffix)
