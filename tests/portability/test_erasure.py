"""Theorems of erasure: what goes along with a subspace is gone, and nothing else."""

from __future__ import annotations

import pytest
import torch
from known_ground import random_basis
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.portability.erasure import Refit, erase, refit_after

WIDTH, CLIPS = 12, 400


@pytest.fixture(scope="module")
def x() -> Tensor:
    """Clips with correlated coordinates and a mean."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(WIDTH, WIDTH, generator=generator) * torch.logspace(0, -1, WIDTH)
    return torch.randn(CLIPS, WIDTH, generator=generator) @ mixing + torch.randn(WIDTH, generator=generator)


def centred(x: Tensor) -> Tensor:
    return x.double() - x.double().mean(dim=0)


def test_nothing_is_left_that_goes_along_with_the_subspace(x: Tensor) -> None:
    basis = random_basis(WIDTH, 3, 1)
    left, read = centred(erase(x, basis, Moments.of(x))), centred(x) @ basis.double()
    cross = left.T @ read / CLIPS
    assert float(cross.abs().max()) < 1e-5
    plain = centred(x - (x - x.mean(dim=0)) @ basis @ basis.T)  # ablation alone leaves correlated directions behind
    assert float((plain.T @ read / CLIPS).abs().max()) > 0.1
    assert float((left @ basis.double()).abs().max()) < 1e-4  # the subspace itself holds nothing any more


def test_erasing_twice_is_erasing_once_and_the_mean_stays(x: Tensor) -> None:
    basis, moments = random_basis(WIDTH, 3, 1), Moments.of(x)
    once = erase(x, basis, moments)
    torch.testing.assert_close(erase(once, basis, moments), once, atol=1e-4, rtol=0)
    torch.testing.assert_close(once.mean(dim=0), x.mean(dim=0), atol=1e-5, rtol=0)


def test_in_whitened_coordinates_it_is_the_orthogonal_projection(x: Tensor) -> None:
    basis, moments = random_basis(WIDTH, 3, 1).double(), Moments.of(x)
    values, vectors = torch.linalg.eigh(moments.covariance)
    whiten, unwhiten = (vectors * values**power @ vectors.T for power in (-0.5, 0.5))
    inside = torch.linalg.qr(unwhiten @ basis)[0]  # <u, h> = <S^1/2 u, S^-1/2 h>
    white = centred(x) @ whiten
    expected = (white - white @ inside @ inside.T) @ unwhiten + moments.mean
    torch.testing.assert_close(erase(x, basis.float(), moments).double(), expected, atol=1e-4, rtol=0)


def test_where_coordinates_do_not_go_together_it_is_plain_ablation_and_others_are_left_alone(x: Tensor) -> None:
    vectors = torch.linalg.eigh(Moments.of(x).covariance).eigenvectors
    basis = vectors[:, [2, 7]].float()
    found = erase(x, basis, Moments.of(x))
    torch.testing.assert_close(found, x - (x - x.mean(dim=0)) @ basis @ basis.T, atol=1e-4, rtol=0)
    others = vectors[:, [0, 1, 3, 11]].float()
    torch.testing.assert_close(found @ others, x @ others, atol=1e-4, rtol=0)


def test_the_basis_that_a_subspace_is_written_in_plays_no_part(x: Tensor) -> None:
    basis, moments = random_basis(WIDTH, 3, 1), Moments.of(x)
    torch.testing.assert_close(erase(x, basis @ random_basis(3, 3, 2), moments), erase(x, basis, moments), atol=1e-4, rtol=0)


def test_directions_that_do_not_vary_are_left_as_they_are(x: Tensor) -> None:
    still = torch.cat([x, torch.full((CLIPS, 2), 3.0)], dim=1)
    moments, basis = Moments.of(still), torch.eye(WIDTH + 2)[:, [0, WIDTH]]
    found = erase(still, basis, moments)
    assert bool(torch.isfinite(found).all())
    torch.testing.assert_close(found, erase(still, basis[:, :1], moments), atol=1e-4, rtol=0)


# what a fresh probe still reads

CLASSES = 8


def labelled(seed: int, codes: int, clips: int = 120, width: int = 96) -> Labelled:
    """The class on a circle in the first two coordinates, and again in the next two, there with three times the angle: the two do not go
    together. Noise everywhere."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(clips) % CLASSES
    x = 0.1 * torch.randn(clips, width, generator=generator)
    for code in range(1, codes + 1):
        angle = y * ((2 * code - 1) * 2 * torch.pi / CLASSES)
        x[:, 2 * code - 2 : 2 * code] += torch.stack([angle.cos(), angle.sin()], dim=1)
    return Labelled(x, y)


def refits(seeds: range, codes: int) -> tuple[list[Refit], float]:
    found = []
    for seed in seeds:
        judge, test = (labelled(10 * seed + i, codes, clips) for i, clips in enumerate((120, 80)))
        one = Subspace(torch.eye(judge.width)[:, :2], judge.x.mean(dim=0))
        found.append(refit_after([one], judge, test))
    return found, found[0].chance


def test_a_fresh_probe_reads_what_is_left_when_a_subspace_is_gone() -> None:
    alone, chance = refits(range(2), 1)
    beside, _ = refits(range(2), 2)
    assert chance == 1 / CLASSES and all(one.ablated.n == one.erased.n == 80 for one in alone)
    assert not any(one.ablated.low > chance or one.erased.low > chance for one in alone)
    assert all(one.ablated.low > chance and one.erased.low > chance for one in beside)


def test_a_copy_of_the_same_code_survives_ablation_and_not_erasure() -> None:
    judge, test = (copied(labelled(seed, 1)) for seed in (1, 2))
    found = refit_after([Subspace(torch.eye(96)[:, :2], judge.x.mean(dim=0))], judge, test)
    assert found.ablated.low > found.chance and not found.erased.low > found.chance


def copied(data: Labelled) -> Labelled:
    """The code again in two other coordinates, to the last digit."""
    x = data.x.clone()
    x[:, 2:4] = x[:, :2]
    return Labelled(x, data.y)


@pytest.mark.slow
def test_the_least_of_several_is_told() -> None:
    judge, test, axes = labelled(1, 2), labelled(2, 2), torch.eye(96)
    middle = judge.x.mean(dim=0)
    one, both = Subspace(axes[:, :2], middle), Subspace(axes[:, :4], middle)
    assert refit_after([one, both], judge, test) == refit_after([both], judge, test)
    assert refit_after([one, both], judge, test).erased.value < refit_after([one], judge, test).erased.value
