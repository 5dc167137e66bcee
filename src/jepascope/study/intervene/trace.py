"""trace: which parts of which blocks write the subspace of a run, and which read it, on its captures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import VideoEncoder
from jepascope.encoders.part_names import PARTS
from jepascope.intervention.components import components, read
from jepascope.intervention.written import written
from jepascope.schema.components import READ_BESIDE
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits, validate_for_encoder
from jepascope.study.claimed import conclude
from jepascope.study.discover.dimensions import take_rank
from jepascope.study.folder import Run
from jepascope.study.intervene.command import intervened_spec
from jepascope.study.intervene.contexts import context_at, controls_at
from jepascope.study.intervene.judges import main_judge
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.run import runner_of
from jepascope.study.spec import StudySpec
from jepascope.study.steps.at_best import TRACE
from jepascope.study.steps.discover import SUBSPACES

PREFIX = "trace-"


def traced_spec(spec: StudySpec, best: int, changes: dict[str, Any], called: Mapping[str, str] | None = None) -> StudySpec:
    """The same study with nothing but swaps of its first finder's subspace, at one layer, beside the draws that stand beside (see
    ``intervened_spec``)."""
    usual = {"finders": spec.finders[:1], "rank": spec.rank, "draws": min(spec.draws, spec.draws_beside)}
    return intervened_spec(spec, best, {**usual, **changes, "edits": ("swap",), "judges": ("probe",)}, None, called)


def trace_folder(run: Path, changed: StudySpec) -> Path:
    return run / f"{PREFIX}{changed.digest[:8]}"


def run_trace(captures: Captures, layer: int, subspaces: Mapping[str, Subspace]) -> pd.DataFrame:
    """Writers and readers of every subspace at a layer, on the test scenes, by the judge that claims are made in."""
    spec = captures.spec
    context = context_at(captures, layer, [main_judge(captures)])
    controls = controls_at(captures, context, subspaces, READ_BESIDE, spec.draws)
    both = {"fit": captures.fit.clips, "test": captures.test.clips}
    fit, test = (captures.capture(clips, f"capture {name} clips by parts", part=PARTS[0]) for name, clips in both.items())
    writes = written(context, (fit, captures.labels(fit)), test, spec.tokens, subspaces)
    tick = captures.progress.start(f"swap at layer {layer}, by every path")
    return components(writes, read(context, subspaces, controls, tick))


def run_command(run: Path, spec: StudySpec, changed: StudySpec, encoder: VideoEncoder, progress: Progress | None = None) -> dict[str, Any]:
    """The table, claims and summary in a folder inside the run's. Resumable: a table that is there is not made again."""
    progress = progress or Silent()
    check_spec_fits(changed, encoder)
    validate_for_encoder(changed, encoder)
    encoder.attended(1, torch.zeros(1, encoder.card.tokens, encoder.card.width, device=encoder.device, dtype=encoder.dtype))  # or refuses
    with opened(run, spec, encoder, heals=False) as base, Run.open(trace_folder(run, changed), changed) as other:
        captures = Captures.of_run(other, encoder, progress, parent=Captures.of_run(base, encoder, progress))
        take_rank(captures, base)
        steps = runner_of(captures)
        steps.do([SUBSPACES, TRACE])
        subspace = next(iter(steps["own at best"].values()))
        summary: dict[str, Any] = {
            "schema": 1,
            "model": encoder.card.name,
            "variable": spec.variable,
            "best_layer": steps["best"],
            "tokens": spec.tokens,
            "rank": subspace.rank,
            "swap_donor": captures.donor,
            "draws": changed.draws,
            "components": {"rows": len(steps["components"])},
            "seconds": steps.rounded_seconds,
        }
        return conclude(other, "trace", summary)
