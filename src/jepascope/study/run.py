"""run: a spec becomes a run folder, step by step. What is there already is not made again; the end is the same either way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from jepascope.clips.contact_sheet import contact_sheet
from jepascope.encoders.base import VideoEncoder
from jepascope.errors import BadArgument
from jepascope.intervention.causal_effect import ce_table
from jepascope.study.bench import Bench, check_spec_fits
from jepascope.study.folder import Run, writing
from jepascope.study.progress import Progress, Silent
from jepascope.study.provenance import provenance
from jepascope.study.spec import StudySpec
from jepascope.study.steps.interventions import run_interventions
from jepascope.study.steps.leaks import run_leaks
from jepascope.study.steps.portability import run_portability
from jepascope.study.steps.probes import best_layer, run_probes
from jepascope.study.steps.subspaces import run_subspaces
from jepascope.study.steps.summary import summarise

SECONDS = "seconds.json"


class Steps:
    """Runs steps once: a step whose tables are in the folder is read, another one is timed and written."""

    def __init__(self, run: Run, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self.seconds: dict[str, float] = run.json(SECONDS, {})

    def tables(self, name: str, names: tuple[str, ...], make: Callable[[], tuple[pd.DataFrame, ...]]) -> tuple[pd.DataFrame, ...]:
        """Tables of one step, written together; time spent in earlier, killed attempts is added up."""
        if not all(self.run.has(f"{table}.parquet") for table in names):
            made = self.timed(name, make)
            for table, frame in zip(names, made, strict=True):
                self.run.write_table(table, frame)
        return tuple(self.run.table(table) for table in names)

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        began = time.monotonic()
        self.run.log("start", step=name)
        try:
            return work()
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.run.write_json(SECONDS, self.seconds)
            self.run.log("end", step=name, seconds=self.seconds[name])


def run_study(spec: StudySpec, out: Path, encoder: VideoEncoder, progress: Progress | None = None) -> dict[str, Any]:
    """The whole pipeline on one encoder: capture, discover, intervene, port. Returns the summary; the report is made from the folder.

    Raises BadArgument when the folder holds another study or the spec does not fit the encoder, RunFolderError when it
    cannot be written. Whatever is finished stays, and the same call goes on from there.
    """
    progress = progress or Silent()
    check_spec_fits(spec, encoder)  # before the folder is made, so that a corrected command can use it
    run = Run.open(out, spec)
    try:
        return _run(run, encoder, progress)
    finally:
        run.close()


def _run(run: Run, encoder: VideoEncoder, progress: Progress) -> dict[str, Any]:
    spec, steps = run.spec, Steps(run, progress)
    bench = Bench(run, encoder, progress)
    _same_encoder(run, bench)
    steps.timed("capture", lambda: (bench.fit, bench.judge, bench.test, bench.twins, bench.spare_test))
    _stimuli(bench)
    (probes,) = steps.tables("probes", ("probes",), lambda: (run_probes(bench),))
    best = best_layer(bench, probes)
    (leaks,) = steps.tables("leaks", ("leaks",), lambda: (run_leaks(bench, best),))
    subspaces = steps.timed("subspaces", lambda: run_subspaces(bench, {*bench.layers, best}))
    effects, matching = steps.tables("intervene", ("effects", "matching"), lambda: run_interventions(bench, best, subspaces))
    (ce,) = steps.tables("statistics", ("ce",), lambda: (ce_table(effects, spec.seed, spec.resamples),))
    portability, _ = steps.tables("port", ("portability", "angles"), lambda: run_portability(bench, best, subspaces[best]))
    splits = bench.clips.factors["split"].value_counts()
    summary = summarise(
        spec,
        encoder.card.name,
        encoder.card.depth,
        best,
        probes,
        leaks,
        ce,
        matching,
        portability,
        {name: int(splits[name]) for name in ("fit", "judge", "test")},
        {name: round(value, 3) for name, value in steps.seconds.items()},
    )
    run.write_json("summary.json", summary)
    return summary


def _same_encoder(run: Run, bench: Bench) -> None:
    """A folder goes on with the encoder it began with: the same name may hold other weights by now."""
    digest = bench.encoder.card.digest
    known = run.json("provenance.json", {}).get("encoder", {}).get("digest")
    if known is None:
        run.write_json("provenance.json", provenance(run.spec, bench.encoder, str(run.path)))
    elif known != digest:
        raise BadArgument(f"'{run.path}' was begun with other weights of '{run.spec.model}' ({known}, now {digest}); choose another --out.")


def _stimuli(bench: Bench) -> None:
    path = bench.run.path / "figures" / "stimuli.png"
    if not path.exists():
        figure = contact_sheet(bench.clips, bench.spec.variable)
        with writing(path) as temporary:
            figure.savefig(temporary, format="png", metadata={"Software": None})
