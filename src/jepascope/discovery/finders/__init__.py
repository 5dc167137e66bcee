"""Finders: each takes activations and labels of the ``fit`` split and returns a Subspace, behind one signature."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from jepascope.discovery.finders.class_pca import class_pca
from jepascope.discovery.finders.diff_means import diff_means
from jepascope.discovery.finders.l1_probe import from_path, l1_probe, l1_probe_shuffled
from jepascope.discovery.folds import check_labels
from jepascope.discovery.probes import ProbePath, check_activations
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument

__all__ = ["FINDERS", "Finder", "class_pca", "diff_means", "find", "find_shuffled", "l1_probe"]


@runtime_checkable
class Finder(Protocol):
    """The one signature. ``groups`` are scene ids, for finders that cross-validate; ``seed`` for those that draw."""

    def __call__(
        self,
        x: Float[Tensor, "clips width"],
        y: Int[Tensor, " clips"],
        rank: int | None = None,
        seed: int = 0,
        groups: Int[Tensor, " clips"] | None = None,
    ) -> Subspace: ...


FINDERS: dict[str, Finder] = {"diff_means": diff_means, "class_pca": class_pca, "l1_probe": l1_probe}


def find(
    name: str,
    x: Float[Tensor, "clips width"],
    y: Int[Tensor, " clips"],
    rank: int | None = None,
    seed: int = 0,
    groups: Int[Tensor, " clips"] | None = None,
    path: ProbePath | None = None,
    **provenance: Any,
) -> Subspace:
    """The subspace that finder ``name`` finds; ``provenance`` (layer, tokens, ...) is added to what the finder says itself.

    ``path`` is an L1 path already fitted to these clips (``l1_paths``, same groups and seed): l1_probe then takes it as it is.

    Raises BadArgument for an unknown finder and for a rank that the labels or the width do not allow.
    """
    _check(name, x, y, rank, provenance)
    found = from_path(path, x, rank) if name == "l1_probe" and path is not None else FINDERS[name](x, y, rank, seed, groups)
    return replace(found, provenance={**found.provenance, **provenance})


def find_shuffled(
    name: str,
    x: Float[Tensor, "clips width"],
    y: Int[Tensor, " clips"],
    rank: int | None,
    draws: int,
    seed: int = 0,
    groups: Int[Tensor, " clips"] | None = None,
    path: ProbePath | None = None,
    **provenance: Any,
) -> list[Subspace]:
    """The same finder on ``draws`` random permutations of the labels: the ``shuffled`` control.

    l1_probe fits all permutations in one batch, at the strength that the true labels chose (``path`` as in ``find``).
    """
    _check(name, x, y, rank, provenance)
    if draws < 1:
        raise BadArgument(f"A shuffled control needs at least one draw, not {draws}.")
    generator = torch.Generator().manual_seed(seed)
    labels = torch.stack([y[torch.randperm(len(y), generator=generator)] for _ in range(draws)])
    if name == "l1_probe":
        found = l1_probe_shuffled(x, y, rank, labels, seed, groups, path)
    else:
        found = [FINDERS[name](x, permuted, rank, seed, groups) for permuted in labels]
    said = {"labels": "shuffled", "seed": seed, **provenance}
    return [replace(one, provenance={**one.provenance, "draw": draw, **said}) for draw, one in enumerate(found)]


def _check(name: str, x: Tensor, y: Tensor, rank: int | None, provenance: dict[str, Any]) -> None:
    if name not in FINDERS:
        raise BadArgument(f"There is no finder '{name}'; known are {', '.join(FINDERS)}.")
    check_activations(x, len(y), f"{name} at {', '.join(f'{k} {v}' for k, v in provenance.items())}" if provenance else name)
    classes = check_labels(y)
    most = min(classes - 1, x.shape[1] - 1)
    if rank is not None and not 1 <= rank <= most:
        raise BadArgument(
            f"Finder '{name}' cannot give rank {rank}: {classes} classes in width {x.shape[1]} allow ranks 1..{most}; "
            f"ask for {most} or less."
        )
