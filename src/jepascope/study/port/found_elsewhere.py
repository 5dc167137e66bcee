"""Subspaces of other clips used here: of the study's clips on other clip sets, and of another run of the same encoder in this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadData
from jepascope.intervention.control_entry import FLOORS
from jepascope.intervention.judges import ProbeJudge
from jepascope.portability.refits import Refits
from jepascope.stats import Interval
from jepascope.study.captures import Captures
from jepascope.study.folder import Run
from jepascope.study.given import given_in
from jepascope.study.intervene.contexts import context_at, controls_at
from jepascope.study.intervene.judges import last_layer_probe
from jepascope.study.port.compared import Finders, Ported, aligned, ceilings_of, finders_at, readout_row, refits_of, retained
from jepascope.study.port.equal_norm import at_equal_norm
from jepascope.study.port.sides import Side
from jepascope.study.steps.at_best import PORT_DRAWS

ACROSS, ACROSS_RUNS = "clip set", "run"


def elsewhere(captures: Captures, clips: str, layer: int) -> Captures:
    """The same study on another clip set, at one layer; its captures are kept beside the study's own."""
    changes = {"clips": clips, "layers": (), "best_layer": layer, "judges": ("probe",), "port_clips": (), "token_map": False}
    spec = captures.spec.model_copy(update=changes)
    return Captures.of_run(
        Run(captures.run.path / "clips" / clips, spec, heals=False), captures.encoder, captures.progress, store=captures.store
    )


def carried_to(
    captures: Captures,
    clips: str,
    layer: int,
    subspaces: Mapping[str, Subspace],
    finders: Finders,
    ceilings: Mapping[str, Interval],
    judge: ProbeJudge,
    refits: Mapping[str, Refits],
) -> Ported:
    """Every finder's subspace of the study's clips in place of what the finder finds on the other ones, "<finder> (<clips>)".

    Ablated on the other clips' test scenes, read by a probe that was trained on their judge clips, beside controls matched to the native
    subspaces there. A clip set with too few clips of a class is left out, and said. ``refits``: what stands beside SAS of ``subspaces``.
    """
    try:
        there = elsewhere(captures, clips, layer)
    except BadData as error:
        captures.progress.say(f"Subspaces are not carried to {clips}: {error}")
        return Ported()
    native = {name: finder(given_in(there, layer, finder=name, of=there.fit)) for name, finder in finders.items()}
    at = {name: f"{name} ({clips})" for name in native}
    everything = {at[name]: subspace for name, subspace in native.items()}
    everything |= {name: replace(subspace, mean=native[name].mean) for name, subspace in subspaces.items()}
    pairs = [(name, at[name]) for name in native]
    theirs = {at[name]: ceiling for name, ceiling in ceilings_of(there, layer, finders).items()}
    beside = refits_of(there, layer, {name: subspace.rank for name, subspace in native.items()}, there.fit, native=True)
    known = {**refits, **{at[name]: given for name, given in beside.items()}}
    found = aligned(there, ACROSS, layer, everything, pairs, {**ceilings, **theirs}, known)
    own = last_layer_probe(there)
    context = context_at(there, layer, [own])
    controls = {at[name]: drawn for name, drawn in controls_at(there, context, native, FLOORS, PORT_DRAWS).items()}
    tick = captures.progress.start(f"dose sweep on {clips}")
    effects, _ = context.edit(everything, controls, ("ablate",), there.spec.doses, progress=tick)
    readout = [readout_row(there, own, clips), readout_row(there, judge, captures.spec.clips_name)]
    kept = retained(there, ACROSS, effects, pairs)
    kept += at_equal_norm(there, context, everything, [(ACROSS, pairs)], known, kept.portability)
    return found + kept + Ported(readout=readout)


def run_subspaces_table(a: Side, b: Side, names: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every finder, at this run's best layer: "<finder> (<other folder>)" in place of this run's own.

    Ablated on this run's test scenes, to the mean of its clips, read by its own read-out.
    """
    captures, layer, spec = a.captures, a.best, a.captures.spec
    native = {name: a.subspace(name, layer, spec.rank_of(name)) for name in names}
    theirs = {}
    for name in names:
        subspace = b.subspace(name, layer, b.captures.spec.rank_of(name))
        where = {**subspace.provenance, "model": captures.encoder.card.name}  # the same weights, by whatever name
        theirs[f"{name} ({b.path.resolve().name})"] = Subspace(subspace.basis, native[name].mean, where)
    pairs = list(zip(theirs, native, strict=True))
    own = ceilings_of(captures, layer, finders_at(captures, {name: spec.rank_of(name) for name in names}))
    ceilings = own | {used: own[name] for used, name in pairs if name in own}
    beside = refits_of(captures, layer, {name: subspace.rank for name, subspace in native.items()}, captures.fit, native=True)
    given = refits_of(b.captures, layer, {name: b.captures.spec.rank_of(name) for name in names}, b.captures.fit)
    known = beside | {used: given[name] for used, name in pairs if name in given}
    found = aligned(captures, ACROSS_RUNS, layer, native | theirs, pairs, ceilings, known)
    context = context_at(captures, layer, [last_layer_probe(captures)])
    controls = controls_at(captures, context, native, FLOORS, PORT_DRAWS)
    tick = captures.progress.start("the other run's subspaces used here")
    effects, _ = context.edit(native | theirs, controls, ("ablate",), spec.doses, progress=tick)
    kept = retained(captures, ACROSS_RUNS, effects, pairs)
    kept += at_equal_norm(captures, context, native | theirs, [(ACROSS_RUNS, pairs)], known, kept.portability)
    portability, angles, _ = (found + kept).tables
    return portability, angles
