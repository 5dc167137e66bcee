"""Theorems of the three families of edits."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from jepascope.errors import BadArgument, BadData
from jepascope.intervention.edits import check_doses, check_edit, class_means, coordinates, edit
from jepascope.intervention.edits.ablate import ablation_displacement
from jepascope.intervention.edits.steer import steer_displacement
from jepascope.intervention.edits.swap import swap_displacement

CLIPS, TOKENS, WIDTH = 3, 5, 12
seeds = st.integers(0, 10_000)
ranks = st.integers(1, WIDTH - 1)
theorem = settings(max_examples=25)


def orthonormal(seed: int, rank: int = WIDTH) -> Tensor:
    return torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q[:, :rank]


def tokens(seed: int) -> Tensor:
    return torch.randn(CLIPS, TOKENS, WIDTH, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def apply(
    hidden: Tensor, displacement: Tensor, basis: Tensor, dose: float = 1.0, mask: Tensor | None = None, norms: Tensor | None = None
) -> Tensor:
    """One edit on one subspace."""
    bases = basis[None]
    return edit(hidden, coordinates(displacement, bases, mask, norms), bases, torch.tensor([dose], dtype=hidden.dtype))[0]


@theorem
@given(seeds, ranks)
def test_ablation_leaves_nothing_in_the_subspace_but_the_mean(seed: int, rank: int) -> None:
    h, u, mean = tokens(seed), orthonormal(seed + 1, rank), tokens(seed + 2)[0, 0]
    ablated = apply(h, ablation_displacement(h, mean), u)
    torch.testing.assert_close(ablated @ u, (mean @ u).expand(CLIPS, TOKENS, rank))
    zeroed = apply(h, ablation_displacement(h, None), u)
    torch.testing.assert_close(zeroed @ u, torch.zeros(CLIPS, TOKENS, rank, dtype=h.dtype))


@theorem
@given(seeds, ranks)
def test_ablation_leaves_the_complement_alone_and_done_twice_is_done_once(seed: int, rank: int) -> None:
    h, q, mean = tokens(seed), orthonormal(seed + 1), tokens(seed + 2)[0, 0]
    once = apply(h, ablation_displacement(h, mean), q[:, :rank])
    torch.testing.assert_close(once @ q[:, rank:], h @ q[:, rank:])
    torch.testing.assert_close(apply(once, ablation_displacement(once, mean), q[:, :rank]), once)


@theorem
@given(seeds, ranks)
def test_swaps_on_a_subspace_and_on_its_complement_add_up_to_the_donor(seed: int, rank: int) -> None:
    h, donor, q = tokens(seed), tokens(seed + 1), orthonormal(seed + 2)
    half = apply(h, swap_displacement(h, donor), q[:, :rank])
    torch.testing.assert_close(half @ q[:, :rank], donor @ q[:, :rank])
    torch.testing.assert_close(apply(half, swap_displacement(half, donor), q[:, rank:]), donor)


@theorem
@given(seeds, ranks)
def test_swapping_with_oneself_and_a_dose_of_zero_change_nothing_at_all(seed: int, rank: int) -> None:
    h, donor, u = tokens(seed), tokens(seed + 1), orthonormal(seed + 2, rank)
    assert torch.equal(apply(h, swap_displacement(h, h), u), h)
    assert torch.equal(apply(h, swap_displacement(h, donor), u, dose=0.0), h)


@theorem
@given(seeds, ranks, st.floats(-3, 3))
def test_an_edit_depends_on_the_span_not_on_the_basis(seed: int, rank: int, dose: float) -> None:
    h, donor, u = tokens(seed), tokens(seed + 1), orthonormal(seed + 2, rank)
    turned = u @ torch.linalg.qr(torch.randn(rank, rank, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).Q
    torch.testing.assert_close(apply(h, swap_displacement(h, donor), u, dose), apply(h, swap_displacement(h, donor), turned, dose))


@theorem
@given(seeds, ranks, st.floats(-3, 3))
def test_the_change_is_proportional_to_the_dose(seed: int, rank: int, dose: float) -> None:
    h, donor, u = tokens(seed), tokens(seed + 1), orthonormal(seed + 2, rank)
    full = apply(h, swap_displacement(h, donor), u) - h
    torch.testing.assert_close(apply(h, swap_displacement(h, donor), u, dose) - h, dose * full)


@theorem
@given(seeds, ranks)
def test_steering_moves_every_token_by_the_projected_difference_of_class_means(seed: int, rank: int) -> None:
    h, u, means = tokens(seed), orthonormal(seed + 1, rank), tokens(seed + 2)[0]
    source, target = torch.tensor([0, 1, 2]), torch.tensor([3, 0, 4])
    change = apply(h, steer_displacement(means, source, target), u) - h
    wanted = (means[target] - means[source]) @ u @ u.T
    torch.testing.assert_close(change, wanted[:, None].expand(-1, TOKENS, -1))


@theorem
@given(seeds, ranks)
def test_only_tokens_of_the_mask_change(seed: int, rank: int) -> None:
    h, donor, u = tokens(seed), tokens(seed + 1), orthonormal(seed + 2, rank)
    mask = torch.rand(CLIPS, TOKENS, generator=torch.Generator().manual_seed(seed)) < 0.5
    edited = apply(h, swap_displacement(h, donor), u, mask=mask)
    assert torch.equal(edited[~mask], h[~mask])
    torch.testing.assert_close(edited[mask], apply(h, swap_displacement(h, donor), u)[mask])


@theorem
@given(seeds, ranks, ranks)
def test_a_rescaled_edit_has_the_true_edits_norm_at_every_token(seed: int, rank: int, control_rank: int) -> None:
    h, donor = tokens(seed), tokens(seed + 1)
    displacement = swap_displacement(h, donor)
    true = apply(h, displacement, orthonormal(seed + 2, rank)) - h
    norms = true.norm(dim=-1)
    control = apply(h, displacement, orthonormal(seed + 3, control_rank), norms=norms[None]) - h
    torch.testing.assert_close(control.norm(dim=-1), norms)


def test_a_token_that_has_nothing_to_rescale_stays() -> None:
    h, u = tokens(0), orthonormal(1, 2)
    assert torch.equal(apply(h, torch.zeros_like(h), u, norms=torch.ones(1, CLIPS, TOKENS, dtype=h.dtype)), h)


def test_conditions_in_one_batch_equal_conditions_alone() -> None:
    h, donor = tokens(0).float(), tokens(1).float()
    bases = torch.stack([orthonormal(i, 3) for i in range(4)]).float()
    doses = torch.tensor([1.0, 0.5, 0.0, -1.0])
    inside = coordinates(swap_displacement(h, donor), bases)
    together = edit(h, inside, bases, doses)
    for i in range(4):
        assert torch.equal(together[i], edit(h, inside[i : i + 1], bases[i : i + 1], doses[i : i + 1])[0])


def test_class_means_are_the_means_of_the_classes() -> None:
    x, y = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2] * 3)
    torch.testing.assert_close(class_means(x, y, 3), torch.stack([x[y == c].mean(dim=0) for c in range(3)]))
    with pytest.raises(BadData, match="Class 3 has no clip"):
        class_means(x, y, 4)


def test_doses_that_are_no_numbers_are_refused() -> None:
    assert check_doses([0, 1.5]) == (0.0, 1.5)
    for bad in ([math.nan], [1.0, math.inf], []):
        with pytest.raises(BadArgument, match="Doses must be finite"):
            check_doses(bad)
    with pytest.raises(BadArgument, match="mean, zero or resample"):
        check_edit("ablate", "noise")
