"""All steps of a study counted, in the order in which they run, and the clips whose tokens stay on disk."""

from __future__ import annotations

from jepascope.study.counts import DEGRADED_SETS
from jepascope.study.counts.das import das
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
        *das(counts),
    ]


def kept_clips(counts: Counts) -> float:
    """Clips x layers whose tokens are kept; beginnings, which are half as long, count half."""
    spec, sets = counts.spec, len(counts.spec.carried_to)
    begun = 2 * counts.scenes / 2 if counts.predicted else 0
    mapped = counts.fit + counts.test if spec.token_map else 0
    trained = "das" in spec.finders
    exchanged = 4 * counts.fit if trained else 0  # fit clips and their twins, of both data seeds
    peeled = 2 * counts.fit if spec.peels and spec.state_variable.rendered and not trained else 0
    elsewhere = sets * (counts.scenes + counts.twins + (2 * counts.fit if trained else 0))
    at_best = mapped + counts.judge + peeled + elsewhere
    return (counts.scenes + counts.twins + exchanged + begun) * counts.kept + at_best
