"""carried: the true edit, token by token, moved by a random isometry to random directions: drawn as ``random`` is."""

from __future__ import annotations

from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="carried",
    meaning="the true edit turned to random directions: every token's edit and the pooled shift keep their size",
    order=3,
    asked=False,
    matches="shift",
    complement=True,
    carried=True,
    stream=0,
    run="jepascope.intervention.controls.random:random",
    words="the edit, turned",
    doer="the same edit in random directions",
    look=("green", "P", "dotted", "++"),
)
