"""shuffled: what the same finder finds on permuted labels: in the clips as they are, without the subspace, without class means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import ControlEntry

DECLARED = (
    ControlEntry(
        name="shuffled",
        meaning="what the same finder finds on permuted labels",
        order=4,
        made="found",
        asked=False,
        stream=2,
        words="shuffled labels",
        doer="subspaces found on shuffled labels",
        look=("sky", "D", "mixed", "|||"),
    ),
    ControlEntry(
        name="shuffled_beside",
        meaning="the same where the subspace is taken out of the clips first",
        order=6,
        made="found",
        asked=False,
        beside=True,
        complement=True,
        given="jepascope.intervention.controls.shuffled:without_subspace",
        run="jepascope.intervention.controls.shuffled:shuffled",
        words="shuffled, beside it",
        doer="subspaces found on shuffled labels beside it",
        look=("sky", "<", "short", "\\\\"),
    ),
    ControlEntry(
        name="shuffled_within",
        meaning="the same where class means are taken out of the clips first",
        order=7,
        made="found",
        asked=False,
        beside=True,
        given="jepascope.intervention.controls.shuffled:without_means",
        run="jepascope.intervention.controls.shuffled:shuffled",
        words="shuffled, within classes",
        doer="subspaces found on shuffled labels within classes",
        look=("sky", ">", "long", "//"),
    ),
)


def without_subspace(data: Labelled, subspace: Subspace) -> Labelled:
    """The clips with the subspace ablated to its mean: permuted labels then find nothing of it again."""
    return data.without(subspace.basis.to(data.x), subspace.mean.to(data.x))


def without_means(data: Labelled, subspace: Subspace) -> Labelled:
    """The clips less the mean of their class: permuted labels then find what clips of a class differ in, and nothing of the variable."""
    means = data.moments.means - data.moments.mean
    return replace(data, x=(data.x.double() - means[data.y]).to(data.x.dtype), path=None)


def shuffled(permuted_subspaces: Sequence[Subspace] | None, subspace: Subspace, draws: int) -> Float64[Tensor, "draws width rank"]:
    """Those that were found, which must be enough and of the subspace's rank."""
    given = len(permuted_subspaces or ())
    if permuted_subspaces is None or given < draws:
        raise BadArgument(
            f"The control 'shuffled' needs {draws} subspaces found on permuted labels, not {given}; pass shuffled=find_shuffled(...)."
        )
    for permuted in permuted_subspaces:
        if permuted.basis.shape != subspace.basis.shape:
            raise BadArgument(
                f"The finder gave a subspace of rank {permuted.rank} on permuted labels and of rank {subspace.rank} on the true ones; "
                "give it the rank explicitly, so that the control matches."
            )
    return torch.stack([permuted.basis.double() for permuted in permuted_subspaces[:draws]])
