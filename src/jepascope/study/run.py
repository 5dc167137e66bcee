"""run: a spec becomes a run folder, step by step. What is there already is not made again; the end is the same either way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jepascope.clips.contact_sheet import caption, contact_sheet, video_sheet
from jepascope.clips.film import film
from jepascope.clips.picture import figure_png
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.findings.footage import footage_words
from jepascope.findings.summary import carried, intervened, leaking, probed
from jepascope.intervention.control_entry import CONTROLS, FOUND
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits, validate_for_encoder
from jepascope.study.claimed import conclude, studied
from jepascope.study.discover.dimensions import settle_rank
from jepascope.study.discover.probes import best_layer
from jepascope.study.intervene.contexts import context_at, without_shuffles
from jepascope.study.intervene.judges import StudyJudges
from jepascope.study.intervene.rolled import Rolled
from jepascope.study.port.imported import check_imported, imported_along, imported_figures
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.runner import Runner
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import check_whole
from jepascope.study.steps.at_best import AT_BEST, LEFT_OUT
from jepascope.study.steps.discover import CAPTURE
from jepascope.study.steps.intervene import EDITS
from jepascope.study.steps.whole import STEPS
from jepascope.study.videos.foreseen import settled, video_study
from jepascope.study.videos.left_out import few_tested, left_out_figures


def run_study(
    spec: StudySpec,
    out: str | Path,
    encoder: VideoEncoder,
    progress: Progress | None = None,
    begun: Callable[[str], None] | None = None,
    store: Path | None = None,
) -> dict[str, Any]:
    """The whole pipeline on one encoder: capture, discover, intervene, port. Returns the summary; the report is made from the folder.

    Raises BadArgument when the folder holds another study or the spec does not fit the encoder, RunFolderError when it
    cannot be written. Whatever is finished stays, and the same call goes on from there. ``begun`` is told of every step that begins.
    ``store``: where captures are kept, so that several studies share them; by default in the run folder.
    """
    progress, out = progress or Silent(), Path(out).expanduser()
    check_whole(spec)
    spec = settled(spec, progress)
    if spec.state_variable.note:
        progress.say(spec.state_variable.note)
    check_spec_fits(spec, encoder)  # before the folder is made, so that a corrected command can use it
    validate_for_encoder(spec, encoder)
    check_imported(spec, encoder)
    with opened(out, spec, encoder) as run:
        return _run(Captures.of_run(run, encoder, progress, store=store), begun)


def runner_of(captures: Captures) -> Runner:
    """What runs steps on a study's captures, with all that they may need."""

    def used() -> Mapping[int, Mapping[str, Subspace]]:
        own, best = steps["subspaces"], steps["best"]
        return own if captures.imported is None else {**own, best: {**own[best], **captures.imported.subspaces}}

    given: dict[str, Callable[[], Any]] = {
        "captures": lambda: captures,
        "best": lambda: best_layer(captures, steps["probes"] if captures.spec.best_layer is None else None),
        "imported": lambda: imported_along(captures),
        "rank": lambda: settle_rank(captures, lambda: steps["dimensions"]),
        "layers": lambda: {*captures.edited.named, steps["best"]},
        "used": used,
        "used at best": lambda: steps["used"][steps["best"]],
        "own at best": lambda: steps["subspaces"][steps["best"]],
        "judges": lambda: StudyJudges(captures, steps["best"]),
        "trained judges": lambda: steps["judges"].trained,
        "rolled": lambda: Rolled.of(captures, steps["judges"], steps["context"]),
        "main judge": lambda: steps["trained judges"].main,
        "context": lambda: context_at(captures, steps["best"], steps["trained judges"].at(steps["best"], True)),
    }
    steps = Runner(captures.run, captures.progress, given)
    return steps


def _run(captures: Captures, begun: Callable[[str], None] | None) -> dict[str, Any]:
    spec, run, encoder = captures.spec, captures.run, captures.encoder
    steps = runner_of(captures)
    steps.begun = begun or steps.begun
    steps.do([CAPTURE])
    video_summary = _keep_footage(captures) if spec.of_videos else {}
    captures.imported = steps["imported"]
    _stimuli(captures)
    last = spec.of_videos and few_tested(captures.clips, spec.variable)
    steps.do(step for step in STEPS if step is not CAPTURE and (last or step is not LEFT_OUT))
    video_summary |= left_out_figures(captures, steps["leave_one_out"], steps["leave_one_out_videos"]) if last else {}
    best = steps["best"]
    summary = {
        **probed(studied(captures.spec, encoder.card), best, steps["probes"], steps["values"], captures.splits),
        **edited(steps),
        "full_layers": list(captures.edited.full(best)),
        **carried(steps["portability"], steps["verdicts"], steps["peeling"], best),
        "leaks": leaking(steps["leaks"]),
        "seconds": steps.rounded_seconds,
        "film": _film(captures),
        **video_summary,
        **imported_figures(steps["imported"], steps["portability"]),
    }
    return conclude(run, "run", summary)


def edited(steps: Runner) -> dict[str, Any]:
    """What summary.json says of the edits, as far as they were run, and of judges and controls that came to nothing."""
    captures, judges = steps["captures"], steps["judges"]
    made = [table for step in (*EDITS, *AT_BEST) for table in step.tables]
    tables = {name: steps[name] for name in made if steps.run.has(f"{name}.parquet")}
    skipped, ran = dict(judges.skipped), {*tables["ce"]["control"]}
    skipped |= {name: CONTROLS.entry(name).absent for name in captures.spec.controls if CONTROLS.entry(name).absent and name not in ran}
    if unshuffled := without_shuffles(captures, steps["used at best"]):
        skipped |= dict.fromkeys(FOUND, "; ".join(f"{name}: {why}" for name, why in unshuffled.items()))
    return intervened(tables, steps["best"], captures.spec.variable, judges.names, skipped)


def _keep_footage(captures: Captures) -> dict[str, Any]:
    """clips.parquet and refusals.parquet, once, and said; what summary.json holds of them."""
    study = video_study(captures.spec)
    if not captures.run.has("refusals.parquet"):
        captures.run.write_table("clips", study.clips.factors)
        captures.run.write_table("refusals", study.refusals)
    for line in footage_words(study.record):
        captures.progress.say(line)
    captures.progress.say(
        "Left out on real videos: subspaces of another data seed and other clip sets (no such scenes can be made), and degeneracy."
    )
    return {"footage": study.record, "stimuli_caption": caption(study.clips)}


def _stimuli(captures: Captures) -> None:
    if not captures.run.has("figures/stimuli.png"):
        sheet = video_sheet if captures.spec.of_videos else contact_sheet
        captures.run.write("figures/stimuli.png", figure_png(sheet(captures.clips, captures.spec.variable)))


def _film(captures: Captures) -> dict[str, Any]:
    """figures/film.png: the first test clip and its partner; how many pictures it has, and what the two show."""
    picture, frames = film(captures.test_clips, captures.twin_clips)
    if not captures.run.has("figures/film.png"):
        captures.run.write("figures/film.png", picture)
    shown = []
    for clips in (captures.test_clips, captures.twin_clips):
        labels, classes = clips.labels(captures.spec.variable)
        shown.append(str(classes[labels[0]]))
    return {"frames": frames, "clip": shown[0], "partner": shown[1]}
