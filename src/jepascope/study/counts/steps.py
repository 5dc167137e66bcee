"""All steps of a study counted, in the order in which they run."""

from __future__ import annotations

from jepascope.study.counts import DEGRADED_SETS
from jepascope.study.counts.das import das
from jepascope.study.counts.left_out import left_out
from jepascope.study.counts.sizes import Counts, PlanStep
from jepascope.study.counts.stage_three import stage_three
from jepascope.study.counts.stage_two import stage_two


def steps(counts: Counts) -> list[PlanStep]:
    """Training for ``das``, which many steps share, comes last."""
    spec, seen = counts.spec, counts.fit + counts.test
    degraded = DEGRADED_SETS if spec.variable == "direction" else 0  # motion is all that can be taken away
    return [
        counts.through("capture clips and twins", counts.fit + counts.judge + counts.test + counts.twins),
        counts.through("untrained twins and leak check", (spec.untrained_seeds + degraded) * seen),
        counts.through(f"tokens of fit and test clips at layer {counts.best}", seen if spec.token_map else 0),
        *stage_two(counts),
        *stage_three(counts),
        *left_out(counts),
        *das(counts),
    ]
