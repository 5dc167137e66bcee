"""untrained: the whole pipeline on untrained twins of the encoder."""

from __future__ import annotations

from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="untrained",
    meaning="the whole pipeline on untrained twins of the encoder",
    order=12,
    asked=False,
    made="run",
    absent="the judges of untrained twins read no margin, so there is no effect to compare with",
    run="jepascope.study.intervene.requested:untrained_effects",
    words="untrained twins",
    doer="untrained twins",
)
