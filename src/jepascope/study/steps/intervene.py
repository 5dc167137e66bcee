"""Steps of stage two, declared: edits with every control, by every judge, and what they come to with what re-fits change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from jepascope.discovery.finder_entry import FINDERS, found_cheaply
from jepascope.intervention.control_entry import CONTROLS
from jepascope.intervention.edit_entry import EDITS as CATALOG
from jepascope.intervention.edit_entry import takes_over
from jepascope.intervention.judge_entry import JUDGES
from jepascope.study.edited_layers import shown_before
from jepascope.study.sizes import Counts, Passes
from jepascope.study.step import Step
from jepascope.study.steps.discover import BACKWARD

FIRST_SEED_ANEW = 20_000  # added to the study's for the first of the seeds that subspaces are found anew in
MOST_UNTRAINED = 9  # untrained twins that are edited: fewer than what an interval needs
SELF_SWAPS = 10  # draws of donors of the clip's own class


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
