"""Subspaces used in place of others: how they align, what they read, and what effect they retain. All that is ported goes through here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import nan

import pandas as pd
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from jepascope.activations.activations import Activations
from jepascope.discovery.finder_entry import needing
from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.base import one_by_one
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.judges import ProbeJudge
from jepascope.portability.alignment import split_half_ceiling
from jepascope.portability.refits import DRAWS, Refits, refits
from jepascope.portability.retained import rce_rows
from jepascope.portability.tables import Pair, angle_rows, angle_table, portability_table, readings_rows, sas_rows
from jepascope.schema import TABLES
from jepascope.stats import Interval, scene_proportion
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.steps.discover import HALVINGS

Rows = list[dict[str, object]]
Finders = Mapping[str, Callable[[Labelled], Subspace]]


@dataclass(frozen=True)
class Ported:
    """Rows of the three tables of portability."""

    portability: Rows = field(default_factory=list)
    angles: Rows = field(default_factory=list)
    readout: Rows = field(default_factory=list)

    def __add__(self, other: Ported) -> Ported:
        return Ported(self.portability + other.portability, self.angles + other.angles, self.readout + other.readout)

    @property
    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """portability, angles and carried_readout."""
        readout = pd.DataFrame(self.readout, columns=TABLES["carried_readout"].written)
        return portability_table(self.portability), angle_table(self.angles), readout


def aligned(
    captures: Captures,
    across: str,
    layer: int,
    subspaces: Mapping[str, Subspace],
    pairs: Collection[Pair],
    ceilings: Mapping[str, Interval],
    refits: Mapping[str, Refits],
) -> Ported:
    """SAS beside what gives as much for nothing (``refits``, by subspace), readings (axes from the fit clips, scored on the test clips) and
    principal angles of pairs (used, native)."""
    spec = captures.spec
    fit, test = captures.fit.pooled(layer, spec.tokens), captures.test_pooled(layer, spec.tokens)
    read = readings_rows(subspaces, across, layer, fit, test, pairs, spec.seed, spec.resamples, captures.test_scenes)
    return Ported([*sas_rows(subspaces, across, layer, ceilings, pairs, refits), *read], angle_rows(subspaces, across, layer, pairs))


def retained(captures: Captures, across: str, effects: pd.DataFrame, pairs: Collection[Pair]) -> Ported:
    """What of the native subspace's effect the used one has, of pairs (used, native)."""
    spec = captures.spec
    return Ported(rce_rows(effects, [(native, used) for used, native in pairs], across, spec.seed, spec.resamples))


def finders_at(captures: Captures, ranks: Mapping[str, int]) -> Finders:
    """Finders by name as they are run on some clips of a study, for subspaces of these ranks."""
    return {name: partial(find_in, name, rank, captures.folds, captures.spec.seed) for name, rank in ranks.items()}


def find_in(name: str, rank: int, folds: int, seed: int, data: Labelled) -> Subspace:
    """What a finder finds in some clips; a sparse probe's path is fitted to them alone."""
    return find(name, with_path(name, folds, seed, data), rank, seed)


def with_path(name: str, folds: int, seed: int, data: Labelled) -> Labelled:
    """Some clips with a path fitted to them alone, for a finder that needs one."""
    if not needing("path", [name]):
        return data
    groups = data.groups  # few clips may hold too few of a class for the study's folds
    scarce = min(len(groups[data.y == label].unique()) for label in range(data.classes)) if groups is not None else 0
    several = groups is not None and len(groups.unique()) < len(groups)
    fewest = scarce if several else int(torch.bincount(data.y).min())
    if several and fewest < 2:
        raise BadData(f"All clips of a class in this half are of one scene or video, and {name} chooses its strength by leaving some out.")
    return replace(data, path=l1_paths({name: data.x}, data.y, groups if several else None, min(folds, fewest), seed=seed, onward=())[name])


def refits_of(
    captures: Captures, layer: int, ranks: Mapping[str, int], of: Activations | None = None, native: bool = False
) -> dict[str, Refits]:
    """What the fit clips (or ``of``) give besides each finder's subspace of that rank; nothing of a finder for which they are too few.
    ``native``: of subspaces that others are held against, whose labels nobody permutes."""
    clips, seed, known = of or captures.fit, captures.spec.seed, {}
    for name, finder in finders_at(captures, ranks).items():
        data = given_in(captures, layer, finder=name, of=of)
        try:
            data = data if native or data.path is not None else with_path(name, captures.folds, seed, data)
            known[name] = refits(name, finder, data, ranks[name], seed, clips.clips.digest, draws=0 if native else DRAWS)
        except (BadArgument, BadData) as error:
            captures.progress.say(f"Nothing stands beside SAS of {name}: {error}")
    return known


def found_on(finder: Callable[[Labelled], Subspace], data: Labelled, clips: Bool[Tensor, " clips"]) -> Subspace:
    """What a finder finds in some of the clips."""
    return finder(data.select(clips))


def ceilings_of(captures: Captures, layer: int, finders: Finders) -> dict[str, Interval]:
    """Split-half ceiling of each finder on the fit clips."""

    ceilings = {}
    for name, finder in finders.items():
        data = given_in(captures, layer, finder=name, of=captures.fit)
        fits = one_by_one if data.suffix else captures.encoder.fits  # what is trained through the network is spread by itself
        try:
            ceilings[name] = split_half_ceiling(partial(found_on, finder, data), data.y, HALVINGS, captures.spec.seed, data.groups, fits)
        except (BadArgument, BadData) as error:  # few videos leave halves in which nothing can be found or chosen
            if not captures.spec.of_videos:
                raise
            captures.progress.say(f"No split-half ceiling of {name}: {error}")
    return ceilings


def readout_row(
    captures: Captures, judge: ProbeJudge, probe_from: str, columns: Int[Tensor, " classes"] | None = None
) -> dict[str, object]:
    """How well a read-out of the last layer reads the test clips of a clip set; the share of the largest class beside it.

    ``columns``: where the clips' classes are among those that the read-out knows; it then names one of these alone.
    """
    depth = captures.encoder.card.depth
    read, labels = captures.test_pooled(depth, captures.spec.tokens), captures.test_labels
    logits = judge.logits(read)
    predicted = (logits if columns is None else logits[:, columns]).argmax(dim=-1)
    share = scene_proportion((predicted == labels).numpy(), captures.test_scenes.numpy())
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
