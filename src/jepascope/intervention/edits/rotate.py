"""rotate: steering of a circular variable by turning every token in the circle's plane."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from jepascope.intervention.circle import rotation_displacement
from jepascope.intervention.edit_entry import EditEntry
from jepascope.intervention.edit_inputs import EditInputs

DECLARED = EditEntry(
    name="rotate",
    meaning="turns every token in the plane of an angle, to the target's angle",
    order=4,
    carries=True,
    needs=("angle",),
    mean="never",
    to_angle="rotation in the fitted plane",
    beside=True,
    noun="rotation",
    dose="dose 1 of rotation is the whole turn",
    donor_dose="dose 1 of rotation is the whole turn",
)


def rotate(made_from: EditInputs) -> Float[Tensor, "clips tokens width"]:
    """From the clip's angle to the target's."""
    angle, wanted, circle = made_from.scenes.angles()
    return rotation_displacement(made_from.hidden, circle, (wanted - angle)[made_from.rows].to(made_from.hidden))
