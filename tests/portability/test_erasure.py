"""Theorems of erasure: what goes along with a subspace is gone, and nothing else."""

from __future__ import annotations

import pytest
import torch
from known_ground import random_basis
from torch import Tensor

from jepascope.activations.moments import Moments
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.portability.erasure import erase, refit_after

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
    values, vectors = torch.linalg.eigh(Moments.of(x).covariance)
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

CLASSES = 3


def labelled(seed: int, codes: int) -> Labelled:
    """The class in ``codes`` pairs of coordinates, each with noise of its own."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(120) % CLASSES
    angle = y * (2 * torch.pi / CLASSES)
    shown = torch.stack([angle.cos(), angle.sin()], dim=1)
    x = 0.2 * torch.randn(120, WIDTH, generator=generator)
    for code in range(codes):
        x[:, 2 * code : 2 * code + 2] += shown
    return Labelled(x, y)


@pytest.mark.parametrize(("codes", "reads"), [(1, False), (2, True)])
def test_a_fresh_probe_reads_what_is_written_twice_and_goes_along_by_its_noise_alone(codes: int, reads: bool) -> None:
    """Erasing one code takes what both share, the class means, from the other as well; the noise of the two is not shared, and its own
    residual still tells the class."""
    fit, judge, test = (labelled(seed, codes) for seed in range(3))
    axes = torch.eye(WIDTH)
    one = Subspace(axes[:, :2], fit.x.mean(dim=0))
    found, chance = refit_after([one], fit.x, judge, test)
    assert chance == pytest.approx(1 / CLASSES) and found.n == 120
    assert (found.low > chance) == reads
    both, _ = refit_after([one, Subspace(axes[:, : 2 * codes], fit.x.mean(dim=0))], fit.x, judge, test)
    assert both.value <= found.value and not both.low > chance  # the least of the two: nothing is left without all codes
