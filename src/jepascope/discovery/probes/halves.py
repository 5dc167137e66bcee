"""Complementary halves of the clips, drawn again and again: what stability selection fits to."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from jepascope.discovery.probes.folds import check_labels, scene_folds
from jepascope.errors import BadArgument, BadData


def complementary_halves(
    y: Int[Tensor, " clips"], groups: Int[Tensor, " clips"] | None = None, pairs: int = 50, seed: int = 0
) -> Bool[Tensor, "halves clips"]:
    """Rows 2i and 2i + 1 part the clips into two halves: scenes whole, classes spread as evenly as scenes allow."""
    if pairs < 1:
        raise BadArgument(f"Stability selection needs at least one pair of halves, not {pairs}.")
    check_labels(y)
    scenes = torch.arange(len(y)) if groups is None else groups.cpu()
    scarce = min((len(scenes[y.cpu() == one].unique()), one) for one in range(int(y.max()) + 1))
    if scarce[0] < 2:
        raise BadData(f"Class {scarce[1]} has clips of a single scene, which no half can share with the other; add scenes of that class.")
    seeds = np.random.default_rng(seed).integers(2**31, size=pairs)
    half = torch.stack([scene_folds(y, groups, 2, int(one)) for one in seeds])
    return torch.stack([half == 0, half == 1], dim=1).flatten(0, 1)


def permuted_within(
    half: Bool[Tensor, " clips"], y: Int[Tensor, " clips"], groups: Int[Tensor, " clips"] | None, generator: torch.Generator
) -> Int[Tensor, " clips"]:
    """Labels exchanged among the clips of ``half``, so that it keeps its classes; among its scenes where each shows one class."""
    y = y.cpu()
    scene = torch.arange(len(y)) if groups is None else groups.cpu()
    ids, index = scene[half].unique(return_inverse=True)
    label = torch.zeros(len(ids), dtype=y.dtype)
    label[index] = y[half]
    permuted = y.clone()
    if bool((label[index] == y[half]).all()):
        permuted[half] = label[torch.randperm(len(ids), generator=generator)][index]
    else:
        inside = y[half]
        permuted[half] = inside[torch.randperm(len(inside), generator=generator)]
    return permuted
