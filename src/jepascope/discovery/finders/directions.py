"""From directions in their finder's order to a Subspace, and from a filter to its pattern."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from jepascope.discovery.finder_entry import FINDERS
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument

INDEPENDENT = 1e-6  # what of a unit direction must be left beside those before it


def leading(directions: Float[Tensor, "width found"], data: Labelled, rank: int, finder: str, form: str, **said: Any) -> Subspace:
    """Span of the first ``rank`` directions, orthonormalised one after another: the first k columns are the subspace of rank k."""
    unit = directions[:, :rank].double()
    unit = unit / unit.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
    basis, left = torch.linalg.qr(unit)
    present = int((left.diagonal().abs() > INDEPENDENT).cumprod(dim=0).sum())
    if present < rank:
        raise BadArgument(
            f"Finder '{finder}' at {data.where} spans {present} direction(s), not the {rank} asked for; ask for a lower rank or add clips."
        )
    # a sign convention, so that the same data give the same file on every machine
    basis = basis * torch.sign(basis.gather(0, basis.abs().argmax(dim=0, keepdim=True)))
    return Subspace(basis.float(), data.moments.mean.float(), {**described(data, rank, finder, form), **said})


def described(data: Labelled, rank: int, finder: str, form: str) -> dict[str, Any]:
    """What every finder's provenance says: ``form`` is "filter" (what is read with) or "pattern" (what the variable moves)."""
    said = {"finder": finder, "form": form, "rank": rank, "classes": data.classes, "clips": data.moments.count}
    if FINDERS.look_up(finder).spans_means and rank == data.classes - 1:
        other = next(name for name, entry in FINDERS.own.items() if entry.spans_means and name != finder)
        said["coincides"] = f"{other}: at rank classes - 1 both are the span of the centred class means"
    return said


def class_rank(data: Labelled, rank: int | None) -> int:
    """The rank asked for, or the most that class means span."""
    return min(data.classes - 1, data.width - 1) if rank is None else rank


def as_pattern(filters: Subspace, data: Labelled) -> Subspace:
    """Covariance times the filters (Haufe et al. 2014): the directions that carry what the filters read."""
    name = f"{filters.provenance['finder']}_pattern"
    pattern = leading(data.moments.covariance @ filters.basis.double(), data, filters.rank, name, "pattern")
    return replace(pattern, provenance={**filters.provenance, "finder": name, "form": "pattern"})


def no_values(finder: str, data: Labelled) -> BadArgument:
    return BadArgument(
        f"Finder '{finder}' at {data.where} needs a variable with values (an angle or numbers), and only classes were given; "
        "take direction, colour, speed, size or position, or another finder."
    )
