"""Degeneracy at the best layer: the decisive test of every two finders, and subspaces peeled off -> degeneracy, verdicts, peeling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations
from math import nan

import pandas as pd

from jepascope.discovery.finder_entry import peeled_by
from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.intervention.context import InterventionContext
from jepascope.portability.degeneracy import pair_test
from jepascope.portability.degeneracy_tables import (
    DEGENERACY_COLUMNS,
    PEELING_COLUMNS,
    VERDICT_COLUMNS,
    pair_rows,
    peeling_rows,
    verdict_row,
)
from jepascope.portability.erasure import Refit, refit_after
from jepascope.portability.exchange import Bases
from jepascope.portability.peeling import Peeling, peel
from jepascope.portability.retained import one_dose
from jepascope.portability.verdict import Beside
from jepascope.stats import Interval
from jepascope.study.captures import Captures
from jepascope.study.given import given_in
from jepascope.study.steps.port import PEEL_ROUNDS

Rows = list[dict[str, object]]


def run_degeneracy(
    captures: Captures, context: InterventionContext, subspaces: Mapping[str, Subspace], portability: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    rows: Rows = []
    verdicts: Rows = []
    layer = context.site.layer
    for a, b in combinations(subspaces, 2):
        tick = captures.progress.start(f"{a} without {b}, and the other way round")
        test = pair_test(context, subspaces[a], subspaces[b], tick)
        rows += pair_rows(test, layer, a, b)
        beside = replace(beside_of(portability, layer, a, b), refit=refitted(captures, layer, (subspaces[a], subspaces[b])))
        verdicts.append(verdict_row(test, beside, layer, a, b))
    finder = peeled_by(captures.variable.rendered)
    curve = peeling_rows(peeled(captures, context, finder), layer, finder)
    return (
        pd.DataFrame(rows, columns=DEGENERACY_COLUMNS),
        pd.DataFrame(verdicts, columns=VERDICT_COLUMNS),
        pd.DataFrame(curve, columns=PEELING_COLUMNS),
    )


def peeled(captures: Captures, context: InterventionContext, finder: str) -> Peeling:
    """The degeneracy curve at the study's full rank."""
    spec = captures.spec
    data = given_in(captures, context.site.layer, finder=finder)

    def find_next(gone: Bases) -> Subspace:
        return find(finder, data.without(gone, context.mean), spec.rank_of(finder), spec.seed)

    return peel(context, find_next, spec.peels, PEEL_ROUNDS, captures.progress.start)


def beside_of(portability: pd.DataFrame, layer: int, a: str, b: str) -> Beside:
    """What the portability table says of a pair of finders."""
    rows = portability[(portability["layer"] == layer) & (portability["across"] == "finder")]
    pair = rows[((rows["a"] == a) & (rows["b"] == b)) | ((rows["a"] == b) & (rows["b"] == a))]
    alignment, readings = (pair[pair["metric"] == metric].iloc[0] for metric in ("sas", "readings"))
    retained = one_dose(pair[pair["metric"] == "rce"])
    both = retained[retained["value"].notna()].sort_values("value", kind="stable")
    kept = None if both.empty else both.iloc[0]
    return Beside(
        float(alignment["value"]),
        float(alignment["chance"]),
        float(alignment["calibrated"]),
        float(alignment["ceiling"]),
        _interval(readings),
        float(readings["chance"]),
        None if kept is None else _interval(kept),
        nan if kept is None else float(kept["dose"]),
        nan if kept is None else float(kept["floor_variance"]),
        bool(retained["saturated"].all()),
    )


def _interval(row: pd.Series) -> Interval:
    return Interval(float(row["value"]), float(row["low"]), float(row["high"]), int(row["n"]))


def refitted(captures: Captures, layer: int, subspaces: tuple[Subspace, ...]) -> Refit:
    """What a fresh probe at the site still reads after either subspace is gone (``refit_after``)."""
    spec = captures.spec
    judge = Labelled(captures.judge.pooled(layer, spec.tokens), captures.labels(captures.judge), groups=captures.scenes(captures.judge))
    test = Labelled(captures.test_pooled(layer, spec.tokens), captures.test_labels)
    return refit_after(subspaces, judge, test, captures.folds, spec.seed)
