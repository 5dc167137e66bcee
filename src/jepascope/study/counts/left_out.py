"""One video left out at a time, counted as if few were left for the test: how many there are is known once their motion is measured."""

from __future__ import annotations

from jepascope.study.counts import CONTROL_COUNT
from jepascope.study.counts.sizes import Counts, PlanStep

MOST_LEFT_OUT = 30  # videos of which a clip of every class is edited: where fewer than ten are in split test, hardly more are there in all


def left_out_clips(counts: Counts) -> tuple[int, int]:
    """All clips of the study, whose token moments are summed video by video, and those that are edited; none where no folder is studied."""
    if not counts.spec.of_videos:
        return 0, 0
    every = counts.fit + counts.judge + counts.test
    return every, min(every, max(MOST_LEFT_OUT, counts.spec.test_scenes // counts.spec.class_count) * counts.spec.class_count)


def left_out(counts: Counts) -> list[PlanStep]:
    """Captures, and the first finder's subspace ablated beside its four controls, at the layer of each fold."""
    every, edited = left_out_clips(counts)
    if not every:
        return []
    conditions = 1 + CONTROL_COUNT * counts.spec.draws
    return [
        counts.through("clips of videos left out in turn, where few are tested", every + edited),
        counts.at("ablation in each of them, every control", conditions * edited, (counts.best,)),
    ]
