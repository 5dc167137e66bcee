"""Finders: each takes labelled activations of the ``fit`` split and returns a Subspace, behind one signature."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch

from jepascope.discovery.arrays import as_whole
from jepascope.discovery.finders.class_pca import class_pca
from jepascope.discovery.finders.das import das, das_shuffled
from jepascope.discovery.finders.diff_means import diff_means
from jepascope.discovery.finders.inlp import inlp, inlp_pattern
from jepascope.discovery.finders.l1_probe import l1_pattern_shuffled, l1_probe, l1_probe_pattern, l1_probe_shuffled
from jepascope.discovery.finders.lda import lda, lda_pattern
from jepascope.discovery.finders.leace import LeaceEraser, leace, leace_pattern
from jepascope.discovery.finders.ridge_circle import no_values, ridge_circle, ridge_circle_pattern
from jepascope.discovery.finders.within_pca import within_pca
from jepascope.discovery.found_by import FoundBy, digest_of
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, JepascopeError

__all__ = [
    "FINDERS",
    "NEEDS_PATH",
    "NEEDS_SUFFIX",
    "Finder",
    "Labelled",
    "LeaceEraser",
    "check_finder",
    "find",
    "find_shuffled",
    "max_rank",
]


@runtime_checkable
class Finder(Protocol):
    """The one signature. ``seed`` is for those that draw or cross-validate."""

    def __call__(self, data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace: ...


FINDERS: dict[str, Finder] = {
    "diff_means": diff_means,
    "class_pca": class_pca,
    "within_pca": within_pca,
    "l1_probe": l1_probe,
    "l1_probe_pattern": l1_probe_pattern,
    "ridge_circle": ridge_circle,
    "ridge_circle_pattern": ridge_circle_pattern,
    "lda": lda,
    "lda_pattern": lda_pattern,
    "leace": leace,
    "leace_pattern": leace_pattern,
    "inlp": inlp,
    "inlp_pattern": inlp_pattern,
    "das": das,
}
"""By name. Where a finder has two forms the bare name is the filter's, and ``<name>_pattern`` is covariance times filter."""


NEEDS_PATH = frozenset({"l1_probe", "l1_probe_pattern"})
"""Finders that start from an L1 path, and fit one where ``Labelled.path`` is not given."""

NEEDS_SUFFIX = frozenset({"das"})
"""Finders that are trained through the network after the site, and need ``Labelled.suffix``."""

ANY_RANK = frozenset({"within_pca", "inlp", "inlp_pattern", "das"})


def max_rank(name: str, classes: int, width: int, outputs: int = 0) -> int:
    """The highest rank that finder ``name`` can give: classes - 1 for what class means span, ``outputs`` (how many values the
    variable has) for ridge_circle, width - 1 for the others."""
    if name not in FINDERS:
        raise _unknown(name)
    if name in ("ridge_circle", "ridge_circle_pattern"):
        return min(outputs, width - 1)
    return width - 1 if name in ANY_RANK else min(classes - 1, width - 1)


def find(name: str, data: Labelled, rank: int | None = None, seed: int = 0, **provenance: Any) -> Subspace:
    """The subspace that finder ``name`` finds; ``provenance`` (layer, tokens, ...) is added to what the finder says itself.

    The one place that says what a subspace was ``found_by``. Raises BadArgument for an unknown finder and for a rank that the labels or
    the width do not allow.
    """
    check_finder(name, data, rank)
    try:
        found = FINDERS[name](data, rank, seed)
    except JepascopeError as error:
        if data.where in str(error):
            raise
        raise type(error)(f"Finder '{name}' at {data.where}: {error}") from None
    found_by = FoundBy(name, rank, seed, data.where, digest_of(data.y), digest_of(found.basis))
    return replace(found, provenance={**found.provenance, **provenance}, found_by=found_by)


def find_shuffled(finder: str | Finder, data: Labelled, rank: int | None, draws: int, seed: int = 0, **provenance: Any) -> list[Subspace]:
    """The same finder, by name or as a function, on ``draws`` random permutations of labels and values together: the ``shuffled``
    control.

    l1_probe and das take all permutations in one batch, at the strength that the true labels chose.
    """
    if isinstance(finder, str):
        check_finder(finder, data, rank)
    together, alone = (_TOGETHER.get(finder), FINDERS[finder]) if isinstance(finder, str) else (None, finder)
    if draws < 1:
        raise BadArgument(f"A shuffled control needs at least one draw, not {draws}.")
    generator = torch.Generator().manual_seed(seed)
    permuted = [data.permuted(generator) for _ in range(draws)]
    found = together(data, rank, permuted, seed) if together else [alone(one, rank, seed) for one in permuted]
    said = {"labels": "shuffled", "seed": seed, **provenance}
    return [replace(one, provenance={**one.provenance, "draw": draw, **said}) for draw, one in enumerate(found)]


_TOGETHER: dict[str, Callable[[Labelled, int | None, Sequence[Labelled], int], list[Subspace]]] = {
    "l1_probe": l1_probe_shuffled,
    "l1_probe_pattern": l1_pattern_shuffled,
    "das": das_shuffled,
}
"""Finders that take all permutations of a control in one batch."""


def check_finder(name: str, data: Labelled, rank: int | None) -> None:
    """Refuse a finder that there is not, and a rank that it cannot give here."""
    if not isinstance(name, str) or name not in FINDERS:
        raise _unknown(name)
    data.check()
    most = max_rank(name, data.classes, data.width, data.outputs)
    if not most:
        raise no_values(name, data)
    if rank is not None and not 1 <= as_whole(rank, "rank") <= most:
        given = f"{data.outputs} value(s)" if name.startswith("ridge_circle") else f"{data.classes} classes"
        raise BadArgument(
            f"Finder '{name}' cannot give rank {rank} at {data.where}: {given} in width {data.width} allow "
            f"ranks 1..{most}; ask for {most} or less."
        )


def _unknown(name: str) -> BadArgument:
    return BadArgument(f"There is no finder '{name}'; known are {', '.join(FINDERS)}.")
