"""swap: a subspace's content is exchanged with that of the scene's partner."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from jepascope.intervention.edit_entry import EditEntry
from jepascope.intervention.edit_inputs import EditInputs

DECLARED = EditEntry(
    name="swap",
    meaning="puts the content of the scene's twin, or of a donor of another class, in its place",
    order=2,
    mean="never",
    usual=True,
    compared=True,
    noun="swap",
    dose="dose 1 of a swap is the change to the real twin",
    donor_dose="dose 1 of a swap is the change to the donor, a clip of the target class",
    doing="a swap of",
    does="moves the margin by",
    share="of the way to a clip of another class",
)


def swap(made_from: EditInputs) -> Float[Tensor, "clips _ width"]:
    """With a twin token by token, with a donor by the difference of pooled activations."""
    if made_from.scenes.donor == "twin":
        return swap_displacement(made_from.hidden, made_from.partner)
    return donor_displacement(*made_from.pooled)


def swap_displacement(
    hidden: Float[Tensor, "clips tokens width"], donor: Float[Tensor, "clips tokens width"]
) -> Float[Tensor, "clips tokens width"]:
    """r = h_donor - h, token by token: interchange intervention (Geiger et al. 2021) on the subspace. The donor is the twin (swap), or
    another scene (resample ablation; Chan et al. 2022)."""
    return donor - hidden


def donor_displacement(pooled: Float[Tensor, "clips width"], donor: Float[Tensor, "clips width"]) -> Float[Tensor, "clips 1 width"]:
    """r = pooled donor - pooled clip, the same for every token: interchange with a clip of another class, whose tokens show other
    places and so have no token to trade with."""
    return (donor - pooled)[:, None]
