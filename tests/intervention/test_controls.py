"""Controls match what they claim to match, and borrow nothing from the subspace."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument
from jepascope.intervention.control_entry import AS_GIVEN as CONTROLS
from jepascope.intervention.controls import ControlDraw, carrier, complement, matched_controls, removed_variance

WIDTH = 24
DRAWN = ("random", "variance", "norm")


def basis(seed: int, rank: int, width: int = WIDTH) -> Tensor:
    return torch.linalg.qr(torch.randn(width, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q.float()


def subspace(seed: int, rank: int) -> Subspace:
    return Subspace(basis(seed, rank), torch.zeros(WIDTH))


def covariance(seed: int, decay: float = 0.7) -> Tensor:
    """Eigenvalues that fall geometrically, as those of activations do."""
    q = basis(seed, WIDTH).double()
    return (q * decay ** torch.arange(WIDTH)) @ q.T


def drawn(
    u: Subspace, cov: Tensor, draws: int = 5, seed: int = 0, names: tuple[str, ...] = DRAWN, avoid: Tensor | None = None
) -> list[ControlDraw]:
    return matched_controls(u, cov, draws, seed, names=names, avoid=avoid)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), rank=st.integers(1, 8))
def test_draws_have_the_rank_are_orthonormal_and_orthogonal_to_the_subspace(seed: int, rank: int) -> None:
    u = subspace(seed, rank)
    for control in drawn(u, covariance(seed)):
        assert control.basis.shape == (WIDTH, rank) and control.matched.rank == rank
        torch.testing.assert_close(control.basis.T @ control.basis, torch.eye(rank), atol=1e-6, rtol=0)
        torch.testing.assert_close(u.basis.T @ control.basis, torch.zeros(rank, rank), atol=1e-6, rtol=0)


@settings(max_examples=15)
@given(seed=st.integers(0, 1000), rank=st.integers(1, 8), decay=st.floats(0.3, 0.99))
def test_the_variance_control_removes_the_variance_that_the_subspace_removes(seed: int, rank: int, decay: float) -> None:
    u, cov = subspace(seed, rank), covariance(seed + 1, decay)
    free = complement(u.basis)
    reachable = torch.linalg.eigvalsh(free.T @ cov @ free)
    target = removed_variance(u.basis, cov)
    for control in drawn(u, cov, names=("variance",)):
        held = removed_variance(control.basis, cov)
        assert control.matched.variance_target == target and control.matched.variance == held
        if reachable[:rank].sum() <= target <= reachable[-rank:].sum():
            assert held == pytest.approx(target, rel=1e-4)
        else:  # the nearest that there is
            assert held == pytest.approx(
                float(reachable[-rank:].sum() if target > reachable[-rank:].sum() else reachable[:rank].sum()), rel=1e-4
            )


@pytest.mark.parametrize(("top", "ends"), [(True, "most"), (False, "least")])
def test_a_variance_out_of_reach_gets_the_nearest_end_and_says_by_how_much(top: bool, ends: str) -> None:
    values = torch.arange(WIDTH, 0, -1).double()
    axes = torch.eye(WIDTH)
    u = Subspace(axes[:, :3] if top else axes[:, -3:], torch.zeros(WIDTH))
    for control in drawn(u, torch.diag(values), names=("variance",)):
        reached = values[3:6].sum() if top else values[-6:-3].sum()
        assert control.matched.variance == pytest.approx(float(reached), rel=1e-6), f"should hold the {ends} there is"
        assert (control.matched.variance < control.matched.variance_target) == top


def test_variance_draws_differ_from_each_other_where_there_is_room() -> None:
    bases = [control.basis for control in drawn(subspace(0, 3), covariance(1), draws=4, names=("variance",))]
    for i in range(4):
        for j in range(i):
            assert (bases[i].T @ bases[j]).square().sum() < 0.9 * 3


def test_random_draws_hold_on_average_the_mean_variance_of_the_complement() -> None:
    """Haar: E[V V^T] is the projector on the complement times rank over its dimension."""
    u, cov, draws = subspace(0, 4), covariance(1), 3000
    held = torch.tensor([control.matched.variance for control in drawn(u, cov, draws, names=("random",))])
    free = complement(u.basis)
    expected = float(torch.trace(free.T @ cov @ free)) * 4 / free.shape[1]
    assert abs(held.mean() - expected) < 4 * held.std() / draws**0.5


@pytest.mark.parametrize("name", CONTROLS)
def test_a_seed_names_its_draws_and_fewer_are_the_first_of_more(name: str) -> None:
    u, cov = subspace(0, 3), covariance(1)

    def run(draws: int, seed: int) -> list[Tensor]:
        shuffled = [subspace(100 * (seed + 1) + draw, 3) for draw in range(draws)]
        return [control.basis for control in matched_controls(u, cov, draws, seed, shuffled, names=(name,))]

    many, few, other = run(6, 0), run(2, 0), run(2, 1)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(few, many, strict=False))
    assert not torch.allclose(few[0], other[0], atol=1e-2)


def test_finders_that_avoid_the_same_directions_share_their_random_draws() -> None:
    first, second = subspace(0, 3), subspace(1, 3)
    avoid = torch.cat([first.basis, second.basis], dim=1)
    a, b = (drawn(u, covariance(2), names=("random",), avoid=avoid) for u in (first, second))
    for x, y in zip(a, b, strict=True):
        assert torch.equal(x.basis, y.basis)
        torch.testing.assert_close(avoid.T @ x.basis, torch.zeros(6, 3), atol=1e-6, rtol=0)


def test_what_is_to_be_avoided_never_replaces_the_subspace_itself() -> None:
    u, avoid = subspace(0, 3), basis(1, 2)
    for control in drawn(u, covariance(2), avoid=avoid):
        torch.testing.assert_close(u.basis.T @ control.basis, torch.zeros(3, 3), atol=1e-6, rtol=0)
        torch.testing.assert_close(avoid.T @ control.basis, torch.zeros(2, 3), atol=1e-6, rtol=0)


def test_the_shuffled_control_is_what_the_finder_found_on_permuted_labels() -> None:
    found = [subspace(i + 1, 3) for i in range(5)]
    controls = matched_controls(subspace(0, 3), covariance(1), 4, 0, found, names=("shuffled",))
    assert [torch.equal(control.basis, one.basis) for control, one in zip(controls, found, strict=False)] == [True] * 4


def test_only_the_norm_control_is_rescaled() -> None:
    assert {control.name for control in drawn(subspace(0, 2), covariance(0)) if control.rescale} == {"norm"}


def test_what_cannot_be_matched_is_refused() -> None:
    cov = covariance(0)
    with pytest.raises(BadArgument, match=r"Only 8 of 24 dimensions.*lower the rank"):
        drawn(subspace(0, 16), cov)
    with pytest.raises(BadArgument, match="no control 'decoy'"):
        matched_controls(subspace(0, 2), cov, 1, 0, names=("decoy",))
    with pytest.raises(BadArgument, match="at least one draw"):
        drawn(subspace(0, 2), cov, draws=0)
    with pytest.raises(BadArgument, match="needs 1 subspaces found on permuted labels, not 0"):
        matched_controls(subspace(0, 2), cov, 1, 0)
    with pytest.raises(BadArgument, match="rank 2 on permuted labels and of rank 3"):
        matched_controls(subspace(0, 3), cov, 1, 0, [subspace(1, 2)])


def test_a_carried_step_depends_on_the_spans_alone() -> None:
    """V R U^T is the same map whichever bases the two subspaces are written in, and keeps every length."""
    u, v = basis(0, 3), basis(1, 3)
    turned = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(2))).Q
    first = carrier(u, v, np.random.default_rng(5)) @ u.T
    again = carrier(u @ turned, v @ turned.T, np.random.default_rng(5)) @ (u @ turned).T
    torch.testing.assert_close(first, again, atol=1e-5, rtol=0)
    step = u @ torch.tensor([1.0, -2.0, 0.5])
    torch.testing.assert_close((first @ step).norm(), step.norm())
    torch.testing.assert_close(v @ (v.T @ (first @ step)), first @ step, atol=1e-5, rtol=0)
