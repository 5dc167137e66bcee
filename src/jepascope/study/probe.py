"""probe: stage one alone on a run folder, for the study's variable or for another one on the same captures."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument, quoted
from jepascope.findings.summary import probed as probed_figures
from jepascope.intervention.edit_entry import EDITS
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits
from jepascope.study.claimed import conclude, studied
from jepascope.study.folder import Run
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.ranks import check_finders
from jepascope.study.refusals import FieldRefused
from jepascope.study.run import runner_of
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import make_spec
from jepascope.study.steps.discover import READ, SUBSPACES

PREFIX = "probe-"


def _run_of_its_own(spec: StudySpec, variable: str, labels: Path | str | None) -> str:
    given = {"model": spec.model, "clips": spec.clips, "variable": variable, "labels": labels}
    return " ".join(["jepascope run", *(f"--{name} {quoted(value)}" for name, value in given.items() if value is not None)])


def probed_spec(spec: StudySpec, variable: str | None, labels: Path | None) -> StudySpec:
    """The same study of another variable: the best layer is chosen anew, and finders that the variable does not allow are left out.

    Raises BadArgument for a variable that there is not.
    """
    if variable is None and labels is None:
        return spec
    if spec.of_videos:  # which windows are clips, and in which views, goes by the variable
        raise BadArgument(
            f"Another variable of real videos has other clips, so that nothing of this run can be read again; make it a study of its own: "
            f"`{_run_of_its_own(spec, variable or spec.variable, labels or spec.labels)}`."
        )
    given = {**spec.model_dump(exclude={"labels", "labels_digest", "rank", "best_layer", "finders", "kind", "missing"}), "labels": None}
    if labels is not None:
        given["labels"] = str(labels)
    if variable is not None or labels is None:
        given["variable"] = variable or spec.variable
    else:
        del given["variable"]  # the file's only column
    # what only stage two reads, and another variable may not allow
    given["edits"] = tuple(edit for edit in spec.edits if "angle" not in EDITS.entry(edit).needs) or ("ablate",)
    given["swap_donor"] = given["head_classes"] = None
    other = make_spec({**given, "finders": ("diff_means",)}, "the other variable")
    return make_spec({**given, "finders": tuple(finder for finder in spec.finders if _allows(other, finder)) or ("diff_means",)}, "probe")


def _allows(spec: StudySpec, finder: str) -> bool:
    try:
        check_finders((finder,), None, spec.state_variable)
    except FieldRefused:
        return False
    return True


def probe_folder(run: Path, spec: StudySpec, probed: StudySpec) -> Path:
    """Where stage one of ``probed`` goes: the run folder for its own variable, else a folder inside it named by the variable."""
    if probed.digest == spec.digest:
        return run
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", probed.variable).strip("-")[:40]
    if plain != probed.variable or probed.labels is not None:  # names that look alike, and columns of several files, stay apart
        named = f"{probed.variable} {probed.labels_digest or ''}"
        plain = f"{plain}-{hashlib.sha256(named.encode()).hexdigest()[:8]}".lstrip("-")
    return run / f"{PREFIX}{plain}"


def run_probe(run: Path, spec: StudySpec, probed: StudySpec, encoder: VideoEncoder, progress: Progress | None = None) -> dict[str, Any]:
    """Stage one of ``probed`` on the captures of ``run``: its tables, subspaces and summary. Resumable; other stages stay as they are.

    For the run's own variable the tables are those that the whole study would make, and a finished summary is left alone.
    """
    progress = progress or Silent()
    check_spec_fits(probed, encoder)
    with opened(run, spec, encoder, heals=False) as base:
        own = Captures.of_run(base, encoder, progress)
        if probed.digest == spec.digest:
            return _stage_one(own)
        with Run.open(probe_folder(run, spec, probed), probed) as other:
            return _stage_one(Captures.of_run(other, encoder, progress, parent=own))


def _stage_one(captures: Captures) -> dict[str, Any]:
    run, spec, card = captures.run, captures.spec, captures.encoder.card
    finished = run.json("summary.json", {})  # read first: a damaged one is said before anything is computed
    steps = runner_of(captures)
    steps.do([*READ, SUBSPACES])
    summary = probed_figures(studied(spec, card), steps["best"], steps["probes"], steps["values"], captures.splits)
    summary["seconds"] = steps.rounded_seconds
    if "ce" in finished:
        return {**finished, **{key: value for key, value in summary.items() if key not in ("headline", "seconds")}}
    return conclude(run, "probe", summary)
