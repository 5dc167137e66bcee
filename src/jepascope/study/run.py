"""run: a spec becomes a run folder, step by step. What is there already is not made again; the end is the same either way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jepascope.clips.contact_sheet import contact_sheet
from jepascope.clips.video.sheet import video_sheet
from jepascope.encoders.base import VideoEncoder
from jepascope.findings.summary import carried, intervened, leaking, probed
from jepascope.study.bench import Bench, check_spec_fits
from jepascope.study.claimed import conclude, studied
from jepascope.study.folder import Run, writing
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import check_encoder
from jepascope.study.resumable import Steps
from jepascope.study.spec import StudySpec, check_whole
from jepascope.study.stage_one import stage_one
from jepascope.study.stage_three.stage import stage_three
from jepascope.study.stage_two.asked import check_asked
from jepascope.study.stage_two.stage import stage_two
from jepascope.study.steps.leaks import run_leaks
from jepascope.study.steps.subspaces import run_subspaces
from jepascope.study.videos.footage import keep_footage
from jepascope.study.videos.foreseen import settled
from jepascope.study.videos.left_out import left_out
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
    check_asked(spec, encoder)
    check_taken(spec, encoder)
    run = Run.open(out, spec)
    try:
        return _run(run, encoder, progress)
    finally:
        run.close()


def _run(run: Run, encoder: VideoEncoder, progress: Progress) -> dict[str, Any]:
    spec, steps = run.spec, Steps(run, progress)
    bench = Bench(run, encoder, progress)
    check_encoder(run, encoder)
    steps.timed("capture", lambda: (bench.fit, bench.judge, bench.test, bench.twins, bench.spare_test))
    told = keep_footage(bench) if spec.of_videos else {}
    bench.taken = taken_along(bench)
    _stimuli(bench)
    found = stage_one(bench, steps)
    best = found.best
    (leaks,) = steps.tables("leaks", ("leaks",), lambda: (run_leaks(bench, best),))
    subspaces = steps.timed("subspaces", lambda: run_subspaces(bench, {*bench.layers, best}))
    used = subspaces if bench.taken is None else {**subspaces, best: {**subspaces[best], **bench.taken.subspaces}}
    caused = stage_two(bench, steps, best, used)
    ported = stage_three(bench, steps, best, subspaces, caused.panels)
    told |= left_out(bench, steps)
    summary = {
        **probed(studied(spec, encoder.card), best, found.probes, found.values, bench.splits),
        **intervened(caused.tables, best, spec.variable, caused.judges, caused.skipped),
        "full_layers": list(bench.full_layers(best)),
        **carried(ported.portability, ported.verdicts, ported.peeling, best),
        "leaks": leaking(leaks),
        "seconds": {name: round(value, 3) for name, value in steps.seconds.items()},
        **told,
        **taken_figures(bench.taken, ported.portability),
    }
    return conclude(run, "run", summary)


def _stimuli(bench: Bench) -> None:
    path = bench.run.path / "figures" / "stimuli.png"
    if not path.exists():
        sheet = video_sheet if bench.spec.of_videos else contact_sheet
        figure = sheet(bench.clips, bench.spec.variable)
        with writing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})
