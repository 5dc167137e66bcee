"""l1_probe: the span of a sparse probe's weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from jepascope.discovery.finder_entry import FinderEntry
from jepascope.discovery.finders.directions import as_pattern, described
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import ProbePath, l1_paths
from jepascope.discovery.probes.readouts import LinearProbe, standardise
from jepascope.discovery.solver.elastic_net import prepare
from jepascope.discovery.solver.solve import solve_path
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument

DECLARED = (
    FinderEntry(
        name="l1_probe",
        meaning="the weights of a sparse probe",
        order=4,
        takes="labelled",
        ranks="classes",
        needs=("path",),
        together="l1_probe_shuffled",
    ),
    FinderEntry(
        name="l1_probe_pattern",
        meaning="covariance times the weights of a sparse probe",
        order=4,
        takes="labelled",
        ranks="classes",
        needs=("path",),
        together="l1_pattern_shuffled",
    ),
)

INDEPENDENT = 1e-4  # of the largest singular value: what counts as a direction of its own


def l1_probe(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Span of the sparse probe's weights on raw activations, less their mean over classes (which no softmax sees).

    The strength is cross-validation's one-standard-error choice; where that probe spans less than ``rank`` (a probe near
    chance keeps no coordinate at all), the path is walked down to the first strength that spans it, and the provenance says
    so. Without ``rank``: all that the chosen probe spans. These are filters (what the probe reads with), not patterns (what
    the variable moves). Of more directions than asked for, the leading singular vectors are kept. ``data.path`` is taken
    where it is there.
    """
    path = data.path or _path(data, seed)
    for index in range(path.chosen, len(path.points)):
        point = path.points[index]
        if _spanned(point.probe) >= (rank or 1):
            return _subspace(point.probe, data, rank, point.strength, "one standard error" if index == path.chosen else _WALKED)
    raise _too_narrow(data, rank, _spanned(path.points[-1].probe))


def l1_probe_pattern(data: Labelled, rank: int | None = None, seed: int = 0) -> Subspace:
    """Covariance times the filters of ``l1_probe`` at the same rank."""
    return as_pattern(l1_probe(data, rank, seed), data)


def l1_probe_shuffled(data: Labelled, rank: int | None, permuted: Sequence[Labelled], seed: int = 0) -> list[Subspace]:
    """The finder on other labels (a control's permutations), all in one batch, at the strength that the true labels chose.

    Cross-validating each permutation would cost folds times as much and choose nothing: it is at chance at any strength.
    """
    path = data.path or _path(data, seed)
    rank = rank or max(1, _spanned(path.probe))
    standard, mean, scale = standardise(data.x)
    labels = torch.stack([other.y for other in permuted])
    batch = prepare(standard[None], labels[None], torch.ones(1, 1, len(data.y)), data.classes)
    subspaces: dict[int, Subspace] = {}
    narrowest = 0
    for index, fits in enumerate(solve_path(batch, [(point.strength, 0.0) for point in path.points])):
        if index < path.chosen:
            continue
        probes = [LinearProbe.from_standardised(w, b, mean, scale) for w, b in zip(fits.weights[0], fits.bias[0], strict=True)]
        for draw, probe in enumerate(probes):
            if draw not in subspaces and _spanned(probe) >= rank:
                rule = "the true labels' strength" if index == path.chosen else _WALKED
                subspaces[draw] = _subspace(probe, data, rank, path.points[index].strength, rule)
        if len(subspaces) == len(labels):
            return [subspaces[draw] for draw in range(len(labels))]
        narrowest = min(_spanned(probe) for probe in probes)
    raise _too_narrow(data, rank, narrowest)


def l1_pattern_shuffled(data: Labelled, rank: int | None, permuted: Sequence[Labelled], seed: int = 0) -> list[Subspace]:
    """The patterns of ``l1_probe_shuffled``."""
    return [as_pattern(filters, data) for filters in l1_probe_shuffled(data, rank, permuted, seed)]


_WALKED = "the first strength on the path whose probe spans the rank asked for"


def _path(data: Labelled, seed: int) -> ProbePath:
    return l1_paths({data.where: data.x}, data.y, data.groups, seed=seed)[data.where]


def _directions(probe: LinearProbe) -> Tensor:
    weights = probe.weights.double()
    return (weights - weights.mean(dim=0)).T


def _spanned(probe: LinearProbe) -> int:
    values = torch.linalg.svdvals(_directions(probe))
    return int((values > INDEPENDENT * values[0]).sum()) if float(values[0]) > 0 else 0


def _subspace(probe: LinearProbe, data: Labelled, rank: int | None, strength: float, rule: str) -> Subspace:
    kept = _spanned(probe) if rank is None else rank
    said = {"strength": strength, "strength_rule": rule, "support": probe.support}
    weights = Subspace.spanned_by(_directions(probe), data.x.double().mean(dim=0), kept, finder="l1_probe")
    return replace(weights, provenance={**described(data, kept, "l1_probe", "filter"), **said})


def _too_narrow(data: Labelled, rank: int | None, spanned: int) -> BadArgument:
    return BadArgument(
        f"At {data.where} even the weakest strength's sparse probe spans {spanned} direction(s), not the {rank or 1} asked for; "
        "ask for a lower rank or add clips."
    )
