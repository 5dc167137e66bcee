"""Steps of stage two, declared: edits with every control, by every judge, and what is run at the best layer beside them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jepascope.discovery.finder_entry import FINDERS, found_cheaply, needing
from jepascope.encoders.part_names import PARTS
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.edit_entry import CALIBRATED, takes_over
from jepascope.intervention.edit_entry import EDITS as CATALOG
from jepascope.intervention.judge_entry import JUDGES
from jepascope.study.edited_layers import shown_before
from jepascope.study.ranks import most as most_rank
from jepascope.study.sizes import Counts, Passes, left_out_conditions, screened_edits
from jepascope.study.step import Step
from jepascope.study.steps.discover import BACKWARD

PORT_DRAWS = 5  # of the random and of the variance control at each dose of the dose curves, which portability reads again
REFIT_DRAWS, ISOLATION_DRAWS, CALIBRATION_DRAWS = 3, 3, 2  # of the random control
RANK_CONTROLS, RANK_DRAWS, RANKS = ("carried", "shuffled"), 5, (1, 2, 3, 7, 16, 32)  # of CE over the rank
FIRST_SEED_ANEW = 20_000  # added to the study's for the first of the seeds that subspaces are found anew in
REQUESTS = 12  # angles that clips are steered to
MOST_UNTRAINED = 9  # untrained twins that are edited: fewer than what an interval needs
SELF_SWAPS = 10  # draws of donors of the clip's own class
TRACED_BESIDE = ("random", "variance", "carried")  # controls of a swap that a part sees
MOST_LEFT_OUT = 30  # videos of which a clip of every class is edited: where fewer than ten are in split test, hardly more are there in all


def _edits(counts: Counts) -> Iterator[Passes]:
    spec, named = counts.spec, ", ".join(map(str, counts.full))
    run_beside = [entry.edit for entry in map(CONTROLS.entry, spec.controls) if entry.made == "run"]
    swapped = sum(SELF_SWAPS * (len(spec.finders) + counts.taken) for edit in run_beside if edit in spec.edits)
    every = (counts.every_control() + swapped) * len(spec.edit_doses) * counts.scenes + counts.read
    screened = counts.every_control(full=False) * counts.scenes + counts.read
    yield counts.at(f"{len(spec.edits)} edits at layer {named}, every control", every, counts.full)
    yield counts.at("a few draws at the other layers", screened, counts.surveyed)
    starts = tuple(group[0] for group in counts.climbed)
    yield counts.at("slopes at all layers", counts.scenes * (1 + (BACKWARD - 1) * counts.outcomes), starts)
    about = sum(_about_means(counts, name) for name in spec.edits)
    yield counts.at("slopes about the mean edit of each control", counts.scenes * BACKWARD * about, counts.full)
    if counts.predicted:
        yield from _predicted(counts, named)
    if counts.head_scenes:  # of the classes that the head can name, with twins of their own where they are rendered
        edited = counts.at("the same edits, by the task head", _conditions(counts, 2, "head") * counts.head_scenes, counts.full)
        yield edited + counts.captured("", counts.head_scenes * counts.rendered, sites=counts.maybe_full)
    if "" in run_beside:
        yield _untrained(counts)


def _about_means(counts: Counts, edit: str) -> int:
    """Passes forward and back: each finder's controls whose mean edit is not nothing, permuted labels for finders that are a formula."""
    entries = [entry for entry in map(CONTROLS.entry, counts.spec.controls) if not takes_over(entry.name, edit) and not entry.beside]
    drawn = sum(entry.made == "drawn" and not entry.rescale for entry in entries)
    found = sum(entry.made == "found" for entry in entries)
    cheap = sum(FINDERS.entry(finder).closed_form for finder in counts.spec.finders) + counts.taken
    return (len(counts.spec.finders) + counts.taken) * drawn + cheap * found


def _conditions(counts: Counts, beside: int, judge: str) -> int:
    return counts.every_control(judge=judge) * len(counts.spec.edit_doses) + beside


def _predicted(counts: Counts, named: str) -> Iterator[Passes]:
    """Beginnings of scenes and twins, captured; their real futures and unedited forecasts, once an edit; then every condition."""
    spec, times, unedited = counts.spec, counts.model.times, 2 * len(counts.spec.edits)
    futures = counts.at("real futures for the predictor", unedited * counts.scenes, counts.full)
    yield futures + counts.at("", counts.judge if spec.state_variable.kind == "circular" else 0)
    edited = counts.at("", _conditions(counts, unedited, "predictor") * counts.scenes, counts.full)
    kept = {*counts.edited.maybe_full, *shown_before(counts.edited.maybe_full, counts.model.shown)}
    begun = counts.captured("", counts.scenes, sites=len(kept), times=2, share=counts.context / times)
    whole = begun + edited
    label = f"the same edits, by the predictor, layer {named}"
    yield Passes(label, whole.forwards, whole.block_passes, begun.share, edited.forwards, whole.kept)


def _rolled(counts: Counts) -> Iterator[Passes]:
    """Beginnings of scenes and twins, captured; rollouts of judge clips; real futures; then every condition, rolled out."""
    if not counts.rolled_out:
        return
    begun = counts.captured("the same edits, by the rollout", counts.scenes, sites=counts.maybe_full, times=2, share=_begun(counts))
    edited = _conditions(counts, 2, "rollout") * counts.scenes
    # the real futures and beginnings of scenes and twins; the chapter 'mechanism' captures tokens of judge clips, too
    own = _judged(counts, 1, whole="mechanism" not in counts.spec.chapters)
    yield begun + own + _edited_rollouts(counts, edited + 2 * counts.scenes) + counts.at("", 2 * counts.scenes)


def _begun(counts: Counts) -> float:
    """What of a clip its beginning is."""
    return counts.context / counts.model.times


def _edited_rollouts(counts: Counts, clips: int) -> Passes:
    """Beginnings of clips run from the site and rolled out to the end."""
    return replace(counts.at("", clips), steps=clips * (counts.model.times - counts.context))


def _judged(counts: Counts, times: int, whole: bool = True) -> Passes:
    """Judge clips and their beginnings, captured and run from the site, and what the beginnings are rolled out to."""
    begun = counts.captured("", counts.judge, sites=1, times=times, share=_begun(counts))
    kept = begun + counts.captured("", counts.judge * whole, sites=1, times=times)
    return kept + counts.at("", counts.judge * times) + _edited_rollouts(counts, counts.judge * times)


def _untrained(counts: Counts) -> Passes:
    spec, seeds = counts.spec, min(counts.spec.untrained_seeds, MOST_UNTRAINED)
    finders = sum(found_cheaply(finder, spec.finders) for finder in spec.finders)
    edits = len([edit for edit in spec.edits if "angle" not in CATALOG.entry(edit).needs])
    edited = seeds * (finders * edits * len(spec.edit_doses) * counts.scenes + counts.read)
    found = counts.at("untrained twins edited", edited, counts.full)
    found += counts.captured("", counts.judge, times=seeds)
    for clips in (counts.scenes, counts.twins):
        found += counts.captured("", clips, sites=1, times=seeds * len(counts.full))
    return found


def _fits(counts: Counts) -> Iterator[Passes]:
    """Clips of new seeds, where some can be made; each finder's subspace found anew, PCA beside it, and its own for the read-outs trained
    anew; by the predictor and by rollouts too."""
    spec = counts.spec
    finders = [finder for finder in spec.finders if found_cheaply(finder, spec.finders)]
    fixed = sum(CONTROLS.entry(name).made == "fixed" for name in spec.controls) * len({spec.rank_of(finder) for finder in finders})
    found = (len(finders) + fixed) * spec.fits * len(spec.edits) * len(spec.edit_doses)
    again = len(finders) * len(spec.edits) * len(spec.edit_doses) if spec.fits else 0
    clips = counts.captured("subspaces and read-outs made anew", counts.fit, times=spec.fits * spec.renewable)
    clips += counts.captured("", counts.judge, times=spec.fits * spec.renewable)
    yield clips + counts.at("", (found + again) * counts.scenes + counts.read * bool(again))
    if counts.predicted:  # once an edit its real futures and unedited forecasts
        yield counts.at("the same, by the predictor", (found + 4 * len(spec.edits) * bool(found)) * counts.scenes)
    if counts.rolled_out and again:  # other read-outs read the scenes and their twins anew, once an edit
        edited = _edited_rollouts(counts, (found + again + 2 * len(spec.edits)) * counts.scenes)
        yield replace(edited, name="the same, by the rollout") + _judged(counts, spec.fits * spec.renewable)


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
    return counts.conditions("swap", counts.spec.draws, len(TRACED_BESIDE) - 1)  # subspaces may share the random ones


def _traced(counts: Counts) -> Iterator[Passes]:
    """Fit and test clips, captured by parts; the whole swap; then every part behind the site alone sees it: once for each kind of condition
    the clips run on as they are up to the part, and for each condition the part and what is behind it (``activations.paths``). A part by
    itself costs the pass of its block."""
    for clips in (counts.fit, counts.scenes):
        captured = counts.captured("clips by parts", clips)
        kept = tuple(replace(layout, layers=len(PARTS) * counts.model.depth + 1) for layout in captured.kept)
        yield replace(captured, block_passes=len(PARTS) * captured.block_passes, kept=kept)
    conditions, blocks = traced_conditions(counts), counts.model.depth - counts.best
    yield counts.at("swaps beside their controls", conditions * counts.scenes + counts.read)
    parts, behind = len(PARTS) * blocks, blocks**2  # behind all parts: a feed-forward by itself behind attention, and whole blocks
    kinds = 2 * len(counts.ranks)  # those that are carried are batched by themselves
    passes = kinds * (parts * (parts + 1) // 2 + behind) + conditions * (parts + behind)
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


EDITS = (
    Step(
        name="intervene",
        tables=("effects", "matching", "witnesses", "forecasts", "first_order"),
        run="intervene.layers:run_edits",
        needs=("captures", "judges", "best", "used", "context"),
        cost=_edits,
        beside=25.0,
    ),
    Step(
        name="fits",
        tables=("fits",),
        run="intervene.fits:run_fits",
        needs=("captures", "context", "used at best", "judges", "rolled"),
        cost=_fits,
        beside=8.0,
    ),
    Step(
        name="rollouts",
        tables=("rollouts", "fidelity"),
        run="intervene.rollouts:run_rollouts",
        needs=("captures", "rolled", "context", "used at best", "fits"),
        cost=_rolled,
        asked=lambda spec: any(JUDGES.entry(name).reads == "rollout" for name in spec.judges),
        beside=10.0,
    ),
    Step(
        name="statistics",
        tables=("ce", "screen", "reads"),
        run="intervene.curves:run_statistics",
        needs=("captures", "effects", "witnesses", "first_order", "fits"),
        beside=3.0,
    ),
    Step(
        name="heterogeneity",
        tables=("spread", "strata", "distances"),
        run="intervene.heterogeneity:run_heterogeneity",
        needs=("captures", "best", "effects"),
        beside=1.0,
    ),
)
"""Edits and controls at every layer."""

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
