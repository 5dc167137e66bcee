"""Theorems of linear maps between encoders: planted maps are found, subspaces arrive where they should, and nothing comes of nothing."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeCV
from torch import Tensor

from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData
from jepascope.portability.alignment import sas
from jepascope.portability.maps import MAP_STRENGTHS, LinearMap, MapKind, fit_map, held_out_r2, procrustes_map, ridge_map
from jepascope.portability.similarity import pair_shuffles

FIT, TEST = slice(0, 200), slice(200, 280)
KINDS: tuple[MapKind, ...] = ("ridge", "procrustes")
CLASSES = torch.arange(280) % 8


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(seed: int, width: int) -> Tensor:
    return torch.linalg.qr(normal(seed, width, width)).Q


def source(width: int = 24, clips: int = 280) -> Tensor:
    """Clips whose principal axes are well apart."""
    return normal(0, clips, width) * 0.85 ** torch.arange(width) @ rotation(1, width) + 2


def subspace(width: int, rank: int, seed: int = 7) -> Subspace:
    return Subspace(rotation(seed, width)[:, :rank].float(), torch.ones(width), {"finder": "lda", "layer": 3})


def test_procrustes_is_a_planted_rotation_and_its_scale() -> None:
    x, turn = source(), rotation(2, 24)
    y = 3 * x @ turn.T - 5
    found = procrustes_map(x, y, components=24)
    torch.testing.assert_close(found.matrix, 3 * turn, atol=1e-8, rtol=0)
    torch.testing.assert_close(found.apply(x), y, atol=1e-8, rtol=0)
    assert found.kind == "procrustes" and found.components == 24 and isnan(found.strength)


def test_noise_moves_procrustes_little() -> None:
    x, turn = source(), rotation(2, 24)
    y = x @ turn.T + 0.02 * normal(3, 280, 24)
    assert (procrustes_map(x, y, 24).matrix - turn).norm() / turn.norm() < 0.1
    assert held_out_r2("procrustes", x[FIT], y[FIT], x[TEST], y[TEST], 24, draws=5).value > 0.99


def test_procrustes_keeps_angles_within_its_components() -> None:
    x, y = source(24), source(24) @ normal(3, 24, 36) + normal(4, 280, 36)
    found = procrustes_map(x, y, components=6)
    values = torch.linalg.svdvals(found.matrix)
    torch.testing.assert_close(values[:6], values[:1].expand(6))
    assert values[6] < 1e-10


def test_ridge_is_a_planted_linear_map() -> None:
    x, planted = source(), normal(2, 36, 24)
    y = x @ planted.T + 4
    exact = ridge_map(x, y)
    assert exact.strength == min(MAP_STRENGTHS)
    assert (exact.matrix - planted).norm() / planted.norm() < 1e-2
    noisy = ridge_map(x, y + 0.5 * normal(3, 280, 36))
    assert (noisy.matrix - planted).norm() / planted.norm() < 0.5 and noisy.strength > exact.strength
    assert held_out_r2("ridge", x[FIT], y[FIT], x[TEST], y[TEST], draws=5).value == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("width", [24, 300])
def test_ridge_is_the_established_one_with_the_strength_of_generalised_cross_validation(width: int) -> None:
    """For more and for fewer clips than coordinates: the solution and each criterion written out with the hat matrix."""
    x = source(width, 60)
    y = x @ normal(2, width, 5) / width**0.5 + normal(3, 60, 5)
    found = ridge_map(x, y)
    centred, target = x - x.mean(dim=0), y - y.mean(dim=0)
    size = centred.square().sum() / width
    criteria = []
    for strength in MAP_STRENGTHS:
        hat = centred @ torch.linalg.solve(centred.T @ centred + strength * size * torch.eye(width, dtype=torch.float64), centred.T)
        criteria.append(float((target - hat @ target).square().sum() / (1 - (1 + hat.trace()) / 60) ** 2))
    assert found.strength == MAP_STRENGTHS[int(np.argmin(criteria))]
    established = RidgeCV(alphas=[found.strength * float(size)]).fit(x.numpy(), y.numpy())
    np.testing.assert_allclose(found.matrix.numpy(), established.coef_, atol=1e-6)
    np.testing.assert_allclose(found.apply(x).numpy(), established.predict(x.numpy()), atol=1e-6)


def test_a_rotation_of_either_side_turns_the_ridge_along() -> None:
    x = source()
    y = x @ normal(2, 24, 36) + normal(3, 280, 36)
    left, right = rotation(5, 36), rotation(6, 24)
    turned = ridge_map(x @ right.T, y @ left.T)
    torch.testing.assert_close(turned.matrix, left @ ridge_map(x, y).matrix @ right.T, atol=1e-8, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_subspace_carried_by_a_planted_rotation_is_the_rotated_one(kind: MapKind) -> None:
    x, turn = source(), rotation(2, 24)
    there = subspace(24, 3)
    carried = fit_map(kind, x, x @ turn.T, 24).carry(there, layer=5, model="other")
    assert carried.rank == 3 and sas(carried.basis.double(), turn @ there.basis.double()) == pytest.approx(1, abs=1e-6)
    torch.testing.assert_close(carried.mean.double(), turn @ there.mean.double(), atol=1e-3, rtol=0)
    assert carried.provenance == {"finder": "lda", "carried": {"finder": "lda", "layer": 3}, "map": kind, "layer": 5, "model": "other"}


def test_the_reference_mean_of_the_target_can_be_given() -> None:
    x = source()
    carried = ridge_map(x, x).carry(subspace(24, 2), mean=torch.zeros(24))
    assert not carried.mean.any()


def test_a_map_that_loses_directions_carries_no_subspace_through_them() -> None:
    x, y = source(24), source(24) @ normal(3, 24, 36)
    flat = procrustes_map(x, y, components=2)
    assert flat.carry(subspace(24, 2)).rank == 2
    with pytest.raises(BadArgument, match="rank 3 onto rank 2"):
        flat.carry(subspace(24, 3))
    lost = LinearMap(torch.zeros(36, 24).double(), torch.zeros(24).double(), torch.zeros(36).double(), "ridge", 50)
    with pytest.raises(BadArgument, match="onto rank 0"):
        lost.carry(subspace(24, 1))
    with pytest.raises(BadArgument, match="rank 4 onto rank 3"):  # all of a target of width 4 cannot be edited against controls
        ridge_map(x, y[:, :4]).carry(subspace(24, 4))
    with pytest.raises(BadArgument, match="width 24, and the subspace lies in width 30"):
        flat.carry(subspace(30, 2))


def test_gains_say_how_much_of_a_step_arrives() -> None:
    matrix = torch.diag(torch.tensor([3.0, 1.0, 0.5, 0.0])).double()
    moved = LinearMap(matrix, torch.zeros(4).double(), torch.zeros(4).double(), "ridge", 50)
    axes = Subspace(torch.eye(4)[:, [2, 0]], torch.zeros(4))
    torch.testing.assert_close(moved.gains(axes), torch.tensor([3.0, 0.5]).double())


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_explained_of_an_unrelated_encoder(kind: MapKind) -> None:
    x, y = normal(0, 280, 500).float(), normal(1, 280, 300).float()
    found = held_out_r2(kind, x[FIT], y[FIT], x[TEST], y[TEST], draws=40)
    assert found.value < 0.01 and found.n == 80 and found.components == (20 if kind == "procrustes" else 0)
    assert found.chance_low - 0.01 < found.value < found.chance_high + 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_explained_is_that_of_the_fitted_map_and_chance_that_of_maps_refitted(kind: MapKind) -> None:
    """One shuffled pairing by hand: the same map from shuffled clips, scored on shuffled clips."""
    x = source(24)
    y = x @ normal(2, 24, 30) + 3 * normal(3, 280, 30)
    found = held_out_r2(kind, x[FIT], y[FIT], x[TEST], y[TEST], 12, draws=1, seed=4)

    def share(moved: LinearMap, target: Tensor) -> float:
        return float(1 - (target - moved.apply(x[TEST])).square().sum() / (target - moved.target_mean).square().sum())

    assert found.value == pytest.approx(share(fit_map(kind, x[FIT], y[FIT], 12), y[TEST]))
    assert found.low < found.value < found.high
    _, rng, _ = np.random.default_rng(4).spawn(3)
    orders = [pair_shuffles(count, 1, rng)[0] for count in (200, 80)]
    moved = fit_map(kind, x[FIT], y[FIT][orders[0]], 12)
    assert found.chance == pytest.approx(share(moved, y[TEST][orders[1]]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_shared_label_is_told_from_shared_clips(kind: MapKind) -> None:
    a, b = 3 * normal(0, 8, 40)[CLASSES] + normal(1, 280, 40), 3 * normal(2, 8, 60)[CLASSES] + normal(3, 280, 60)
    label = held_out_r2(kind, a[FIT], b[FIT], a[TEST], b[TEST], 8, CLASSES[FIT], CLASSES[TEST])
    assert label.value > label.chance_high and label.label_low < label.value < label.label_high
    x = source(24)
    clips = held_out_r2(kind, x[FIT], x[FIT], x[TEST], x[TEST], 20, CLASSES[FIT], CLASSES[TEST])
    assert clips.value > 0.9 and clips.label_high < 0.5


def test_clips_too_few_or_of_other_scenes_are_refused() -> None:
    x = source()
    for fit in (ridge_map, procrustes_map):
        with pytest.raises(BadData, match="15 clips are too few"):
            fit(x[:15], x[:15])
        with pytest.raises(BadArgument, match="200 clips cannot be paired with 100"):
            fit(x[:200], x[:100])
    with pytest.raises(BadArgument, match="of both, or of neither"):
        held_out_r2("ridge", x[FIT], x[FIT], x[TEST], x[TEST], classes_test=CLASSES[TEST])
