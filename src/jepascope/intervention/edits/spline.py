"""spline: steering of a circular variable along the ring that passes through the class means."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from jepascope.intervention.edit_entry import EditEntry
from jepascope.intervention.edit_inputs import EditInputs
from jepascope.intervention.ring import ring_displacement

DECLARED = EditEntry(
    name="spline",
    meaning="adds what separates two places on the ring through the class means: the target's angle and the clip's",
    order=5,
    carries=True,
    needs=("angle",),
    mean="never",
    to_angle="along the ring through the class means",
    beside=True,
    noun="steering along the ring",
    dose="dose 1 of steering along the ring is the way from the clip's angle to the target's",
    donor_dose="dose 1 of steering along the ring is the way from the clip's angle to the target's",
)


def spline(made_from: EditInputs) -> Float[Tensor, "clips 1 width"]:
    """From the clip's angle to the target's."""
    scenes, rows = made_from.scenes, made_from.rows
    angle, wanted, _ = scenes.angles()
    return ring_displacement(scenes.angle_ring(), angle[rows], wanted[rows])
