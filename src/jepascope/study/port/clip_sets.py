"""Across clip sets: subspaces of the study's clips used on other clips, whose own subspaces and read-out they are held against."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import nan

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.judges import ProbeJudge
from jepascope.portability.alignment import split_half_ceiling
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import angle_rows, readings_rows, sas_rows
from jepascope.schema import TABLES
from jepascope.stats import Interval, scene_proportion
from jepascope.study.captures import Captures
from jepascope.study.intervene.contexts import context_at
from jepascope.study.intervene.curves import BESIDE
from jepascope.study.intervene.layers import controls_at
from jepascope.study.port.ground import elsewhere, last_layer_probe
from jepascope.study.steps.discover import HALVINGS
from jepascope.study.steps.intervene import PORT_DRAWS

READOUT_COLUMNS = TABLES["carried_readout"].written
ACROSS = "clip set"

Rows = list[dict[str, object]]
Finders = Mapping[str, Callable[[Labelled], Subspace]]


@dataclass(frozen=True)
class Carried:
    """Rows of the three tables."""

    portability: Rows
    angles: Rows
    readout: Rows


def carried_to(
    captures: Captures,
    clips: str,
    layer: int,
    here: Mapping[str, Subspace],
    finders: Finders,
    ceilings: Mapping[str, Interval],
    judge: ProbeJudge,
) -> Carried:
    """Every finder's subspace of the study's clips in place of what the finder finds on the other ones, "<finder> (<clips>)".

    Ablated on the other clips' test scenes, read by a probe that was trained on their judge clips, beside controls matched to the native
    subspaces there. A clip set with too few clips of a class is left out, and said.
    """
    try:
        there = elsewhere(captures, clips, layer)
    except BadData as error:
        captures.progress.say(f"Subspaces are not carried to {clips}: {error}")
        return Carried([], [], [])
    spec = there.spec
    native = {name: finder(there.labelled(layer, finder=name, of=there.fit)) for name, finder in finders.items()}
    at = {name: f"{name} ({clips})" for name in native}
    everything = {at[name]: one for name, one in native.items()} | {
        name: replace(one, mean=native[name].mean) for name, one in here.items()
    }
    pairs = [(name, at[name]) for name in native]
    both = {**ceilings, **{at[name]: ceiling for name, ceiling in ceilings_of(there, layer, finders).items()}}
    fit, test = there.fit.pooled(layer, spec.tokens), there.test_pooled(layer, spec.tokens)
    own = last_layer_probe(there)
    context = context_at(there, layer, [own])
    controls = {at[name]: drawn for name, drawn in controls_at(there, context, native, BESIDE, PORT_DRAWS).items()}
    effects, _ = context.edit(everything, controls, ("ablate",), spec.doses, progress=captures.progress.start(f"dose sweep on {clips}"))
    return Carried(
        [
            *sas_rows(everything, ACROSS, layer, both, pairs),
            *readings_rows(everything, ACROSS, layer, fit, test, pairs, spec.seed, spec.resamples, there.test_scenes),
            *rce_rows(effects, [(b, a) for a, b in pairs], ACROSS, spec.seed, spec.resamples),
        ],
        angle_rows(everything, ACROSS, layer, pairs),
        [readout_row(there, own, clips), readout_row(there, judge, captures.spec.clips_name)],
    )


def ceilings_of(captures: Captures, layer: int, finders: Finders) -> dict[str, Interval]:
    """Split-half ceiling of each finder on the fit clips."""
    found = {}
    for name, finder in finders.items():
        data = captures.labelled(layer, finder=name, of=captures.fit)
        try:
            found[name] = split_half_ceiling(partial(_found_on, finder, data), data.y, HALVINGS, captures.spec.seed, data.groups)
        except (BadArgument, BadData) as error:  # few videos leave halves in which nothing can be found or chosen
            if not captures.spec.of_videos:
                raise
            captures.progress.say(f"No split-half ceiling of {name}: {error}")
    return found


def _found_on(finder: Callable[[Labelled], Subspace], data: Labelled, clips: Bool[Tensor, " clips"]) -> Subspace:
    return finder(data.select(clips))


def readout_row(
    captures: Captures, judge: ProbeJudge, probe_from: str, columns: Int[Tensor, " classes"] | None = None
) -> dict[str, object]:
    """How well a read-out of the last layer reads the test clips of a clip set; the share of the largest class beside it.

    ``columns``: where the clips' classes are among those that the read-out knows; it then names one of these alone.
    """
    depth = captures.encoder.card.depth
    read, labels = captures.test_pooled(depth, captures.spec.tokens), captures.test_labels
    logits = judge.logits(read)
    named = (logits if columns is None else logits[:, columns]).argmax(dim=-1)
    share = scene_proportion((named == labels).numpy(), captures.test_scenes.numpy())
    return {
        "clips": captures.spec.clips_name,
        "layer": depth,
        "probe_from": probe_from,
        "accuracy": share.value,
        "low": share.low,
        "high": share.high,
        "n": share.n,
        "chance": float(torch.bincount(labels).max()) / len(labels) if len(labels) else nan,
    }
