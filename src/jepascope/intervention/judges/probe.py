"""probe: the linear probe, which claims are made in."""

from __future__ import annotations

from jepascope.intervention.judge_entry import JudgeEntry

DECLARED = JudgeEntry(
    name="probe",
    meaning="a linear probe of pooled activations, trained on split judge; claims are made in its margin",
    run="jepascope.discovery.probes.paths:dense_probes",
    order=1,
    main=True,
    layers="all",
    words="the linear probe",
)
