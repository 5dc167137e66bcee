"""run_port: a run folder and another one, or a model, become RUN/port-<digest>/ with its tables and summary. Resumable."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.findings.port_summary import models_figures, subspaces_figures
from jepascope.study.captures import Captures
from jepascope.study.checks import check_spec_fits
from jepascope.study.claimed import conclude
from jepascope.study.discover.dimensions import take_rank
from jepascope.study.files import known_best
from jepascope.study.port.asked import check_finders_asked, check_same_scenes, components_of, finders_of, other_spec
from jepascope.study.port.sides import Side, best_of, captures_of, names_of
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import opened
from jepascope.study.runner import Runner
from jepascope.study.spec import StudySpec
from jepascope.study.spec_file import saved_spec
from jepascope.study.steps.port import COMMAND

PREFIX = "port-"
SCHEMA = 1
SIDE = {"path", "clips", "variable", "best_layer"}  # what the headline says of either

Load = Callable[[StudySpec], VideoEncoder]


def port_folder(run: Path, theirs: StudySpec, folder: Path | None, finders: Sequence[str], components: int | None) -> Path:
    """Named by the other study, by its folder's name where it has one, and by what is asked for."""
    named = f"{theirs.digest} {','.join(finders)} {components}" + (f" {folder.resolve().name}" if folder else "")
    return run / f"{PREFIX}{hashlib.sha256(named.encode()).hexdigest()[:8]}"


def run_port(
    run: Path,
    other: str,
    load: Load,
    finders: Sequence[str] | None = None,
    components: int | None = None,
    progress: Progress | None = None,
) -> tuple[dict[str, Any], Path]:
    """What was found in ``run`` used in ``other`` and the other way round; ``other`` is a run folder or a model's name.

    Across models: CKA of all layers, held-out CCA and linear maps at matched layers, and the carried subspace edited in the target, judged
    by the target's own read-out. Between two runs of one encoder: SAS, readings and RCE of the other run's subspaces in this run. Returns
    the summary and the folder. ``load`` gives the encoder of a spec.

    Raises BadArgument for a run with itself, for other scenes, and for finders and components that do not serve, BadData for too few
    clips; nothing is left then.
    """
    progress = progress or Silent()
    spec = saved_spec(run)
    theirs, path = other_spec(spec, run, other)
    check_finders_asked(finders, spec, theirs)
    best = known_best(run), None if path is None else known_best(path)
    mine, encoder = load(spec), load(theirs)
    models = mine.card.digest != encoder.card.digest
    if models and path is not None:
        check_same_scenes(spec, theirs, other, run)
    if not models and path is None:
        raise BadArgument(f"'{other}' is the encoder that '{run}' was made with; give another model, or another run of this one.")
    names = finders_of(finders, spec, theirs, models)
    for known, one in ((spec, mine), (theirs, encoder)):
        check_spec_fits(known.model_copy(update={"finders": names}), one)
    if models:
        components = components_of(components, spec, theirs, names, (mine.card, encoder.card))
    elif components is not None:
        raise BadArgument("--components is for maps between models, and these are two runs of one encoder; leave it out.")
    kind, out = "models" if models else "subspaces", port_folder(run, theirs, path, names, components)
    with ExitStack() as stack:
        again = "put them back, or run the study again"
        base = stack.enter_context(opened(run, spec, mine, again, heals=False))
        there = None if path is None else stack.enter_context(opened(path, theirs, encoder, again, heals=False))
        made = stack.enter_context(opened(out, theirs, encoder, f"put them back, or delete '{out}'"))
        summary = made.json("summary.json", {})
        tables = [table for step in COMMAND[kind] for table in step.tables]
        sides = [summary.get(side) for side in "ab"]
        told = summary.get("schema") == SCHEMA and all(isinstance(side, dict) and side.keys() >= SIDE for side in sides)
        if not told or not all(made.has(f"{table}.parquet") for table in tables):
            opened_captures = (
                captures_of if models else Captures.of_run
            )  # subspaces of one encoder are used at the run's own best layer alone
            own, elsewhere = opened_captures(base, mine, progress), opened_captures(there or made, encoder, progress)
            for side, folder in ((own, base), (elsewhere, there or base)):
                take_rank(side, folder)
            called = names_of(mine.card, encoder.card)
            a = Side(own, best_of(own, best[0]), run, called[0])
            b = Side(elsewhere, best_of(elsewhere, best[1]), Path(other), called[1])
            steps = Runner(made, progress)
            steps.keep(a=a, b=b, finders=names, components=components, run=made)
            steps.do(COMMAND[kind])
            summary = {"schema": SCHEMA, "kind": kind, "headline": "", "a": a.described(), "b": b.described(), "finders": list(names)}
            summary |= {"pairs": [pair.names for pair in steps["layers"]]} if models else {}
            summary["seconds"] = steps.rounded_seconds
        # what is finished is read, so that the same command ends at once
        first, second = (made.table(table) for table in tables)
        summary |= models_figures(first, second) if models else subspaces_figures(first)
        return conclude(made, "port", summary), out
