"""The parts of an estimate: the camera's motion, the geometric median and the resultant length, against theory and against libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import directional_stats

from jepascope.clips.motion.estimate import (
    Estimate,
    camera_field,
    camera_motion,
    estimate,
    fitted_similarity,
    geometric_median,
    resultant_length,
)

down, right = np.mgrid[-126:127:12, -190:191:12].astype(np.float64)
PLACES = np.stack([right.ravel(), down.ravel()], axis=1)

cameras = st.tuples(st.floats(-12, 12), st.floats(-12, 12), st.floats(-0.03, 0.03), st.floats(-0.03, 0.03)).map(np.array)


@given(cameras)
def test_of_a_camera_s_field_its_motion_is_found(camera: np.ndarray) -> None:
    found = camera_motion(PLACES, camera_field(camera, PLACES))
    np.testing.assert_allclose(found, camera, atol=1e-9)


@settings(max_examples=40)
@given(cameras, st.floats(0, 2 * np.pi), st.floats(2, 10), st.integers(0, 2**31))
def test_a_third_of_the_frame_that_moves_by_itself_moves_the_camera_by_less_than_the_noise(
    camera: np.ndarray, angle: float, speed: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    vectors = camera_field(camera, PLACES) + rng.normal(0, 0.1, PLACES.shape)
    own = PLACES[:, 0] < np.quantile(PLACES[:, 0], 1 / 3)  # all on one side, where it could pass for zoom or roll
    vectors[own] += speed * np.array([np.cos(angle), np.sin(angle)])
    found = camera_field(camera_motion(PLACES, vectors), PLACES) - camera_field(camera, PLACES)
    assert np.hypot(*found[~own].T).max() < 0.1


def test_a_similarity_fitted_to_vectors_is_the_least_squares_solution() -> None:
    rng = np.random.default_rng(0)
    vectors, weights = rng.normal(size=PLACES.shape), rng.uniform(0, 1, len(PLACES))
    x, y = PLACES.T
    one, none = np.ones_like(x), np.zeros_like(x)
    design = np.concatenate([np.stack([one, none, x, y], axis=1), np.stack([none, one, y, -x], axis=1)])
    root = np.sqrt(np.tile(weights, 2))
    theirs = np.linalg.lstsq(design * root[:, None], vectors.T.ravel() * root, rcond=None)[0]
    np.testing.assert_allclose(fitted_similarity(PLACES, vectors, weights), theirs, rtol=1e-9)


def test_the_geometric_median_has_the_least_summed_distance() -> None:
    rng = np.random.default_rng(1)
    vectors = np.concatenate([rng.normal([3, 1], 0.5, (60, 2)), rng.normal([-4, 0], 2, (25, 2))])
    theirs = minimize(lambda point: np.hypot(*(vectors - point).T).sum(), vectors.mean(axis=0), method="Nelder-Mead", tol=1e-8).x
    np.testing.assert_allclose(geometric_median(vectors), theirs, atol=1e-3)


def test_the_geometric_median_stays_where_most_vectors_lie() -> None:
    vectors = np.array([[2.0, -1.0]] * 6 + [[50.0, 80.0]] * 5)
    np.testing.assert_allclose(geometric_median(vectors), [2, -1], atol=1e-3)


def test_the_resultant_length_is_scipy_s() -> None:
    vectors = np.random.default_rng(2).normal([1, 0.5], 1, (200, 2))
    assert resultant_length(vectors) == pytest.approx(directional_stats(vectors).mean_resultant_length)


def test_of_two_opposite_motions_the_resultant_tells_the_shares() -> None:
    for share in (0.9, 0.75):  # as the thresholds are explained
        count = round(100 * share)
        vectors = np.array([[3.0, 0.0]] * count + [[-1.0, 0.0]] * (100 - count))
        assert resultant_length(vectors) == pytest.approx(2 * share - 1)


def test_an_estimate_of_nothing_is_zero_and_of_something_is_told_on_the_screen() -> None:
    still = np.zeros((10, 2))
    assert estimate([]) == estimate([still]) == Estimate(0.0, 0.0, 0.0, 0.0, 0.0)
    up = still.copy()
    up[:3] = [0.0, -2.0]
    found = estimate([up, still])
    assert (found.angle, found.speed, found.coherence, found.steadiness, found.fraction) == (90.0, 2.0, 1.0, 1.0, 3 / 20)
