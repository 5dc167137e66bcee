"""Intervals of known effects hold them about as often as they say, and nothing is seldom called an effect (benchmarks/coverage.py).

Bounds: a count with the right rate lies inside with a probability above 0.999, so that a failure is news about the intervals.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom

from jepascope.encoders.planted.expected import expected_effect
from jepascope.intervention.controls import complement, haar

SOURCE = Path(__file__).parents[1] / "benchmarks" / "coverage.py"

PLANTED, STUDIES = 60, 200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long("hundreds of studies are simulated"),
    pytest.mark.skipif(not SOURCE.exists(), reason="benchmarks are not part of this copy of the sources"),
]


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_benchmark", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look up their annotations
    spec.loader.exec_module(module)
    return module


def fewest(n: int, rate: float) -> int:
    """A count with this rate or a higher one lies below in fewer than 1 of 2,000 cases."""
    return int(binom.ppf(0.0005, n, rate))


def most(n: int, rate: float) -> int:
    """A count with this rate or a lower one lies above in fewer than 1 of 2,000 cases."""
    return int(binom.ppf(0.9995, n, rate))


@pytest.fixture(scope="module")
def studies(bench: ModuleType) -> list[object]:
    return list(bench.planted_studies(range(PLANTED)))


def test_intervals_of_known_effects_cover_at_least_as_often_as_the_least_that_is_asked_for(
    bench: ModuleType, studies: list[object]
) -> None:
    tally = pd.DataFrame([row for study in studies for row in bench.covered_rows(study)])
    for where, row in bench.coverage(tally, ["scenes", "edit", "target", "quantity"]).iterrows():
        assert row["n"] == PLANTED
        assert row["n"] - row["below"] - row["above"] >= fewest(PLANTED, 0.92), where


def test_nothing_is_called_an_effect_in_at_most_five_percent_of_studies(bench: ModuleType, studies: list[object]) -> None:
    tally = pd.DataFrame([row for study in studies for row in bench.nothing_rows(study)])
    for edit, group in tally.groupby("edit"):
        for name in tally.columns.drop("edit"):
            if "any excess" in name:  # one interval a finder, not corrected for their number
                continue
            assert group[name].sum() <= most(PLANTED, 0.05), (edit, name)
        assert not group[[name for name in tally.columns if name.startswith("inert")]].to_numpy().any()


@pytest.mark.parametrize("shape", [2.0, 7.0])
def test_intervals_cover_in_92_to_98_percent_of_synthetic_studies(bench: ModuleType, shape: float) -> None:
    tally = bench.tally_synthetic(STUDIES, seed=1, shape=shape)
    for quantity in bench.QUANTITIES:
        rows = tally[tally["quantity"] == quantity]
        held = STUDIES - int(rows[["below", "above"]].to_numpy().sum())
        assert fewest(STUDIES, 0.92) <= held <= most(STUDIES, 0.98), quantity
    posing = tally[tally["quantity"] == "nothing"]
    assert posing["below"].sum() <= most(STUDIES, 0.05) and posing["above"].sum() <= most(STUDIES, 0.05)


@pytest.mark.parametrize("correlation", [0.6, 0.98])
def test_intervals_of_means_adjusted_by_first_order_effects_cover_as_well_and_are_narrower(bench: ModuleType, correlation: float) -> None:
    tally = bench.tally_surrogate(STUDIES, correlation, seed=1)
    for quantity in bench.QUANTITIES:
        rows = tally[tally["quantity"] == quantity]
        held = STUDIES - int(rows[["below", "above"]].to_numpy().sum())
        assert fewest(STUDIES, 0.92) <= held <= most(STUDIES, 0.98), quantity
    assert tally["width"].median() < (0.4 if correlation > 0.9 else 0.95)


def test_the_true_values_are_what_many_draws_of_the_equations_give(bench: ModuleType) -> None:
    rng = np.random.default_rng(0)
    encoder = bench.planted_encoder("clean", 0)
    basis, mean = bench.partly_causal(encoder, rng), torch.zeros(encoder.card.width)
    rest = complement(basis)
    for edit in bench.EDITS:
        effect = expected_effect(encoder, edit, basis, mean)
        assert 0.29 < effect < 0.71
        drawn = [expected_effect(encoder, edit, one.float(), mean) for one in haar(rest, 2, 2000, rng)]
        by_formula = 2 / rest.shape[1] * expected_effect(encoder, edit, rest, mean)
        assert np.mean(drawn) == pytest.approx(by_formula, abs=4 * np.std(drawn) / 2000**0.5)
        assert by_formula == pytest.approx(2 / 62 * (1 - effect), rel=1e-4)


def test_a_judge_that_treats_classes_alike_reads_the_analytic_value(bench: ModuleType) -> None:
    class Even:
        def __init__(self, frame: object) -> None:
            self.plane = frame.planes["R"]  # type: ignore[attr-defined]

        def logits(self, x: torch.Tensor) -> torch.Tensor:
            angle = torch.arange(8, dtype=torch.float64) * (torch.pi / 4)
            return x.double() @ self.plane @ torch.stack([torch.cos(angle), torch.sin(angle)])

    encoder = bench.planted_encoder("clean", 1)
    basis = bench.partly_causal(encoder, np.random.default_rng(1))
    mean = torch.randn(encoder.card.width, generator=torch.Generator().manual_seed(0))
    judge = bench.ProbeJudge(Even(encoder.frame))
    for edit in bench.EDITS:
        assert bench.expected_for_judge(encoder, judge, edit, basis, mean) == pytest.approx(expected_effect(encoder, edit, basis, mean))
