"""self_swap: swaps with another scene of the same class."""

from __future__ import annotations

from jepascope.intervention.control_entry import ControlEntry

DECLARED = ControlEntry(
    name="self_swap",
    meaning="swaps with another scene of the same class",
    order=11,
    made="run",
    edit="swap",
    absent="a class has one test video alone, and a swap within it would take from that video",
    run="jepascope.study.intervene.requested:self_swaps",
    words="swap within a class",
    doer="swaps with clips of the same class",
)
