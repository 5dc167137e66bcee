"""steer: the difference of class means is added to every token."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor

from jepascope.intervention.circle import circle_displacement
from jepascope.intervention.edit_entry import EditEntry
from jepascope.intervention.edit_inputs import EditInputs

DECLARED = EditEntry(
    name="steer",
    meaning="adds what separates the mean of the target's class from that of the clip's",
    order=3,
    carries=True,
    mean="never",
    usual=True,
    to_angle="additive along the fitted circle",
    beside=True,
    noun="steering",
    dose="dose 1 of steering is the difference of the class means",
    donor_dose="dose 1 of steering is the difference of the class means",
    doing="steering along",
    does="moves the margin by",
    share="of the way to a clip of another class",
)


def steer(made_from: EditInputs) -> Float[Tensor, "clips 1 width"]:
    """To the target's class mean; where an angle is requested, to that angle along the circle."""
    if made_from.scenes.requested:
        angle, wanted, circle = made_from.scenes.angles()
        return circle_displacement(circle, angle[made_from.rows], wanted[made_from.rows])
    return steer_displacement(made_from.class_means, made_from.label, made_from.target)


def steer_displacement(
    class_means: Float[Tensor, "classes width"], source: Int[Tensor, " clips"], target: Int[Tensor, " clips"]
) -> Float[Tensor, "clips 1 width"]:
    """r = mu_target - mu_source, the same for every token of a clip: additive steering by a difference of class means."""
    return (class_means[target] - class_means[source])[:, None]
