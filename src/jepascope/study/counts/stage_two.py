"""Stage two counted: edits with every control, by every judge, and what is run at the best layer beside them."""

from __future__ import annotations

from jepascope.clips.variables import VARIABLES
from jepascope.discovery.finder_entry import needing
from jepascope.study.counts import CALIBRATION_DRAWS, ISOLATION_DRAWS, MOST_UNTRAINED, PORT_DRAWS, REFIT_DRAWS, REQUESTS, SELF_SWAPS
from jepascope.study.counts.sizes import Counts, PlanStep


def stage_two(counts: Counts) -> list[PlanStep]:
    """In the order in which they run."""
    spec, scenes, best = counts.spec, counts.scenes, (counts.best,)
    named = ", ".join(map(str, counts.full))
    survey = (len(spec.finders) + spec.draws_elsewhere * counts.random) * scenes + counts.read
    doses = sum(counts.conditions(edit, PORT_DRAWS, 1) for edit in spec.edits) * len(spec.doses) * scenes
    return [
        counts.at(f"{len(spec.edits)} edits at layer {named}, every control", _edits(counts), counts.full),
        counts.at("ablation at the other layers", survey, counts.surveyed),
        *_predictor(counts),
        *_head(counts),
        *_untrained(counts),
        counts.at("other factors' subspaces", _isolation(counts), best),
        counts.at("dose curves", doses, best),
        counts.at("steering to angles", _calibration(counts), best),
        _refits(counts),
    ]


def _edits(counts: Counts) -> int:
    """At one layer in full."""
    spec = counts.spec
    swapped = SELF_SWAPS * (len(spec.finders) + counts.taken) if "self_swap" in spec.extra_controls and "swap" in spec.edits else 0
    return (counts.every_control() + swapped) * len(spec.edit_doses) * counts.scenes + counts.read


def _predictor(counts: Counts) -> list[PlanStep]:
    """Beginnings of scenes and twins, captured; their real futures and unedited forecasts, once an edit; then every condition."""
    if not counts.predicted:
        return []
    spec, model, scenes = counts.spec, counts.model, counts.scenes
    share = (spec.context or model.times // 2) / model.times
    captured, spec_edits = 2 * scenes, len(spec.edits)
    conditions = counts.every_control() * len(spec.edit_doses)
    begun = PlanStep("", captured, captured * model.depth, share)
    futures = counts.at("real futures for the predictor", 2 * spec_edits * scenes, counts.full)
    read = counts.at("", counts.judge if spec.state_variable.kind == "circular" else 0, (counts.best,))
    edited = counts.at("", (conditions + 2 * spec_edits) * scenes, counts.full)
    forecasts = (conditions + 2 * spec_edits) * scenes * len(counts.full)
    return [
        PlanStep(futures.name, futures.forwards + read.forwards, futures.block_passes + read.block_passes),
        PlanStep(
            f"the same edits, by the predictor, layer {', '.join(map(str, counts.full))}",
            begun.forwards + edited.forwards,
            begun.block_passes + edited.block_passes,
            share,
            forecasts,
        ),
    ]


def _head(counts: Counts) -> list[PlanStep]:
    """Scenes of the classes that the head can name, with twins of their own."""
    spec, scenes = counts.spec, counts.head_scenes
    if not scenes:
        return []
    conditions = counts.every_control() * len(spec.edit_doses)
    edited = counts.at("the same edits, by the task head", (conditions + 2) * scenes, counts.full)
    return [PlanStep(edited.name, edited.forwards + scenes, edited.block_passes + scenes * counts.model.depth)]


def _untrained(counts: Counts) -> list[PlanStep]:
    spec = counts.spec
    if "untrained" not in spec.extra_controls:
        return []
    seeds, finders = min(spec.untrained_seeds, MOST_UNTRAINED), len(spec.finders) - len(needing("suffix", spec.finders))
    captured = seeds * (counts.fit + counts.judge + counts.scenes + counts.twins) * len(counts.full)
    edits = len([edit for edit in spec.edits if edit != "rotate"])
    edited = counts.at("", seeds * (finders * edits * len(spec.edit_doses) * counts.scenes + counts.read), counts.full)
    return [PlanStep("untrained twins edited", captured + edited.forwards, captured * counts.model.depth + edited.block_passes)]


def _isolation(counts: Counts) -> int:
    if counts.spec.of_videos:
        return 0  # no other factor of real videos is known
    others = len([name for name in VARIABLES if name != counts.spec.variable])
    return others * (1 + ISOLATION_DRAWS) * counts.scenes


def _calibration(counts: Counts) -> int:
    """The first finder's subspace and the circle's plane, each beside random directions of its own, steered and rotated."""
    circular = counts.spec.state_variable.kind == "circular"
    return 2 * 2 * (1 + CALIBRATION_DRAWS) * REQUESTS * counts.scenes if circular else 0


def _refits(counts: Counts) -> PlanStep:
    """Tokens of judge clips, captured (the predictor reads them too), and both splits ablated."""
    conditions = len(counts.spec.finders) + counts.taken + REFIT_DRAWS * counts.random + 1  # and unedited
    edited = counts.at("", conditions * (counts.judge + counts.scenes), (counts.best,))
    return PlanStep(
        "read-outs refitted after ablation", counts.judge + edited.forwards, counts.judge * counts.model.depth + edited.block_passes
    )
