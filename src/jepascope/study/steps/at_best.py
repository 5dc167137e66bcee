"""Steps at the best layer beside the edits there, declared; the trace; and videos left out in turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jepascope.discovery.finder_entry import needing
from jepascope.encoders.part_names import PARTS
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.edit_entry import CALIBRATED
from jepascope.schema.components import READ_BESIDE
from jepascope.study.ranks import most as most_rank
from jepascope.study.sizes import Counts, Passes, left_out_conditions, screened_edits
from jepascope.study.step import Step

PORT_DRAWS = 5  # of the random and of the variance control at each dose of the dose curves, which portability reads again
REFIT_DRAWS, ISOLATION_DRAWS, CALIBRATION_DRAWS = 3, 3, 2  # of the random control
RANK_CONTROLS, RANK_DRAWS, RANKS = ("carried", "shuffled"), 5, (1, 2, 3, 7, 16, 32)  # of CE over the rank
REQUESTS = 12  # angles that clips are steered to
MOST_LEFT_OUT = 30  # videos of which a clip of every class is edited: where fewer than ten are in split test, hardly more are there in all


def _isolation(counts: Counts) -> Iterator[Passes]:
    """No other factor of real videos is known."""
    others = len(counts.spec.other_variables)
    yield counts.at("other factors' subspaces", others * (1 + ISOLATION_DRAWS) * counts.scenes)


def _doses(counts: Counts) -> Iterator[Passes]:
    conditions = sum(counts.conditions(edit, PORT_DRAWS, 1) for edit in counts.spec.edits)
    yield counts.at("dose curves", conditions * len(counts.spec.doses) * counts.scenes)


def ranks_shown(chosen: int, most: int) -> tuple[int, ...]:
    """The ranks of CE over the rank: the one of the claims, the customary ones, and the most that the finder gives."""
    return tuple(sorted({chosen, most, *(rank for rank in RANKS if rank <= most)}))


def _ranks(counts: Counts) -> Iterator[Passes]:
    spec, finder = counts.spec, counts.spec.finders[0]
    if needing("suffix", [finder]):
        return
    most = most_rank(finder, spec.state_variable) or counts.model.width // 2
    fixed = sum(CONTROLS.entry(name).made == "fixed" for name in spec.controls)
    conditions = len(ranks_shown(spec.rank_of(finder), most)) * (1 + len(RANK_CONTROLS) * RANK_DRAWS + fixed)
    yield counts.at("CE over the rank", conditions * len(screened_edits(spec)) * counts.scenes)


def _calibration(counts: Counts) -> Iterator[Passes]:
    """The first finder's subspace and the circle's plane, each beside random directions of its own, by every edit that steers to angles."""
    circular = counts.spec.state_variable.kind == "circular"
    yield counts.at("steering to angles", 2 * len(CALIBRATED) * (1 + CALIBRATION_DRAWS) * REQUESTS * counts.scenes if circular else 0)


def _refits(counts: Counts) -> Iterator[Passes]:
    """Tokens of judge clips, captured (the predictor reads them too), and both splits ablated, and unedited."""
    conditions = len(counts.spec.finders) + counts.taken + REFIT_DRAWS * counts.random + 1
    captured = counts.captured("read-outs refitted after ablation", counts.judge, sites=1)
    yield captured + counts.at("", conditions * (counts.judge + counts.scenes))


def left_out_clips(counts: Counts) -> tuple[int, int]:
    """All clips of the study, whose token moments are summed video by video, and those that are edited; none where no folder is studied."""
    if not counts.spec.of_videos:
        return 0, 0
    every = counts.fit + counts.judge + counts.test
    return every, min(every, max(MOST_LEFT_OUT, counts.spec.test_scenes // counts.spec.class_count) * counts.spec.class_count)


def traced_conditions(counts: Counts) -> int:
    """Swaps of every subspace and of the draws beside it, which go down each path."""
    return counts.conditions("swap", counts.spec.draws, len(READ_BESIDE) - 1)  # subspaces may share the random ones


def _traced(counts: Counts) -> Iterator[Passes]:
    """Fit and test clips, captured by parts; the whole swap; then every part behind the site alone sees it: once for each kind of condition
    the clips run on as they are, and for each condition the part and what is behind it (``activations.paths``). A part by itself costs
    the pass of its block."""
    for split, clips in (("fit", counts.fit), ("test", counts.scenes)):
        captured = counts.captured(f"{split} clips by parts", clips)
        kept = tuple(replace(layout, layers=len(PARTS) * counts.model.depth + 1) for layout in captured.kept)
        yield replace(captured, kept=kept)
    conditions, blocks = traced_conditions(counts), counts.model.depth - counts.best
    yield counts.at("swaps beside their controls", conditions * counts.scenes + counts.read)
    parts, behind = len(PARTS) * blocks, blocks**2  # behind all parts: a feed-forward by itself behind attention, and whole blocks
    kinds = 2 * len(counts.ranks)  # those that are carried are batched by themselves
    passes = kinds * parts * blocks + conditions * (parts + behind)
    yield Passes("the same, by every path", conditions * parts * counts.scenes, passes * counts.scenes)


def _left_out(counts: Counts) -> Iterator[Passes]:
    """As if few videos were left for the test: how many there are is known once their motion is measured. Captures, and the first
    finder's subspace swapped and ablated beside its controls, at the layer of each fold."""
    every, edited = left_out_clips(counts)
    if every:
        captured = counts.captured("clips of videos left out in turn, where few are tested", edited, sites=counts.kept)
        for video in range(MOST_LEFT_OUT):
            captured += counts.captured("", (every + video) // MOST_LEFT_OUT, moments=counts.kept)
        yield captured
        yield counts.at("swaps and ablation in each of them, every control", left_out_conditions(counts.spec) * edited)


AT_BEST = (
    Step(
        name="isolation",
        tables=("isolation",),
        run="intervene.isolation:run_isolation",
        needs=("captures", "context", "trained judges", "effects", "witnesses"),
        cost=_isolation,
        chapter="mechanism",
        beside=3.0,
    ),
    Step(
        name="doses",
        tables=("curves", "doses"),
        run="intervene.curves:run_curves",
        needs=("captures", "context", "used at best"),
        cost=_doses,
        chapter="mechanism",
        beside=2.0,
    ),
    Step(
        name="ranks",
        tables=("ranks",),
        run="intervene.ranks:run_ranks",
        needs=("captures", "context", "used at best"),
        cost=_ranks,
        chapter="mechanism",
        beside=1.0,
    ),
    Step(
        name="calibration",
        tables=("calibration",),
        run="intervene.calibration:run_calibration",
        needs=("captures", "context", "used at best", "main judge"),
        cost=_calibration,
        chapter="mechanism",
        beside=1.0,
    ),
    Step(
        name="refits",
        tables=("refits",),
        run="intervene.refits:run_refits",
        needs=("captures", "context", "used at best"),
        cost=_refits,
        chapter="mechanism",
        beside=3.0,
    ),
)
"""What is run besides at the layer that claims are made for."""

TRACE = Step(
    name="trace", tables=("components",), run="intervene.trace:run_trace", needs=("captures", "best", "used at best"), cost=_traced
)
"""On request alone (``jepascope trace``): which parts of which blocks write the subspace, and which read it."""

LEFT_OUT = Step(
    name="leave one out",
    tables=("leave_one_out", "leave_one_out_videos"),
    run="videos.left_out:run_left_out",
    needs=("captures",),
    cost=_left_out,
)
"""Of a folder of videos, where few are tested: claims are then made of it."""
