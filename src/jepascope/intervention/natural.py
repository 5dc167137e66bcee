"""What dose 1 of an edit is in natural units: beside the change that the scene's partner makes in the same subspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from jepascope.activations.site import Site
from jepascope.activations.suffix import chunks
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.edits import coordinates, displacement, pool_inside
from jepascope.intervention.scenes import Scenes
from jepascope.schema import TABLES
from jepascope.stats import RESAMPLES, ratio_of_means, scene_sums

COLUMNS = TABLES["doses"].written


def natural_doses(
    site: Site, scenes: Scenes, subspaces: Mapping[str, Subspace], edits: Sequence[str], seed: int = 0, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """One row a finder and edit. No block is run.

    ``norm``: mean norm of a token's edit at dose 1, inside the subspace; ``norm_twin``: that of the swap, the partner's own change
    there. ``shift``: sum <pooled edit, pooled swap> / sum |pooled swap|^2, inside the subspace: 1 is the natural dose.
    """
    rows = []
    for finder, subspace in subspaces.items():
        swapped, norm_twin = _pooled(site, scenes, subspace, "swap")
        for edit in edits:
            pooled, norm = (swapped, norm_twin) if edit == "swap" else _pooled(site, scenes, subspace, edit)
            along, length = (scene_sums(part.sum(dim=1).numpy(), scenes.ids) for part in (pooled * swapped, swapped.square()))
            shift = ratio_of_means(along, length, np.random.default_rng(seed), resamples)
            said = (shift.value, shift.low, shift.high, shift.n)
            rows.append((site.layer, finder, subspace.rank, edit, norm, norm_twin, *said))
    return pd.DataFrame(rows, columns=COLUMNS)


def _pooled(site: Site, scenes: Scenes, subspace: Subspace, edit: str) -> tuple[Float64[Tensor, "clips rank"], float]:
    """The edit's coordinates in the subspace, pooled over the edited tokens, and the mean norm of a token's edit."""
    selected = scenes.mask(site.tokens)
    pooled, total, tokens = [], 0.0, 0
    for rows in chunks(scenes.source.encoder_card, len(scenes)):
        hidden = scenes.source.tokens(site.layer, rows, part=site.part).float()
        mask = None if selected is None else selected[rows]
        moved = displacement(edit, scenes, site, rows, hidden, subspace.mean).float()
        inside = coordinates(moved, subspace.basis[None], mask)
        weights: Float[Tensor, "clips tokens"] | None = None if mask is None or inside.shape[2] == 1 else mask.float()
        pooled.append(pool_inside(inside, weights)[0].double())
        count = hidden.shape[0] * hidden.shape[1] if mask is None else int(mask.sum())
        total += float(inside.norm(dim=-1).sum(dtype=torch.float64)) * (hidden.shape[1] if inside.shape[2] == 1 else 1)
        tokens += count
    return torch.cat(pooled), total / tokens
