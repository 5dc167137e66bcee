"""What a variable is on some captured clips: classes, values and the scenes that no fold may part."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.activations.site import Site
from jepascope.discovery.labelled import Labelled, Suffix
from jepascope.discovery.probes.paths import ProbePath


def labels_of(part: Activations, variable: str) -> Int[Tensor, " clips"]:
    """Indices of classes."""
    return torch.tensor(part.clips.labels(variable)[0])


def values_of(part: Activations, variable: str) -> Float[Tensor, "clips outputs"] | None:
    """(cos, sin) of a circular variable, the numbers of a numeric one (in ``variable.unit``), None for a categorical one."""
    values = part.clips.values(variable)
    return None if values is None else torch.tensor(values, dtype=torch.float32)


def scenes_of(part: Activations) -> Int[Tensor, " clips"]:
    return torch.tensor(part.clips.factors["scene"].to_numpy(copy=True))


def labelled(part: Activations, variable: str, site: Site, path: ProbePath | None = None, suffix: Suffix | None = None) -> Labelled:
    """Pooled activations of a site with their labels, and what some finders need besides."""
    x, y = part.pooled(site.layer, site.tokens, site.part), labels_of(part, variable)
    return Labelled(x, y, values_of(part, variable), scenes_of(part), suffix, path, str(site))
