"""Labels exchanged between scenes: what the labels would be, were they unrelated to what the clips show."""

from __future__ import annotations

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


def exchanged(
    y: Shaped[Tensor, "clips ..."], groups: Int[Tensor, " clips"] | None, generator: torch.Generator
) -> Shaped[Tensor, "clips ..."]:
    """A random exchange of the rows of ``y`` (classes, or values).

    Clips of one scene (``groups``) are no independent units: where every scene has one row of ``y`` in all its clips, whole scenes
    are exchanged, otherwise clips. The generator draws on the processor.
    """
    if groups is None:
        return y[torch.randperm(len(y), generator=generator)]
    ids, index = groups.cpu().unique(return_inverse=True)
    one = torch.zeros(len(ids), dtype=torch.long)
    one[index] = torch.arange(len(y))  # any clip of the scene
    if bool((y[one[index]] == y).all()):
        return y[one[torch.randperm(len(ids), generator=generator)][index]]
    return y[torch.randperm(len(y), generator=generator)]
