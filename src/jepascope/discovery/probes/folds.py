"""Clips parted by scene: folds, halves, and labels exchanged between scenes. Clips of one scene (``groups``) are no independent units."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor

from jepascope.errors import BadArgument, BadData


def scene_folds(
    y: Int[Tensor, " clips"], groups: Int[Tensor, " clips"] | None = None, folds: int = 5, seed: int = 0
) -> Int[Tensor, " clips"]:
    """Fold index of each clip: scenes stay whole, classes are spread as evenly as scenes allow.

    Without ``groups`` every clip is its own scene. Raises BadData where a class has fewer scenes than there are folds, or where there is
    only one class.
    """
    classes, (ids, index) = check_labels(y), _scenes(len(y), groups, folds, "labels")
    held = np.zeros((len(ids), classes), dtype=np.int64)
    np.add.at(held, (index, y.cpu().numpy()), 1)
    scarce = (held > 0).sum(axis=0)
    if scarce.min() < folds:
        raise BadData(
            f"Class {scarce.argmin()} has clips of {scarce.min()} scene(s) only, too few for {folds}-fold cross-validation; "
            f"add scenes of that class or ask for {max(2, int(scarce.min()))} folds."
        )
    return torch.from_numpy(_dealt(held, folds, seed)[index])


def whole_scene_folds(clips: int, groups: Int[Tensor, " clips"] | None = None, folds: int = 5, seed: int = 0) -> Int[Tensor, " clips"]:
    """Fold of each clip, scenes whole and folds as even as they allow; for targets without classes (else ``scene_folds``)."""
    ids, index = _scenes(clips, groups, folds, "values")
    if len(ids) < folds:
        raise BadData(
            f"The clips come from {len(ids)} scene(s) only, too few for {folds}-fold cross-validation; add scenes or ask for fewer folds."
        )
    return torch.from_numpy(_dealt(np.bincount(index)[:, None], folds, seed)[index])


def complementary_halves(
    y: Int[Tensor, " clips"], groups: Int[Tensor, " clips"] | None = None, pairs: int = 50, seed: int = 0
) -> Bool[Tensor, "halves clips"]:
    """Rows 2i and 2i + 1 part the clips into two halves: scenes whole, classes spread as evenly as scenes allow."""
    if pairs < 1:
        raise BadArgument(f"Stability selection needs at least one pair of halves, not {pairs}.")
    check_labels(y)
    scenes = torch.arange(len(y)) if groups is None else groups.cpu()
    scarce = min((len(scenes[y.cpu() == label].unique()), label) for label in range(int(y.max()) + 1))
    if scarce[0] < 2:
        raise BadData(f"Class {scarce[1]} has clips of a single scene, which no half can share with the other; add scenes of that class.")
    seeds = np.random.default_rng(seed).integers(2**31, size=pairs)
    half = torch.stack([scene_folds(y, groups, 2, int(each)) for each in seeds])
    return torch.stack([half == 0, half == 1], dim=1).flatten(0, 1)


def exchanged(
    y: Shaped[Tensor, "clips ..."], groups: Int[Tensor, " clips"] | None, generator: torch.Generator
) -> Shaped[Tensor, "clips ..."]:
    """A random exchange of the rows of ``y`` (classes, or values): what they would be, were they unrelated to what the clips show.

    Where every scene has one row of ``y`` in all its clips, whole scenes are exchanged, otherwise clips. The generator draws on the
    processor.
    """
    if groups is None:
        return y[torch.randperm(len(y), generator=generator)]
    ids, index = groups.cpu().unique(return_inverse=True)
    clip = torch.zeros(len(ids), dtype=torch.long)
    clip[index] = torch.arange(len(y))  # any clip of the scene
    if bool((y[clip[index]] == y).all()):
        return y[clip[torch.randperm(len(ids), generator=generator)][index]]
    return y[torch.randperm(len(y), generator=generator)]


def exchanged_within(
    half: Bool[Tensor, " clips"], y: Int[Tensor, " clips"], groups: Int[Tensor, " clips"] | None, generator: torch.Generator
) -> Int[Tensor, " clips"]:
    """Labels exchanged among the clips of ``half`` alone, so that it keeps its classes."""
    y, half = y.cpu().clone(), half.cpu()
    y[half] = exchanged(y[half], None if groups is None else groups.cpu()[half], generator)
    return y


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


def _scenes(clips: int, groups: Int[Tensor, " clips"] | None, folds: int, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Ids of the scenes, and the place of each clip's among them."""
    if folds < 2:
        raise BadArgument(f"Cross-validation needs at least 2 folds, not {folds}.")
    scene = np.arange(clips) if groups is None else groups.cpu().numpy()
    if len(scene) != clips:
        raise BadArgument(f"There are {clips} {what} but {len(scene)} scene ids; pass one scene id a clip.")
    ids, index = np.unique(scene, return_inverse=True)
    return ids, index


def _dealt(held: Int[np.ndarray, "scenes classes"], folds: int, seed: int) -> Int[np.ndarray, " scenes"]:
    """A fold for each scene, which ``held`` so many clips of each class.

    Greedy: scenes in a seeded order of their ids, each into the fold that has least of its classes so far. The order of the clips plays
    no part.
    """
    order = np.random.default_rng(seed).permutation(len(held))
    order = order[np.argsort(-held[order].sum(axis=1), kind="stable")]  # large scenes first: small ones even things out
    filled, fold_of = np.zeros((folds, held.shape[1]), dtype=np.int64), np.zeros(len(held), dtype=np.int64)
    for scene in order:
        # adding h to counts f raises sum f^2 by 2 f.h + const; ties go to the emptier fold
        cost = (filled @ held[scene]) * (int(held.sum()) + 1) + filled.sum(axis=1)
        fold_of[scene] = cost.argmin()
        filled[fold_of[scene]] += held[scene]
    return fold_of
