"""The batched elastic net agrees with scikit-learn, certifies its gap, and solves each problem as if it were alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_classes import planted
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from jepascope.discovery.probes.readouts import standardise
from jepascope.discovery.solver.elastic_net import INTERCEPT_L2, Penalty, gradient, logits, magnitude, prepare, strongest_l1
from jepascope.discovery.solver.solve import Fits, solve, solve_path
from jepascope.errors import BadArgument, BadData

EXACT = torch.float64


def objective(x: Tensor, y: Tensor, weights: Tensor, bias: Tensor, l1: float, l2: float) -> float:
    """F without the intercept's penalty, which scikit-learn does not have."""
    loss = torch.nn.functional.cross_entropy(x.double() @ weights.double().T + bias.double(), y)
    return float(loss + l1 * weights.double().abs().sum() + 0.5 * l2 * weights.double().square().sum())


def alone(x: Tensor, y: Tensor, l1: float, l2: float, tolerance: float, principal: bool = False, penalty: Penalty = "l1") -> Fits:
    batch = prepare(x[None], y[None, None], torch.ones(1, 1, len(y)), int(y.max()) + 1, principal, EXACT)
    return solve(batch, l1, l2, tolerance=tolerance, max_iterations=100_000, penalty=penalty)


@pytest.mark.parametrize("principal", [False, True])
@pytest.mark.parametrize("l2", [0.3, 0.01])
def test_l2_objective_is_that_of_scikit_learn(l2: float, principal: bool) -> None:
    x, y = planted(seed=1)
    x = standardise(x[0])[0]
    oracle = LogisticRegression(C=1 / (l2 * len(y)), tol=1e-10, max_iter=10_000).fit(x.double().numpy(), y.numpy())
    theirs = objective(x, y, torch.as_tensor(oracle.coef_), torch.as_tensor(oracle.intercept_), 0, l2)
    fits = alone(x, y, 0.0, l2, 1e-9, principal)
    assert objective(x, y, fits.weights[0, 0], fits.bias[0, 0], 0, l2) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize("share", [0.5, 0.2])
def test_l1_objective_and_support_are_those_of_scikit_learn(share: float) -> None:
    x, y = planted(seed=2)
    x = standardise(x[0])[0]
    batch = prepare(x[None], y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    l1 = float(strongest_l1(batch)) * share
    options = {"solver": "saga", "l1_ratio": 1.0, "tol": 1e-9, "max_iter": 50_000, "random_state": 0}
    oracle = LogisticRegression(C=1 / (l1 * len(y)), **options).fit(x.double().numpy(), y.numpy())
    fits = alone(x, y, l1, 0.0, 1e-9)
    theirs = objective(x, y, torch.as_tensor(oracle.coef_), torch.as_tensor(oracle.intercept_), l1, 0)
    assert objective(x, y, fits.weights[0, 0], fits.bias[0, 0], l1, 0) == pytest.approx(theirs, rel=1e-6)
    np.testing.assert_array_equal(fits.weights[0, 0].numpy() != 0, np.abs(oracle.coef_) > 1e-6)


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_whole_objective_is_within_a_millionth_of_a_tightly_solved_reference(share: float) -> None:
    """saga has no ridge on the intercept; of all its equivalent intercepts the centred one has the smallest."""
    x, y = planted(seed=12, clips=48, width=8)
    x = standardise(x[0])[0]
    l1 = float(strongest_l1(prepare(x[None], y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT))) * share
    oracle = LogisticRegression(C=1 / (l1 * len(y)), solver="saga", l1_ratio=1.0, tol=1e-11, max_iter=200_000, random_state=0)
    oracle.fit(x.double().numpy(), y.numpy())
    intercept = torch.as_tensor(oracle.intercept_)
    ridge = 0.5 * INTERCEPT_L2 * float((intercept - intercept.mean()).square().sum())
    theirs = objective(x, y, torch.as_tensor(oracle.coef_), intercept, l1, 0) + ridge
    fits = alone(x, y, l1, 0.0, 1e-7)
    mine = objective(x, y, fits.weights[0, 0], fits.bias[0, 0], l1, 0) + 0.5 * INTERCEPT_L2 * float(fits.state[0, 0, :, -1].square().sum())
    assert mine == pytest.approx(theirs, rel=1e-6)
    assert float(fits.gap) * math.log(4) < 1e-6 * theirs


def charged(weights: Tensor, penalty: Penalty) -> float:
    return float(magnitude(weights.double(), penalty).sum())


@pytest.mark.parametrize("penalty", [pytest.param("l1", marks=pytest.mark.slow), "row"])
@settings(max_examples=12)
@given(
    seed=st.integers(0, 999),
    strengths=st.sampled_from([(0.0, 0.003), (0.0, 0.1), (0.01, 0.0), (0.05, 0.0), (0.01, 0.003), (0.05, 0.1)]),
    after=st.sampled_from([0, 10, 40]),
)
def test_the_gap_is_never_less_than_what_is_left_to_gain(penalty: Penalty, seed: int, strengths: tuple[float, float], after: int) -> None:
    l1, l2 = strengths
    x, y = planted(seed, clips=32, width=6)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    best = solve(batch, l1, l2, tolerance=1e-7, max_iterations=20_000, penalty=penalty)
    early = solve(batch, l1, l2, tolerance=0.0, max_iterations=after, penalty=penalty)

    def value(fits: Fits) -> float:
        intercept = 0.5 * INTERCEPT_L2 * float(fits.state[..., -1].square().sum())
        return objective(x[0], y, fits.weights[0, 0], fits.bias[0, 0], 0, l2) + l1 * charged(fits.weights[0, 0], penalty) + intercept

    left = (value(early) - value(best)) / math.log(4)
    assert float(best.gap) <= 1e-7
    assert float(early.gap) >= left - 1e-9


def test_a_row_is_in_for_all_classes_or_for_none() -> None:
    x, y = planted(seed=13)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    used = solve(batch, float(strongest_l1(batch, "row")) * 0.4, tolerance=1e-8, penalty="row").weights[0, 0] != 0
    assert torch.equal(used.any(dim=0), used.all(dim=0))
    assert 0 < int(used.any(dim=0).sum()) < x.shape[2]


def test_two_classes_make_group_l1_the_l1_of_another_strength() -> None:
    """Both logits then carry w and -w: |w| twice, or a row of length sqrt(2) |w|."""
    x, y = planted(seed=14, classes=2)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 2, dtype=EXACT)
    by_entry = solve(batch, 0.05, tolerance=1e-10, max_iterations=50_000).weights
    by_row = solve(batch, 0.05 * math.sqrt(2), tolerance=1e-10, max_iterations=50_000, penalty="row").weights
    torch.testing.assert_close(by_row[0, 0, 0] - by_row[0, 0, 1], by_entry[0, 0, 0] - by_entry[0, 0, 1], rtol=0, atol=1e-4)


@pytest.mark.parametrize("penalty", ["l1", "row"])
def test_what_the_working_set_leaves_out_keeps_its_bound_on_all_coordinates(penalty: Penalty) -> None:
    x, y = planted(seed=15, clips=40, width=120, layers=2)
    weights = (torch.arange(40) % 5 != torch.arange(5)[:, None]).double()
    batch = prepare(x, y[None, None], weights[None], 4, dtype=EXACT)
    strongest = strongest_l1(batch, penalty)
    for share, fits in zip(
        (0.9, 0.7, 0.5), solve_path(batch, [(strongest * s, 0.0) for s in (0.9, 0.7, 0.5)], 1e-7, penalty=penalty), strict=True
    ):
        q = logits(batch.x, fits.state).softmax(dim=2)
        slope = magnitude(gradient(batch.x, batch.weights * (q - batch.targets)), penalty)[..., :-1].amax(dim=2)
        unused = (fits.weights == 0).all(dim=2)
        assert unused.float().mean() > 0.5
        assert bool((slope <= (1 + 1e-3) * share * strongest[..., None])[unused].all())
        cold = solve(batch, strongest * share, tolerance=1e-7, penalty=penalty)
        torch.testing.assert_close(cold.weights, fits.weights, rtol=0, atol=2e-3)


def test_a_working_set_that_begins_too_small_is_put_right() -> None:
    """Told that the strength before was weaker than it is, the strong rule leaves out what it must not."""
    x, y = planted(seed=16, clips=40, width=100)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    l1 = strongest_l1(batch) * 0.3
    misled, right = solve(batch, l1, tolerance=1e-8, l1_before=0.0), solve(batch, l1, tolerance=1e-8)
    assert float(misled.gap) <= 1e-8
    torch.testing.assert_close(misled.weights, right.weights, rtol=0, atol=1e-3)


@pytest.mark.parametrize("penalty", ["l1", "row"])
def test_problems_in_a_batch_equal_the_same_problems_alone(penalty: Penalty) -> None:
    x, y = planted(seed=3, layers=3, width=40)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    l1 = torch.tensor([[0.05], [0.1], [0.2]])
    together = solve(batch, l1, 0.001, tolerance=1e-6, penalty=penalty)
    for layer in range(3):
        single = alone(x[layer], y, float(l1[layer]), 0.001, 1e-6, penalty=penalty)
        torch.testing.assert_close(together.weights[layer], single.weights[0], rtol=0, atol=1e-8)
        assert together.iterations[layer] == single.iterations[0]


@pytest.mark.parametrize("principal", [False, True])
def test_a_fold_as_zero_weights_equals_fitting_the_subset(principal: bool) -> None:
    x, y = planted(seed=4)
    held_in = torch.arange(len(y)) % 5 != 0
    l1, l2 = (0.0, 0.02) if principal else (0.01, 0.02)
    batch = prepare(x, y[None, None], held_in[None, None].double(), 4, principal, EXACT)
    folded = solve(batch, l1, l2, tolerance=1e-10, max_iterations=50_000)
    subset = alone(x[0][held_in], y[held_in], l1, l2, 1e-10)
    torch.testing.assert_close(folded.weights[0], subset.weights[0], rtol=0, atol=1e-4)


def test_principal_coordinates_change_the_way_not_the_answer_even_where_width_exceeds_clips() -> None:
    x, y = planted(seed=5, clips=24, width=60)
    plain, rotated = alone(x[0], y, 0.0, 0.05, 1e-10), alone(x[0], y, 0.0, 0.05, 1e-10, principal=True)
    torch.testing.assert_close(plain.weights, rotated.weights, rtol=0, atol=1e-4)
    assert int(rotated.iterations) < int(plain.iterations)


def test_labels_may_differ_by_variant() -> None:
    x, y = planted(seed=6)
    labels = torch.stack([y, y.flip(0)])
    both = solve(prepare(x, labels[None], torch.ones(1, 1, len(y)), 4, dtype=EXACT), 0.02, 0.0, tolerance=1e-6)
    for variant in range(2):
        single = alone(x[0], labels[variant], 0.02, 0.0, 1e-6)
        torch.testing.assert_close(both.weights[:, variant], single.weights[:, 0], rtol=0, atol=1e-8)


def test_at_the_strongest_l1_no_weight_is_left_and_just_below_it_some_is() -> None:
    x, y = planted(seed=7)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    strongest = strongest_l1(batch)
    at, below = solve_path(batch, [(strongest * 1.001, 0.0), (strongest * 0.98, 0.0)], tolerance=1e-8)
    assert not at.weights.any()
    assert below.weights.any()


def test_warm_starts_save_iterations_and_land_in_the_same_place() -> None:
    x, y = planted(seed=8)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4, dtype=EXACT)
    warm = list(solve_path(batch, [(0.02, 0.0), (0.019, 0.0)], tolerance=1e-8))[-1]
    cold = solve(batch, 0.019, 0.0, tolerance=1e-8)
    torch.testing.assert_close(warm.weights, cold.weights, rtol=0, atol=1e-3)
    assert int(warm.iterations) < int(cold.iterations)


def test_float32_reaches_a_gap_of_a_thousandth_of_log_classes() -> None:
    x, y = planted(seed=9, clips=80, width=40, layers=2)
    batch = prepare(x, y[None, None], torch.ones(1, 1, len(y)), 4)
    assert batch.x.dtype == torch.float32
    assert float(solve(batch, 0.003, 0.0).gap.max()) <= 1e-3


def test_what_cannot_be_solved_is_refused() -> None:
    x, y = planted(seed=10)
    ones = torch.ones(1, 1, len(y))
    with pytest.raises(BadData, match="NaN or infinite"):
        prepare(x / 0, y[None, None], ones, 4)
    with pytest.raises(BadData, match="not all zero"):
        prepare(x, y[None, None], 0 * ones, 4)
    with pytest.raises(BadArgument, match="depends on the basis"):
        solve(prepare(x, y[None, None], ones, 4, principal=True), 0.1, 0.0)
    with pytest.raises(BadArgument, match="without any penalty"):
        solve(prepare(x, y[None, None], ones, 4), 0.0, 0.0)
    with pytest.raises(BadArgument, match="finite and not negative"):
        solve(prepare(x, y[None, None], ones, 4), -0.1, 0.0)
