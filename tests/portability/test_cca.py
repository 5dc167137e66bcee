"""Theorems of canonical correlations: in sample they can be anything, held out they are what the two sides share."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.cross_decomposition import CCA
from torch import Tensor

from jepascope.errors import BadArgument, BadData
from jepascope.portability.alignment import sas
from jepascope.portability.cca import canonical_readings, held_out_cca
from jepascope.portability.pca import pca

FIT, TEST = slice(0, 200), slice(200, 280)
CLASSES = torch.arange(280) % 8


def normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def planted(shared: int, seed: int = 0, noise: float = 0.3, widths: tuple[int, int] = (60, 90)) -> tuple[Tensor, Tensor]:
    """280 clips of two encoders that share ``shared`` dimensions; each has 10 - shared strong ones of its own."""
    common = normal(seed, 280, shared)
    sides = []
    for side, width in enumerate(widths):
        own = normal(seed + 10 + side, 280, 10 - shared)
        axes = torch.linalg.qr(normal(seed + 20 + side, width, 10)).Q
        sides.append(torch.cat([common, own], dim=1) @ axes.T + noise * normal(seed + 30 + side, 280, width) / width**0.5)
    return sides[0], sides[1]


def test_unrelated_encoders_are_perfectly_correlated_in_sample_and_at_chance_held_out() -> None:
    x, y = normal(0, 480, 1024), normal(1, 480, 1280)
    u, v = (scipy.linalg.orth((side[:400] - side[:400].mean(dim=0)).double().numpy()) for side in (x, y))
    naive = np.linalg.svd(u.T @ v, compute_uv=False)
    np.testing.assert_allclose(naive, 1, atol=1e-9)  # all 399 of them

    found = held_out_cca(x[:400], y[:400], x[400:], y[400:])
    held = found.similarity
    assert held.low < 0 < held.high and held.chance_low < held.value < held.chance_high and abs(held.value) < 0.05
    assert held.components == 20 and held.n == 80
    # reduced, the same axes on the clips they were fitted to: far above 0, and no more than shuffled pairs get
    assert found.in_sample.value > 0.1 and found.in_sample.chance_low < found.in_sample.value < found.in_sample.chance_high


def in_sample(x: Tensor, y: Tensor) -> np.ndarray:
    """Canonical correlations of clips that are scored by the axes fitted to them."""
    return canonical_readings(x, y, x, y, draws=1, resamples=1).correlations


def test_in_sample_correlations_are_refused_where_they_are_forced() -> None:
    with pytest.raises(BadArgument, match=r"400 clips in 1024 and 1280 dimensions.*whatever the data"):
        in_sample(normal(0, 400, 1024), normal(1, 400, 1280))
    with pytest.raises(BadArgument, match="whatever the data"):
        in_sample(normal(0, 30, 15), normal(1, 30, 15))
    in_sample(normal(0, 31, 15), normal(1, 31, 15))
    x, y = normal(0, 50, 60), normal(1, 50, 60)
    with pytest.raises(BadArgument, match="ask for 24 components or fewer"):
        held_out_cca(x, y, x, y, components=25)
    with pytest.raises(BadArgument, match=r"ask for 1\.\.49"):
        held_out_cca(x, y, x, y, components=60)


def test_in_sample_correlations_are_those_of_other_libraries() -> None:
    x = normal(0, 280, 6)
    y = torch.cat([x[:, :3] * torch.tensor([1.0, 2, 3]) + normal(1, 280, 3), normal(2, 280, 6)], dim=1)
    found = in_sample(x, y)
    # parity of the spans' angles, and of scikit-learn's iterations
    angles = scipy.linalg.subspace_angles(*((side - side.mean(dim=0)).double().numpy() for side in (x, y)))
    np.testing.assert_allclose(found, np.cos(np.sort(angles)), atol=1e-8)
    model = CCA(n_components=3, max_iter=2000, tol=1e-10)
    a, b = model.fit_transform(x.double().numpy(), y.double().numpy())
    np.testing.assert_allclose(found[:3], [np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(3)], atol=1e-4)


@pytest.mark.parametrize("shared", [0, 2, 6])
def test_held_out_correlations_find_the_shared_dimensions(shared: int) -> None:
    x, y = planted(shared)
    found = held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], components=10)
    assert (found.correlations[:shared] > 0.95).all() and (np.abs(found.correlations[shared:]) < 0.35).all()
    # nothing is shared: in the null's range; something is: above it
    assert (found.similarity.value > found.similarity.chance_high) == (shared > 0)
    assert found.similarity.value == pytest.approx(found.correlations.mean())
    assert found.similarity.low < found.similarity.value < found.similarity.high


def test_neither_rotation_nor_scale_nor_offset_of_a_side_matters() -> None:
    x, y = planted(3)
    turned = 7 * x.double() @ torch.linalg.qr(normal(5, 60, 60).double()).Q + 3
    a = held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], draws=5)
    b = held_out_cca(turned[FIT], y[FIT], turned[TEST], y[TEST], draws=5)
    np.testing.assert_allclose(a.correlations, b.correlations, atol=1e-5)


def test_a_shared_label_is_told_from_shared_clips() -> None:
    """Two encoders that share the class of a clip and nothing else are above shuffled pairs, and not above shuffles within classes."""
    means_x, means_y = 3 * normal(0, 8, 60), 3 * normal(1, 8, 90)
    x, y = means_x[CLASSES] + 2 * normal(2, 280, 60), means_y[CLASSES] + 2 * normal(3, 280, 90)
    label = held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], classes_fit=CLASSES[FIT], classes_test=CLASSES[TEST]).similarity
    assert label.value > label.chance_high and label.label_low < label.value < label.label_high
    x, y = planted(4)
    clips = held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], classes_fit=CLASSES[FIT], classes_test=CLASSES[TEST]).similarity
    assert clips.value > clips.label_high


def test_without_classes_there_is_no_label_chance_and_classes_of_one_split_are_refused() -> None:
    x, y = planted(3)
    found = held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], draws=3)
    assert isnan(found.similarity.label_chance) and isnan(found.in_sample.low)
    with pytest.raises(BadArgument, match="of both, or of neither"):
        held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], classes_fit=CLASSES[FIT])
    with pytest.raises(BadData, match="class of its own"):
        held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], classes_fit=torch.arange(200), classes_test=CLASSES[TEST])


def test_the_same_seed_gives_the_same_numbers() -> None:
    x, y = planted(3)
    first, again, other = (held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], draws=5, seed=seed).similarity for seed in (0, 0, 1))
    assert str(first) == str(again) and first.value == other.value and first.chance != other.chance


def test_two_filters_of_one_feature_read_the_same_where_geometry_sees_little() -> None:
    """A feature written along a + b can be read along a or along b: orthogonal subspaces, the same numbers."""
    feature = normal(0, 280, 2)
    a, b = torch.linalg.qr(normal(1, 40, 4)).Q.split(2, dim=1)
    h = feature @ (a + b).T
    found = canonical_readings(*((h @ u)[rows] for rows in (FIT, TEST) for u in (a, b))).similarity
    assert sas(a, b) < 1e-6
    assert found.value == pytest.approx(1) and found.low > 0.999 and found.chance_high < 0.1 and found.n == 80


def test_readings_of_unrelated_subspaces_are_at_chance_about_one_over_the_test_clips() -> None:
    values, chances = [], []
    for seed in range(40):
        x, y = normal(2 * seed, 280, 3), normal(2 * seed + 1, 280, 4)
        found = canonical_readings(x[FIT], y[FIT], x[TEST], y[TEST], draws=20, resamples=200).similarity
        values.append(found.value)
        chances.append(found.chance)
        assert 0 <= found.low < found.chance  # an interval that lay above it would claim something shared
    assert np.mean(chances) == pytest.approx(1 / 79, rel=0.1)
    assert np.mean(values) == pytest.approx(1 / 79, rel=0.3)


def test_bases_inside_the_two_subspaces_do_not_matter() -> None:
    x, y = planted(3, widths=(10, 10))
    a = canonical_readings(x[FIT], y[FIT], x[TEST], y[TEST], draws=3).similarity.value
    mixed = y.double() @ (normal(4, 10, 10).double() + 3 * torch.eye(10).double())
    assert canonical_readings(x[FIT], mixed[FIT], x[TEST], mixed[TEST], draws=3).similarity.value == pytest.approx(a, abs=1e-6)


@pytest.mark.slow
def test_intervals_of_the_mean_correlation_cover_it() -> None:
    """Of the axes at hand: what they would score on very many clips."""
    covered = []
    for seed in range(60):
        x, y = planted(3, seed=100 * seed, noise=1.5)
        generator = torch.Generator().manual_seed(seed)
        many = 20_000
        common = torch.randn(many, 3, generator=generator)
        far = []
        for side, width in enumerate((60, 90)):
            axes = torch.linalg.qr(normal(100 * seed + 20 + side, width, 10)).Q
            own = torch.randn(many, 7, generator=generator)
            far.append(torch.cat([common, own], dim=1) @ axes.T + 1.5 * torch.randn(many, width, generator=generator) / width**0.5)
        found = held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], components=10, draws=1).similarity
        truth = held_out_cca(x[FIT], y[FIT], far[0], far[1], components=10, draws=1, resamples=1).similarity.value
        covered.append(found.low <= truth <= found.high)
    assert np.mean(covered) > 0.85


@pytest.mark.parametrize("shape", [(30, 80), (80, 30)])
def test_principal_axes_are_those_of_the_singular_value_decomposition(shape: tuple[int, int]) -> None:
    x = normal(0, *shape) + 5
    found = pca(x)
    centred = x.double() - x.double().mean(dim=0)
    values = torch.linalg.svdvals(centred)
    rank = min(shape[0] - 1, shape[1])
    assert found.components == rank
    torch.testing.assert_close(found.scores.norm(dim=0), values[:rank])
    torch.testing.assert_close(found.scores @ found.axes.T, centred)
    torch.testing.assert_close(found.project(x), found.scores)


def test_unusable_activations_are_refused_by_name() -> None:
    x, y = planted(3)
    with pytest.raises(BadArgument, match="same clips in one order"):
        held_out_cca(x[FIT], y[:100], x[TEST], y[TEST])
    with pytest.raises(BadData, match="at least 20"):
        held_out_cca(x[:15], y[:15], x[TEST], y[TEST])
    with pytest.raises(BadData, match="second activations are the same for every clip"):
        held_out_cca(x[FIT], torch.ones(200, 90), x[TEST], y[TEST])
    broken = x.clone()
    broken[210, 3] = torch.nan
    with pytest.raises(BadData, match="test clips: the first activations hold NaN"):
        held_out_cca(x[FIT], y[FIT], broken[TEST], y[TEST])
    with pytest.raises(BadArgument, match="share from 0"):
        held_out_cca(x[FIT], y[FIT], x[TEST], y[TEST], shrinkage=2.0)
