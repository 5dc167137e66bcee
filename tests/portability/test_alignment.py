"""Theorems of subspace alignment."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.portability.alignment import calibrated, principal_angles, sas, sas_chance, sas_chance_sd, split_half_ceiling
from jepascope.portability.tables import ANGLE_COLUMNS, PORTABILITY_COLUMNS, angle_rows, angle_table, portability_table, sas_rows
from jepascope.stats import Interval

WIDTH = 20
seeds, ranks = st.integers(0, 10_000), st.integers(1, 8)
theorem = settings(max_examples=25)


def basis(seed: int, rank: int, width: int = WIDTH) -> Tensor:
    return torch.linalg.qr(torch.randn(width, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q


@theorem
@given(seeds, ranks, ranks)
def test_sas_depends_on_the_spans_alone_and_is_symmetric(seed: int, k: int, m: int) -> None:
    u, v = basis(seed, k), basis(seed + 1, m)
    value = sas(u, v)
    assert 0 <= value <= 1 + 1e-12
    assert sas(u @ basis(seed + 2, k, k), v @ basis(seed + 3, m, m)) == pytest.approx(value)
    assert sas(v, u) == pytest.approx(value)


@theorem
@given(seeds, ranks, ranks)
def test_sas_is_one_where_the_smaller_lies_in_the_larger_and_zero_where_they_are_orthogonal(seed: int, k: int, m: int) -> None:
    q = basis(seed, WIDTH)
    assert sas(q[:, :k], q[:, :k]) == pytest.approx(1)
    assert sas(q[:, : min(k, m)], q[:, : max(k, m)]) == pytest.approx(1)
    assert sas(q[:, :k], q[:, 8 : 8 + m]) == pytest.approx(0, abs=1e-12)


@theorem
@given(seeds, ranks, ranks)
def test_sas_is_the_mean_squared_cosine_of_the_principal_angles(seed: int, k: int, m: int) -> None:
    u, v = basis(seed, k), basis(seed + 1, m)
    angles = principal_angles(u, v)
    assert len(angles) == min(k, m) and (np.diff(angles) >= 0).all()
    assert np.mean(np.cos(np.radians(angles)) ** 2) == pytest.approx(sas(u, v))


@pytest.mark.parametrize(("k", "m"), [(1, 1), (3, 3), (2, 7)])
def test_random_pairs_have_the_analytic_mean(k: int, m: int) -> None:
    values = np.array([sas(basis(2 * i, k), basis(2 * i + 1, m)) for i in range(1500)])
    assert abs(values.mean() - sas_chance(WIDTH, k, m)) < 4 * values.std() / len(values) ** 0.5
    assert sas_chance(WIDTH, k, k) == k / WIDTH


@pytest.mark.parametrize(("k", "m"), [(1, 1), (3, 3), (2, 7), (15, 18)])
def test_random_pairs_have_the_analytic_spread(k: int, m: int) -> None:
    draws = 3000
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((draws, WIDTH, m)))[0][:, :k]
    values = np.square(q).sum(axis=(1, 2)) / min(k, m)
    centred = np.square(values - sas_chance(WIDTH, k, m))
    assert abs(centred.mean() - sas_chance_sd(WIDTH, k, m) ** 2) < 4 * centred.std() / draws**0.5


def test_the_spread_of_one_line_is_that_of_its_beta_law_and_a_whole_space_has_none() -> None:
    assert sas_chance_sd(WIDTH, 1, 6) == pytest.approx(scipy.stats.beta(6 / 2, (WIDTH - 6) / 2).std())
    assert sas_chance_sd(WIDTH, WIDTH, 3) == 0
    with pytest.raises(BadArgument, match="do not fit"):
        sas_chance_sd(4, 5, 2)


def test_calibration_puts_chance_at_zero_and_identity_at_one() -> None:
    chance = sas_chance(WIDTH, 3, 3)
    assert calibrated(chance, chance) == 0 and calibrated(1.0, chance) == 1
    with pytest.raises(BadArgument, match="always aligned"):
        calibrated(1.0, sas_chance(4, 4, 2))


def first_differences(x: Tensor, y: Tensor) -> Subspace:
    means = torch.stack([x[y == c].mean(dim=0) for c in range(int(y.max()) + 1)])
    return Subspace.spanned_by((means[1:] - means[0]).T, x.mean(dim=0))


@pytest.mark.parametrize(("noise", "low", "high"), [(0.01, 0.999, 1.0), (30.0, 0.0, 0.45)])
def test_the_ceiling_is_one_without_noise_and_chance_with_nothing_else(noise: float, low: float, high: float) -> None:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(90) % 3
    x = torch.randn(3, WIDTH, generator=generator)[y] + noise * torch.randn(90, WIDTH, generator=generator)

    def find(half: Tensor) -> Subspace:
        return first_differences(x[half], y[half])

    ceiling = split_half_ceiling(find, y, splits=10, seed=0)
    assert low <= ceiling.value <= high and ceiling.low <= ceiling.value <= ceiling.high and ceiling.n == 10
    assert ceiling == split_half_ceiling(find, y, splits=10, seed=0)


def test_halves_are_disjoint_and_hold_every_class() -> None:
    y = torch.tensor([0, 1, 2] * 4)
    given: list[set[int]] = []

    def find(half: Tensor) -> Subspace:
        given.append(set(torch.nonzero(half).flatten().tolist()))
        assert sorted(y[half].tolist()) == [0, 0, 1, 1, 2, 2]
        return Subspace(torch.eye(4)[:, :1], torch.zeros(4))

    split_half_ceiling(find, y, splits=2, seed=0)
    assert not given[0] & given[1] and given[0] | given[1] == set(range(12))
    with pytest.raises(BadData, match="single clip cannot be halved"):
        split_half_ceiling(find, torch.tensor([0] * 11 + [1]), 1, 0)
    with pytest.raises(BadArgument, match="at least one split"):
        split_half_ceiling(find, y, 0, 0)


def test_tables_hold_every_pair_once_with_chance_ceiling_and_random_angles() -> None:
    spaces = {name: Subspace(basis(i, 3).float(), torch.zeros(WIDTH)) for i, name in enumerate("abc")}
    ceilings = {name: Interval(0.9 - 0.1 * i, 0.8, 1.0, 5) for i, name in enumerate("ab")}
    table = portability_table(sas_rows(spaces, "finder", 4, ceilings))
    assert list(table.columns) == PORTABILITY_COLUMNS
    assert list(zip(table["a"], table["b"], strict=True)) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert (table["chance"] == 3 / WIDTH).all()
    assert table["ceiling"].iloc[0] == 0.8 and table["ceiling"].iloc[1:].isna().all()
    angles = angle_table(angle_rows(spaces, "finder", 4))
    assert list(angles.columns) == ANGLE_COLUMNS and len(angles) == 9
    assert (angles["random_low"] < angles["random_high"]).all()


def test_subspaces_of_other_widths_are_refused() -> None:
    for compare in (sas, principal_angles):
        with pytest.raises(BadArgument, match="widths 20 and 12"):
            compare(basis(0, 2), basis(0, 2, 12))
