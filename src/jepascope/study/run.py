"""run: a spec becomes a run folder, step by step. What is there already is not made again; the end is the same either way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jepascope.clips.contact_sheet import contact_sheet, video_sheet
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.findings.summary import carried, intervened, leaking, probed
from jepascope.study.captures import Captures, check_spec_fits
from jepascope.study.claimed import conclude, studied
from jepascope.study.discover.probes import best_layer
from jepascope.study.files import writing
from jepascope.study.intervene.asked import validate_for_encoder
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.layers import without_shuffles
from jepascope.study.intervene.stage import Panels, StageTwo
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.runner import Runner
from jepascope.study.spec import StudySpec, check_whole
from jepascope.study.steps.discover import CAPTURE
from jepascope.study.steps.intervene import LEFT_OUT
from jepascope.study.steps.whole import STEPS
from jepascope.study.videos.footage import keep_footage
from jepascope.study.videos.foreseen import settled
from jepascope.study.videos.left_out import few_tested, left_out_figures
from jepascope.study.videos.taken import check_taken, taken_along, taken_figures


def run_study(spec: StudySpec, out: str | Path, encoder: VideoEncoder, progress: Progress | None = None) -> dict[str, Any]:
    """The whole pipeline on one encoder: capture, discover, intervene, port. Returns the summary; the report is made from the folder.

    Raises BadArgument when the folder holds another study or the spec does not fit the encoder, RunFolderError when it
    cannot be written. Whatever is finished stays, and the same call goes on from there.
    """
    progress, out = progress or Silent(), Path(out).expanduser()
    check_whole(spec)
    spec = settled(spec, progress)
    if spec.state_variable.note:
        progress.say(spec.state_variable.note)
    check_spec_fits(spec, encoder)  # before the folder is made, so that a corrected command can use it
    validate_for_encoder(spec, encoder)
    check_taken(spec, encoder)
    with opened(out, spec, encoder) as run:
        return _run(Captures.of_run(run, encoder, progress))


def runner_of(captures: Captures) -> Runner:
    """What runs steps on a study's captures, with all that they may need."""

    def used() -> Mapping[int, Mapping[str, Subspace]]:
        own, best = steps["subspaces"], steps["best"]
        return own if captures.imported is None else {**own, best: {**own[best], **captures.imported.subspaces}}

    given: dict[str, Callable[[], Any]] = {
        "captures": lambda: captures,
        "best": lambda: best_layer(captures, steps["probes"] if captures.spec.best_layer is None else None),
        "imported": lambda: taken_along(captures),
        "layers": lambda: {*captures.edited.named, steps["best"]},
        "used": used,
        "used at best": lambda: steps["used"][steps["best"]],
        "own at best": lambda: steps["subspaces"][steps["best"]],
        "judges": lambda: Panels(captures, steps["best"]),
        "panel": lambda: steps["judges"].panel,
        "main judge": lambda: steps["panel"].main,
        "context": lambda: context_at(captures, steps["best"], steps["panel"].at(steps["best"], True)),
    }
    steps = Runner(captures.run, captures.progress, given)
    return steps


def _run(captures: Captures) -> dict[str, Any]:
    spec, run, encoder = captures.spec, captures.run, captures.encoder
    steps = runner_of(captures)
    steps.do([CAPTURE])
    told = keep_footage(captures) if spec.of_videos else {}
    captures.imported = steps["imported"]
    _stimuli(captures)
    last = few_tested(captures)
    steps.do(step for step in STEPS if step is not CAPTURE and (last or step is not LEFT_OUT))
    told |= left_out_figures(captures, steps["leave_one_out"], steps["leave_one_out_videos"]) if last else {}
    best, stage_two = steps["best"], caused(steps)
    summary = {
        **probed(studied(spec, encoder.card), best, steps["probes"], steps["values"], captures.splits),
        **intervened(stage_two.tables, best, spec.variable, stage_two.judges, stage_two.skipped),
        "full_layers": list(captures.edited.full(best)),
        **carried(steps["portability"], steps["verdicts"], steps["peeling"], best),
        "leaks": leaking(steps["leaks"]),
        "seconds": steps.rounded_seconds,
        **told,
        **taken_figures(steps["imported"], steps["portability"]),
    }
    return conclude(run, "run", summary)


def caused(steps: Runner) -> StageTwo:
    """What stage two made, as far as it was run."""
    names = ("effects", "matching", "witnesses", "forecasts", "ce", "reads", "isolation", "curves", "doses", "calibration", "refits")
    tables = {name: steps[name] for name in names if steps.run.has(f"{name}.parquet")}
    return StageTwo(tables, steps["judges"], without_shuffles(steps["captures"], steps["used at best"]))


def _stimuli(captures: Captures) -> None:
    path = captures.run.path / "figures" / "stimuli.png"
    if not path.exists():
        sheet = video_sheet if captures.spec.of_videos else contact_sheet
        figure = sheet(captures.clips, captures.spec.variable)
        with writing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})
