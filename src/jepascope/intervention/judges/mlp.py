"""mlp: a small network, for what is not read linearly."""

from __future__ import annotations

from jepascope.intervention.judge_entry import JudgeEntry

DECLARED = JudgeEntry(
    name="mlp",
    meaning="a small network of pooled activations, trained on split judge",
    run="jepascope.discovery.probes.readouts:mlp_probe",
    order=2,
    layers="all",
    words="the small MLP",
)
