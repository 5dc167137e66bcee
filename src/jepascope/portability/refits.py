"""What the clips that a subspace was found in give besides it: the same finder on permuted labels and without some scenes, and PCA."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from jepascope.discovery.finder_entry import FINDERS
from jepascope.discovery.finders import find_shuffled
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadData
from jepascope.portability.alignment import sas
from jepascope.portability.pca import pca
from jepascope.stats import OUTSIDE_DRAWS, Jackknifed, jackknifed

DRAWS = OUTSIDE_DRAWS  # of permuted labels: the fewest that a value can lie outside of
GROUPS = 10  # of scenes that are left out in turn

Basis = Tensor  # (width, rank), orthonormal


@dataclass(frozen=True)
class Refits:
    """``clips`` names the clips; ``permuted``: what the finder finds there on permuted labels (none where that takes a search
    for each); ``pca``: as many of the largest principal axes of their pooled activations. ``without`` and ``pca_without``: what the finder,
    and PCA, find without each group of scenes in turn (none where the finder searches, or a class has too few scenes)."""

    clips: str
    permuted: tuple[Basis, ...]
    pca: Basis
    without: tuple[Basis, ...] = ()
    pca_without: tuple[Basis, ...] = ()


def refits(name: str, find: Callable[[Labelled], Subspace], data: Labelled, rank: int, seed: int, clips: str, draws: int = DRAWS) -> Refits:
    """What finder ``name``, run as ``find``, gives on the clips in ``data`` besides its subspace of that rank; permuted labels ``draws``
    times."""
    entry = FINDERS.entry(name)
    drawn = find_shuffled(name, data, rank, draws, seed) if draws and entry.permuted_cheaply else []
    groups = left_out(data.y, data.groups, GROUPS, seed) if entry.closed_form else ()
    parts = [data.select(~group) for group in groups]
    axes = partial(leading_axes, rank=rank)
    return Refits(
        clips,
        tuple(one.basis for one in drawn),
        axes(data.x),
        tuple(find(part).basis for part in parts),
        tuple(axes(part.x) for part in parts),
    )


def leading_axes(x: Float[Tensor, "clips width"], rank: int) -> Basis:
    """The ``rank`` leading principal axes. BadData where the clips span fewer."""
    found = pca(x)
    if found.components < rank:
        raise BadData(f"{len(x)} clips span {found.components} principal axes, fewer than the rank {rank} that is held against them.")
    return found.axes[:, :rank].float()


def left_out(y: Int[Tensor, " clips"], scenes: Int[Tensor, " clips"] | None, groups: int, seed: int) -> list[Bool[Tensor, " clips"]]:
    """Every clip in one of the groups, scenes whole and classes as even as that allows; none where a class has fewer than two scenes."""
    scenes = torch.arange(len(y)) if scenes is None else scenes
    if min(len(scenes[y == label].unique()) for label in y.unique()) < 2:
        return []
    order = np.random.default_rng(seed).permutation(scenes.unique().numpy()).tolist()
    dealt = sorted(order, key=lambda scene: tuple(y[scenes == scene].unique().tolist()))
    parts = [torch.isin(scenes, torch.tensor(dealt[start::groups])) for start in range(min(groups, len(dealt)))]
    kept = len(y.unique())
    return parts if all(len(y[~part].unique()) == kept for part in parts) else []


def aligned_with_fit(
    a: Float[Tensor, "width rank_a"], b: Float[Tensor, "width rank_b"], of_a: Refits, of_b: Refits, less: Tensor | None = None
) -> Jackknifed | None:
    """SAS of a and b, with the standard error of finding both anew; None where one of the two has no re-fits.

    ``less``: what takes a's place in a SAS that is subtracted (PCA of a's clips). Groups of scenes are left out on one side at a time, or
    on both at once where both were found in the same clips.
    """
    if not (of_a.without and of_b.without):
        return None

    def value(u: Tensor, v: Tensor, other: Tensor | None) -> float:
        return sas(u, v) - (0.0 if other is None else sas(other, v))

    others: Sequence[Tensor | None] = of_a.pca_without if less is not None else [None] * len(of_a.without)
    full = value(a, b, less)
    if of_a.clips == of_b.clips:
        return jackknifed(full, [value(*without) for without in zip(of_a.without, of_b.without, others, strict=True)])
    left = [value(u, b, other) for u, other in zip(of_a.without, others, strict=True)]
    return jackknifed(full, left, [value(a, v, less) for v in of_b.without])
