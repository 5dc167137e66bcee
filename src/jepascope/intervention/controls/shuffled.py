"""shuffled: what the same finder finds on permuted labels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float64
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="shuffled",
    meaning="what the same finder finds on permuted labels",
    order=3,
    made="found",
    asked=False,
    stream=2,
    words="shuffled labels",
    doer="subspaces found on shuffled labels",
    look=("sky", "D", "mixed", "|||"),
)


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
