"""Degeneracy on planted networks: the curve of peeled subspaces and tests of pairs, judged by what the study's verdicts are given on."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd
from torch import Tensor

from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.context import InterventionContext
from jepascope.planted.bench import PlantedBench, labels, scene_ids
from jepascope.portability.alignment import calibrated, calibrated_sas, sas, sas_chance
from jepascope.portability.cca import canonical_readings
from jepascope.portability.degeneracy import PairTest, pair_test
from jepascope.portability.degeneracy_tables import (
    DEGENERACY_COLUMNS,
    PEELING_COLUMNS,
    VERDICT_COLUMNS,
    pair_rows,
    peeling_rows,
    verdict_row,
)
from jepascope.portability.erasure import refit_after
from jepascope.portability.exchange import Bases
from jepascope.portability.peeling import ROUNDS, Peeling, peel
from jepascope.portability.verdict import Beside
from jepascope.stats import Interval
from jepascope.study.steps.port import EXCHANGE_DRAWS

FINDER = "das"
PEELS = 4  # stages at most
PATTERN_AND_FILTER = ("diff_means", "lda")  # what the class moves, and how it is best read

Rows = list[dict[str, object]]


COLUMNS = {"degeneracy": DEGENERACY_COLUMNS, "verdicts": VERDICT_COLUMNS, "peeling": [*PEELING_COLUMNS, "nearest", "nearest_sas"]}
"""Tables as the study's, with a column ``network`` before them. ``peeling`` says as well which known subspace of its own rank (``nearest``,
``nearest_sas``: calibrated) each stage lies nearest to; verdicts are not given on it."""


def planted_degeneracy(
    bench: PlantedBench[Any], peels: int = PEELS, seed: int = 0, resamples: int = 500, rounds: int = ROUNDS
) -> dict[str, pd.DataFrame]:
    """The degeneracy curve at the rank of one copy, then pairs: the carriers that were peeled off, the two subspaces whose verdict is known
    (``Answer.pair``), and a pattern with a filter. Empty tables where ``peels`` is 0. ``rounds``: as of ``peel``."""
    rows: dict[str, Rows] = {name: [] for name in COLUMNS}
    if peels:
        context = exchanges(bench, seed, resamples)
        peeling = peeled(bench, context, peels, rounds)
        rows["peeling"] = _beside_known(bench, peeling, peeling_rows(peeling, bench.answer.layer, FINDER))
        for subspaces in (_carriers(peeling), planted_pair(bench), _found(bench, seed)):
            for a, b in combinations(subspaces, 2):
                test, beside = measured_pair(bench, context, subspaces[a], subspaces[b])
                rows["degeneracy"] += pair_rows(test, bench.answer.layer, a, b)
                rows["verdicts"].append(verdict_row(test, beside, bench.answer.layer, a, b))
    name = bench.answer.name
    return {
        table: pd.DataFrame([{"network": name, **row} for row in rows[table]], columns=["network", *columns])
        for table, columns in COLUMNS.items()
    }


def exchanges(bench: PlantedBench[Any], seed: int = 0, resamples: int = 500) -> InterventionContext:
    """What exchanges on a network are run with."""
    return InterventionContext(
        bench.encoder,
        bench.site,
        bench.scenes,
        [bench.judge],
        bench.covariance,
        bench.mean,
        draws=EXCHANGE_DRAWS,
        seed=seed,
        resamples=resamples,
    )


def peeled(bench: PlantedBench[Any], context: InterventionContext, peels: int = PEELS, rounds: int = ROUNDS) -> Peeling:
    """The degeneracy curve."""

    def find_next(gone: Bases) -> Subspace:
        return find(FINDER, bench.data.without(gone, bench.mean), bench.answer.copy_rank, context.seed)

    return peel(context, find_next, peels, rounds)


def planted_pair(bench: PlantedBench[Any]) -> dict[str, Subspace]:
    """The two known subspaces that the network's answer is about."""
    return {name: Subspace(bench.known[name], bench.mean, {"finder": name}) for name in bench.answer.pair}


def measured_pair(bench: PlantedBench[Any], context: InterventionContext, a: Subspace, b: Subspace) -> tuple[PairTest, Beside]:
    """All that the verdict on a pair is given on."""
    return pair_test(context, a, b), _beside(bench, a, b, context.seed, context.resamples)


def _beside_known(bench: PlantedBench[Any], peeling: Peeling, rows: Rows) -> Rows:
    """``nearest`` and ``nearest_sas`` in the rows of the stages themselves."""
    near = {number: _nearest(stage.subspace, bench.known) for number, stage in enumerate(peeling.stages, start=1)}
    out = []
    for row in rows:
        name, value = near[int(str(row["stage"]))]
        out.append({**row, "nearest": name, "nearest_sas": value} if row["control"] == "subspace" else row)
    return out


def _nearest(subspace: Subspace, known: Mapping[str, Tensor]) -> tuple[str, float]:
    values = {name: calibrated_sas(subspace.basis, basis) for name, basis in known.items() if basis.shape[1] == subspace.rank}
    name = max(values, key=values.__getitem__)
    return name, values[name]


def _carriers(peeling: Peeling) -> dict[str, Subspace]:
    return {f"{FINDER} stage {number}": stage.subspace for number, stage in enumerate(peeling.carriers, start=1)}


def _beside(bench: PlantedBench[Any], a: Subspace, b: Subspace, seed: int, resamples: int) -> Beside:
    """What of a pair is known without running the network: how they lie, what they read, what is left when one is erased."""
    test = Labelled(bench.test.pooled(bench.answer.layer), bench.scenes.label)
    fit_a, fit_b, test_a, test_b = (x @ side.basis for x in (bench.data.x, test.x) for side in (a, b))
    similarity = canonical_readings(fit_a, fit_b, test_a, test_b, seed=seed, resamples=resamples).similarity
    value, chance = sas(a.basis, b.basis), sas_chance(a.width, a.rank, b.rank)
    judge = Labelled(bench.judged.pooled(bench.answer.layer), labels(bench.judged), groups=scene_ids(bench.judged))
    return Beside(
        sas=value,
        sas_chance=chance,
        calibrated=calibrated(value, chance),
        readings=Interval(similarity.value, similarity.low, similarity.high, similarity.n),
        readings_chance=similarity.chance,
        refit=refit_after((a, b), judge, test, seed=seed),
    )


def _found(bench: PlantedBench[Any], seed: int) -> dict[str, Subspace]:
    """A pattern and a filter at the rank of one copy; without those that refuse (say, where class means vanish)."""
    subspaces = {}
    for name in PATTERN_AND_FILTER:
        try:
            subspaces[name] = find(name, bench.data, bench.answer.copy_rank, seed)
        except (BadArgument, BadData):
            continue
    return subspaces
