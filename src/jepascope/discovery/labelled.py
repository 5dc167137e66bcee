"""Labelled: pooled activations of one site with their labels, all of split ``fit``. What every finder is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.discovery.folds import check_labels
from jepascope.discovery.label_moments import LabelMoments, LabelMomentsFitter
from jepascope.discovery.probes import ProbePath, check_activations
from jepascope.encoders.base import VideoEncoder


@dataclass(frozen=True)
class Suffix:
    """The network after a site, for finders that are trained through it: the fit clips and their twins, with tokens at the site.

    ``target`` is the class that each twin shows.
    """

    encoder: VideoEncoder
    site: Site
    source: Activations
    twin: Activations
    target: Int[Tensor, " clips"]


@dataclass(frozen=True)
class Labelled:
    """``y`` are class indices, ``values`` the variable itself where it has values: (cos, sin) of an angle, or numbers.

    ``groups`` are scene ids, for finders that cross-validate; ``path`` an L1 path already fitted to these clips; ``where`` names
    the site in errors ("layer 3"). Finders that need moments alone take them from ``moments``, which streams.
    """

    x: Float[Tensor, "clips width"]
    y: Int[Tensor, " clips"]
    values: Float[Tensor, "clips outputs"] | None = None
    groups: Int[Tensor, " clips"] | None = None
    suffix: Suffix | None = None
    path: ProbePath | None = None
    where: str = "the activations"

    @property
    def width(self) -> int:
        return self.x.shape[1]

    @cached_property
    def classes(self) -> int:
        return check_labels(self.y)

    @cached_property
    def moments(self) -> LabelMoments:
        fitter = LabelMomentsFitter(self.width, self.classes, 0 if self.values is None else self.values.shape[1])
        return fitter.update(self.x, self.y, self.values).fit()

    def check(self) -> None:
        """Refuse what no finder can use, naming the site: NaN, infinite or constant activations, labels of one class only."""
        check_activations(self.x, len(self.y), self.where)
        check_labels(self.y)

    def permuted(self, generator: torch.Generator) -> Labelled:
        """The same clips with labels and values in another random order."""
        order = torch.randperm(len(self.y), generator=generator)
        return replace(self, y=self.y[order], values=None if self.values is None else self.values[order])
