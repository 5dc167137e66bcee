"""ablate: a subspace's content is taken away."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from jepascope.intervention.edit_entry import EditEntry
from jepascope.intervention.edit_inputs import EditInputs
from jepascope.intervention.edits.swap import swap_displacement

DECLARED = EditEntry(
    name="ablate",
    meaning="puts the mean (or zero, or another scene's content) in place of what lies in the subspace",
    order=1,
    outcome="lost",
    mean="ablate_to",
    usual=True,
    compared=True,
    noun="ablation",
    dose="dose 1 of ablation removes the subspace's content in full",
    donor_dose="dose 1 of ablation removes the subspace's content in full",
    doing="ablating",
    does="removes",
    share="of the judge's margin",
)


def ablate(made_from: EditInputs) -> Float[Tensor, "clips tokens width"]:
    """To the mean of the subspace, to zero, or to another scene's tokens (``ablate_to``)."""
    if made_from.ablate_to == "resample":
        return swap_displacement(made_from.hidden, made_from.someone_else)
    to_zero = made_from.mean is None or made_from.ablate_to == "zero"
    return ablation_displacement(made_from.hidden, None if to_zero else made_from.mean.to(made_from.hidden))  # type: ignore[union-attr]


def ablation_displacement(
    hidden: Float[Tensor, "clips tokens width"], mean: Float[Tensor, " width"] | None
) -> Float[Tensor, "clips tokens width"]:
    """r = m - h: with it the edit is h - U U^T (h - m), mean ablation (Li et al. 2024), or zero ablation without a mean."""
    return -hidden if mean is None else mean - hidden
