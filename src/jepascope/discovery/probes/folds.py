"""Stratified folds of whole scenes, for cross-validation inside one split."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from jepascope.errors import BadArgument, BadData


def scene_folds(
    y: Int[Tensor, " clips"], groups: Int[Tensor, " clips"] | None = None, folds: int = 5, seed: int = 0
) -> Int[Tensor, " clips"]:
    """Fold index of each clip: scenes stay whole, classes are spread as evenly as scenes allow.

    Greedy: scenes in a seeded order of their ids, each into the fold that has least of its classes so far. The order of
    the clips plays no part. Without ``groups`` every clip is its own scene. Raises BadData where a class has fewer scenes
    than there are folds, or where there is only one class.
    """
    if folds < 2:
        raise BadArgument(f"Cross-validation needs at least 2 folds, not {folds}.")
    classes = check_labels(y)
    label = y.cpu().numpy()
    scene = np.arange(len(label)) if groups is None else groups.cpu().numpy()
    if len(scene) != len(label):
        raise BadArgument(f"There are {len(label)} labels but {len(scene)} scene ids; pass one scene id a clip.")
    ids, index = np.unique(scene, return_inverse=True)
    held = np.zeros((len(ids), classes), dtype=np.int64)
    np.add.at(held, (index, label), 1)
    scarce = (held > 0).sum(axis=0)
    if scarce.min() < folds:
        raise BadData(
            f"Class {scarce.argmin()} has clips of {scarce.min()} scene(s) only, too few for {folds}-fold cross-validation; "
            f"add scenes of that class or ask for {max(2, int(scarce.min()))} folds."
        )
    order = np.random.default_rng(seed).permutation(len(ids))
    order = order[np.argsort(-held[order].sum(axis=1), kind="stable")]  # large scenes first: small ones even things out
    filled = np.zeros((folds, classes), dtype=np.int64)
    fold_of = np.zeros(len(ids), dtype=np.int64)
    for one in order:
        # adding h to counts f raises sum f^2 by 2 f.h + const; ties go to the emptier fold
        cost = (filled @ held[one]) * (len(label) + 1) + filled.sum(axis=1)
        fold_of[one] = cost.argmin()
        filled[fold_of[one]] += held[one]
    return torch.as_tensor(fold_of[index])


def check_labels(y: Int[Tensor, " clips"]) -> int:
    """The number of classes 0..max(y), each of which must occur; BadData otherwise."""
    if y.numel() == 0:
        raise BadData("There are no clips to learn from; check that the split is not empty.")
    if int(y.min()) < 0:
        raise BadArgument("Class labels must be 0, 1, 2, ...; a negative one was given.")
    counts = torch.bincount(y)
    if len(counts) < 2:
        raise BadData("All clips are of one class, so there is nothing to tell apart; take clips of at least two classes.")
    if int(counts.min()) == 0:
        raise BadData(f"Class {int(counts.argmin())} of 0..{len(counts) - 1} has no clip; renumber the classes or add clips of it.")
    return len(counts)
