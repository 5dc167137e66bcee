"""The tables of alignment: every pair once, what is read beside what is spanned, and columns that hold one kind of thing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from known_ground import random_basis
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.portability.tables import (
    ANGLE_COLUMNS,
    PORTABILITY_COLUMNS,
    angle_rows,
    angle_table,
    portability_table,
    readings_rows,
    sas_rows,
)
from jepascope.stats import Interval

WIDTH = 20
QUICK = {"resamples": 200}


def subspaces(**bases: Tensor) -> dict[str, Subspace]:
    return {name: Subspace(basis, torch.zeros(WIDTH)) for name, basis in bases.items()}


@pytest.fixture(scope="module")
def clips() -> tuple[Tensor, Tensor]:
    """Fit and test clips of white noise whose last two coordinates are an image of the first two, turned and scaled."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(300, WIDTH, generator=generator)
    x[:, -2:] = x[:, :2] @ torch.tensor([[0.0, 2.0], [-0.5, 0.0]])
    return x[:200], x[200:]


def test_every_two_or_the_pairs_that_were_asked_for() -> None:
    found = subspaces(a=random_basis(WIDTH, 2, 0), b=random_basis(WIDTH, 3, 1), c=random_basis(WIDTH, 2, 2))
    rows = sas_rows(found, "finder", 4)
    assert [(row["a"], row["b"]) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [row["rank"] for row in rows] == [2, 2, 2] and [row["chance"] for row in rows] == [0.15, 0.1, 0.15]
    named = sas_rows(found, "layer", 4, {"a": Interval(0.9, 0, 1, 4), "c": Interval(0.7, 0, 1, 4)}, [("c", "a"), ("b", "a")])
    assert [(row["a"], row["b"]) for row in named] == [("c", "a"), ("b", "a")]
    assert named[0]["ceiling"] == 0.7 and np.isnan(named[1]["ceiling"])  # type: ignore[call-overload]


def test_two_subspaces_at_right_angles_may_read_the_same_numbers(clips: tuple[Tensor, Tensor]) -> None:
    """And one that overlaps may read others: geometry and what is read are two questions."""
    axes = torch.eye(WIDTH)
    found = subspaces(first=axes[:, :2], image=axes[:, -2:], other=axes[:, 4:6])
    reads = {(row["a"], row["b"]): row for row in readings_rows(found, "finder", 1, *clips, **QUICK)}
    spans = {(row["a"], row["b"]): row["value"] for row in sas_rows(found, "finder", 1)}
    assert spans["first", "image"] == 0 and reads["first", "image"]["value"] == pytest.approx(1, abs=1e-6)
    assert reads["first", "image"]["low"] == pytest.approx(1, abs=1e-6) and reads["first", "image"]["n"] == 100
    unrelated = reads["first", "other"]
    assert unrelated["value"] < 0.1 and unrelated["low"] <= unrelated["chance"] <= unrelated["high"] + 0.02  # type: ignore[operator]
    assert {row["metric"] for row in reads.values()} == {"readings"} and {row["edit"] for row in reads.values()} == {""}


def test_the_basis_of_a_subspace_plays_no_part_in_what_it_reads(clips: tuple[Tensor, Tensor]) -> None:
    basis = random_basis(WIDTH, 3, 5)
    turned = basis @ random_basis(3, 3, 6)
    found = subspaces(a=basis, b=random_basis(WIDTH, 3, 7), c=turned)
    reads = {(row["a"], row["b"]): row["value"] for row in readings_rows(found, "finder", 1, *clips, **QUICK)}
    assert reads["a", "c"] == pytest.approx(1, abs=1e-5)
    assert reads["a", "b"] == pytest.approx(reads["b", "c"], abs=1e-5)


def test_one_table_of_all_metrics_has_its_columns_and_a_boolean_for_saturated(clips: tuple[Tensor, Tensor]) -> None:
    found = subspaces(a=random_basis(WIDTH, 2, 0), b=random_basis(WIDTH, 2, 1))
    retained: dict[str, object] = {"metric": "rce", "a": "a", "b": "b", "dose": 1.0, "saturated": True}
    rows = [*sas_rows(found, "finder", 1), *readings_rows(found, "finder", 1, *clips, **QUICK), retained, {**retained, "saturated": False}]
    table = portability_table(rows)
    assert list(table.columns) == PORTABILITY_COLUMNS and table["saturated"].dtype == bool
    assert table["saturated"].tolist() == [False, False, True, False]
    assert portability_table([])["saturated"].dtype == bool and list(portability_table([]).columns) == PORTABILITY_COLUMNS


def test_angles_stand_beside_those_of_random_subspaces_of_the_same_ranks() -> None:
    found = subspaces(a=random_basis(WIDTH, 2, 0), b=random_basis(WIDTH, 3, 1), c=random_basis(WIDTH, 2, 2))
    table = angle_table(angle_rows(found, "layer", 2, [("a", "b"), ("c", "a")]))
    assert list(table.columns) == ANGLE_COLUMNS
    assert table.groupby(["a", "b"], sort=False)["index"].apply(list).to_dict() == {("a", "b"): [0, 1], ("c", "a"): [0, 1]}
    assert ((table["random_low"] < table["random_mean"]) & (table["random_mean"] < table["random_high"])).all()
    assert set(table["across"]) == {"layer"} and table["degrees"].between(0, 90).all()
