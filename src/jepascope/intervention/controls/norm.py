"""norm: random directions whose edit of every token has the norm of the true edit: drawn as ``random`` is, rescaled when edits are made."""

from __future__ import annotations

from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="norm",
    meaning="random directions whose edit of every token has the norm of the true edit",
    order=9,
    asked=False,
    matches="norm",
    complement=True,
    rescale=True,
    beside=True,
    stream=3,
    run="jepascope.intervention.controls.random:random",
    words="norm-matched",
    doer="random edits of the same size",
    look=("vermilion", "v", "longer", "---"),
)
