"""Theorems of the principal angles of random subspaces: closed forms where there are any, simulation where there are none."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.interpolate
import scipy.stats
import torch

from jepascope.errors import BadArgument
from jepascope.portability import alignment as module
from jepascope.portability.alignment import DECIMALS, principal_angles, random_angles, sas_chance, sas_chance_sd, simulated_angles
from jepascope.portability.angle_law import AngleLaw, angle_law


def expected_sum(law: AngleLaw, moment: int) -> float:
    """E sum cos^(2 moment) from the distribution functions: by parts, on the polynomial through all edges."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    low, high = law.edges[[0, -1]]
    theta, weights = low + (high - low) * (nodes + 1) / 2, weights * (high - low) / 2
    below = scipy.interpolate.BarycentricInterpolator(law.edges, law.below.T)(theta)
    slope = 2 * moment * np.cos(theta) ** (2 * moment - 1) * np.sin(theta)
    return float((below.T @ (weights * slope)).sum() + len(law.below) * np.cos(high) ** (2 * moment))


@pytest.mark.parametrize(("width", "k"), [(2, 1), (20, 1), (100, 5), (1664, 300), (1664, 1663)])
def test_a_line_makes_the_angle_of_a_beta_law(width: int, k: int) -> None:
    """Squared cosine of a line and a subspace of rank k: Beta(k / 2, (d - k) / 2); in the plane the angle is uniform."""
    law = angle_law(width, k, 1)
    beta = scipy.stats.beta(k / 2, (width - k) / 2)
    np.testing.assert_allclose(law.below[0], beta.sf(np.cos(law.edges) ** 2), atol=1e-12)
    reference = random_angles(width, 1, k)
    for level, end in ((0.975, reference.low), (0.025, reference.high)):
        assert end[0] == pytest.approx(np.degrees(np.arccos(np.sqrt(beta.ppf(level)))), abs=10**-DECIMALS)


@pytest.mark.parametrize(("k", "m"), [(3, 3), (6, 6), (2, 6), (9, 5), (32, 32)])
def test_the_smallest_angle_has_its_closed_form_where_one_dimension_is_left_over(k: int, m: int) -> None:
    """With d = k_U + k_V + 1 the weight is a power of x alone, and P(all angles > t) = cos(t)^(k_U k_V), by scaling."""
    law = angle_law(k + m + 1, k, m)
    np.testing.assert_allclose(1 - law.below[0], np.cos(law.edges) ** (k * m), atol=1e-10)


@pytest.mark.parametrize(("width", "k"), [(20, 3), (100, 8), (384, 7), (1664, 32)])
def test_the_largest_angle_has_its_closed_form_where_ranks_differ_by_one(width: int, k: int) -> None:
    """With |k_V - k_U| = 1 the weight is a power of 1 - x alone, and P(all angles < t) = sin(t)^(k (d - k - 1)); Absil et al. 2006."""
    law = angle_law(width, k, k + 1)
    np.testing.assert_allclose(law.below[-1], np.sin(law.edges) ** (k * (width - k - 1)), atol=1e-10)


@pytest.mark.parametrize(
    ("width", "k", "m"), [(4, 2, 2), (96, 7, 7), (384, 5, 12), (1024, 20, 20), (1664, 31, 32), (1664, 2, 300), (64, 32, 32)]
)
def test_squared_cosines_add_up_to_the_mean_sas(width: int, k: int, m: int) -> None:
    assert expected_sum(angle_law(width, k, m), 1) == pytest.approx(min(k, m) * sas_chance(width, k, m), rel=1e-9)


def test_the_spread_of_a_lines_squared_cosine_is_that_of_sas() -> None:
    width, m = 30, 4
    second = expected_sum(angle_law(width, 1, m), 2)
    assert second - sas_chance(width, 1, m) ** 2 == pytest.approx(sas_chance_sd(width, 1, m) ** 2, rel=1e-9)


@pytest.mark.parametrize(("width", "k", "m"), [(20, 3, 3), (20, 2, 5), (12, 6, 6), (60, 8, 9), (384, 7, 7)])
def test_the_law_is_that_of_simulated_pairs(width: int, k: int, m: int) -> None:
    draws = 3000
    cosines = np.linalg.svd(np.linalg.qr(np.random.default_rng(0).standard_normal((draws, width, m)))[0][:, :k], compute_uv=False)
    drawn = np.arccos(np.clip(cosines, 0, 1))
    law = angle_law(width, k, m)
    assert (np.abs(law.mean() - drawn.mean(axis=0)) < 4 * drawn.std(axis=0) / draws**0.5).all()
    for i, below in enumerate(law.below):
        # each angle's whole distribution; 4 angles in 10,000 would fail by chance
        assert scipy.stats.kstest(drawn[:, i], scipy.interpolate.BarycentricInterpolator(law.edges, below)).pvalue > 1e-4


@pytest.mark.parametrize(("width", "k", "m"), [(20, 3, 3), (60, 8, 9), (1664, 7, 7)])
def test_ninety_five_of_a_hundred_lie_in_the_range(width: int, k: int, m: int) -> None:
    law = angle_law(width, k, m)
    reference = random_angles(width, k, m)
    curves = scipy.interpolate.BarycentricInterpolator(law.edges, law.below.T)
    for end, level in ((reference.low, 0.025), (reference.high, 0.975)):
        np.testing.assert_allclose(curves(np.radians(end)).diagonal(), level, atol=1e-7)  # angles are kept to six decimals
    assert (reference.low < reference.mean).all() and (reference.mean < reference.high).all() and reference.draws == 0


def test_the_order_of_the_two_and_their_complements_do_not_matter() -> None:
    np.testing.assert_array_equal(random_angles(30, 4, 7).mean, random_angles(30, 7, 4).mean)
    # angles between U and V beyond those that are 0 are those between their complements
    np.testing.assert_array_equal(random_angles(30, 26, 23).mean, [*np.zeros(19), *random_angles(30, 4, 7).mean])
    np.testing.assert_array_equal(random_angles(10, 10, 3).high, np.zeros(3))


def test_subspaces_that_must_meet_have_the_angles_of_simulated_ones() -> None:
    generator = torch.Generator().manual_seed(0)
    u, v = (torch.linalg.qr(torch.randn(400, 9, rank, generator=generator, dtype=torch.float64)).Q for rank in (7, 5))
    drawn = np.array([principal_angles(*pair) for pair in zip(u, v, strict=True)])
    reference = random_angles(9, 7, 5)
    assert drawn[:, :3].max() < 1e-4 and (reference.high[:3] == 0).all()
    assert (np.abs(reference.mean - drawn.mean(axis=0))[3:] < 4 * drawn.std(axis=0)[3:] / 20).all()


def test_the_law_is_a_law_everywhere() -> None:
    """Distribution functions rise from 0 to 1, and those of larger angles lie below."""
    for width, k, m in itertools.product((33, 200, 1024), (1, 2, 5, 16), (1, 3, 16)):
        below = angle_law(width, k, m).below
        assert below[:, 0].max() < 1e-12 and below[:, -1].min() > 1 - 1e-12
        assert np.diff(below, axis=1).min() > -1e-12 and (len(below) == 1 or np.diff(below, axis=0).max() < 1e-12)


def test_more_angles_than_the_law_is_meant_for_are_simulated_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = random_angles(40, 5, 9)
    monkeypatch.setattr(module, "MOST_EXACT", 4)
    random_angles.cache_clear()
    simulated = random_angles(40, 5, 9)
    random_angles.cache_clear()
    assert exact.draws == 0 and simulated.draws == module.DRAWS
    np.testing.assert_allclose(simulated.mean, exact.mean, atol=1)
    assert simulated_angles(40, 5, 9, 3, seed=1).shape == (3, 5)


def test_ranks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(BadArgument, match="do not fit"):
        random_angles(4, 5, 2)
