"""Theorems of unbiased linear CKA."""

from __future__ import annotations

import dataclasses
from math import isnan

import numpy as np
import pytest
import torch
from torch import Tensor

from jepascope.errors import BadArgument, BadData
from jepascope.portability.cka import cka_grid, u_centred
from jepascope.portability.similarity import Similarity


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def related(seed: int, clips: int = 60, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    common = normal(seed, clips, 6) * torch.tensor([4.0, 2, 1, 1, 0.5, 0.5])
    x, y = (common @ normal(5000 + width, 6, width) + noise * normal(seed + 1000 + width, clips, width) for width in (30, 50))
    return x, y


def cka(x: Tensor, y: Tensor, classes: Tensor | None = None, draws: int = 100) -> Similarity:
    """Of one layer of each."""
    return cka_grid({0: x}, {0: y}, classes, draws)[0, 0]


def biased(x: Tensor, y: Tensor) -> float:
    """The usual linear CKA (Kornblith et al. 2019)."""
    a, b = ((side - side.mean(dim=0)).double() for side in (x, y))
    return float((a.T @ b).square().sum() / ((a.T @ a).norm() * (b.T @ b).norm()))


def song(x: Tensor, y: Tensor) -> float:
    """Unbiased HSIC as Song et al. (2012) print it, equation 5."""
    n = len(x)
    k, m = ((side.double() @ side.double().T).fill_diagonal_(0).numpy() for side in (x, y))
    one = np.ones(n)
    terms = np.trace(k @ m) + (one @ k @ one) * (one @ m @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ m @ one)
    return float(terms / (n * (n - 3)))


def test_unrelated_activations_have_none_where_the_biased_estimate_is_large() -> None:
    x, y = normal(0, 400, 1024), normal(1, 400, 1280)
    found = cka(x, y)
    assert biased(x, y) > 0.7
    assert abs(found.value) < 0.01 and found.chance_low < found.value < found.chance_high and found.low < 0 < found.high
    assert found.n == 400 and found.components == 0 and isnan(found.label_chance)


def test_it_is_the_published_estimator() -> None:
    x, y = related(0)
    assert cka(x, y).value == pytest.approx(song(x, y) / (song(x, x) * song(y, y)) ** 0.5, abs=1e-12)


def test_the_estimator_of_hsic_has_no_bias() -> None:
    """Mean over draws of few clips = the population's HSIC, |C_xy|_F^2, for the identity kernel of correlated normal columns."""
    share, draws, clips = 0.6, 4000, 8
    x = normal(0, draws, clips, 2).double()
    y = share * x + (1 - share**2) ** 0.5 * normal(1, draws, clips, 2).double()
    a, b = (u_centred((side @ side.mT) * (1 - torch.eye(clips, dtype=torch.float64))) for side in (x, y))
    hsic = (a * b).sum(dim=(1, 2)) / (clips * (clips - 3))
    assert abs(float(hsic.mean()) - 2 * share**2) < 4 * float(hsic.std()) / draws**0.5


def test_it_is_one_for_itself_and_blind_to_rotation_scale_and_offset() -> None:
    x, y = related(0)
    turn = torch.linalg.qr(normal(5, 30, 30).double()).Q
    own = cka(x, 3 * x.double() @ turn + 2)
    assert own.value == pytest.approx(1) and own.low == pytest.approx(1) and own.low <= own.value <= own.high <= 1
    assert cka(x.double() @ turn * 5 - 1, y).value == pytest.approx(cka(x, y).value, abs=1e-6)


def test_it_is_symmetric_with_its_interval() -> None:
    x, y = related(0)
    there, back = cka(x, y, draws=3), cka(y, x, draws=3)
    assert (there.value, there.low, there.high) == pytest.approx((back.value, back.low, back.high))


def test_the_interval_is_the_jackknife_over_clips() -> None:
    x, y = related(0, clips=25)
    found = cka(x, y)
    without = [np.arctanh(cka(x[kept], y[kept], draws=1).value) for kept in (torch.arange(25) != i for i in range(25))]
    error = (24 / 25 * np.square(np.array(without) - np.mean(without)).sum()) ** 0.5
    half = 2.0638985616 * error  # Student's t with 24 degrees of freedom
    assert (found.low, found.high) == pytest.approx((np.tanh(np.arctanh(found.value) - half), np.tanh(np.arctanh(found.value) + half)))


@pytest.mark.slow
def test_the_interval_covers() -> None:
    x, y = related(1000, clips=3000)
    truth = cka(x, y, draws=1).value
    samples = [related(seed, clips=40) for seed in range(200)]
    found = [cka(*sample, draws=1) for sample in samples]
    assert np.mean([one.low <= truth <= one.high for one in found]) > 0.9


def test_clips_drawn_twice_make_unrelated_activations_alike() -> None:
    """Why there is no bootstrap: a clip is the nearest neighbour of its own double, on both sides."""
    x, y = normal(0, 60, 200), normal(1, 60, 200)
    rows = torch.randint(60, (60,), generator=torch.Generator().manual_seed(0))
    assert abs(cka(x, y, draws=1).value) < 0.1 and cka(x[rows], y[rows], draws=1).value > 0.3


def test_a_shared_label_is_told_from_shared_clips() -> None:
    y = torch.arange(80) % 8
    a, b = 2 * normal(0, 8, 40)[y] + normal(1, 80, 40), 2 * normal(2, 8, 60)[y] + normal(3, 80, 60)
    label = cka(a, b, y)
    assert label.value > label.chance_high and label.label_low < label.value < label.label_high
    clips = cka(*related(0, clips=80), y)
    assert clips.value > clips.label_high


def test_a_grid_holds_what_single_pairs_give() -> None:
    x = {layer: normal(layer, 30, 12 + layer) for layer in range(3)}
    y = {f"layer {layer}": x[layer] + 0.5 * normal(50 + layer, 30, 12 + layer) for layer in (0, 2)}
    labels = torch.arange(30) % 3
    grid = cka_grid(x, y, labels, draws=4)
    assert set(grid) == {(i, name) for i in x for name in y}
    for (i, name), found in grid.items():
        alone = cka(x[i], y[name], labels, draws=4)
        assert dataclasses.astuple(found) == pytest.approx(dataclasses.astuple(alone))
    assert max(grid, key=lambda pair: grid[pair].value if pair[1] == "layer 2" else -1)[0] == 2


def test_shuffled_pairs_are_pairings_of_whole_clips() -> None:
    """Their mean over all pairings is exactly 0: U-centred rows sum to 0, and so do the products over all permutations."""
    x, y = related(0, clips=40)
    found = cka(x, y, draws=400)
    assert abs(found.chance) < 4 * (found.chance_high - found.chance_low) / 4 / 400**0.5


def test_unusable_activations_are_refused() -> None:
    with pytest.raises(BadArgument, match="same clips in one order"):
        cka(normal(0, 40, 5), normal(1, 41, 5))
    with pytest.raises(BadData, match="at least 20"):
        cka(normal(0, 10, 5), normal(1, 10, 5))
    with pytest.raises(BadArgument, match="one layer"):
        cka_grid({}, {0: normal(0, 30, 4)})
