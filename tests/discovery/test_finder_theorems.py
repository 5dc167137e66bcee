"""What finders of second moments must satisfy: erasure, coincidences, equivariance, parity with established libraries."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_classes import planted
from sklearn.covariance import OAS
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from torch import Tensor

from jepascope.discovery.finders import find
from jepascope.discovery.finders.inlp import inlp_strength, rounds
from jepascope.discovery.finders.lda import discriminants
from jepascope.discovery.finders.leace import LeaceEraser
from jepascope.discovery.finders.regularised import gcv_strength, oas_share, ridge_filters, shrunk
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData

WIDTH, CLASSES = 12, 4


def data_of(seed: int, clips: int = 96, signal: float = 1.0, width: int = WIDTH) -> Labelled:
    x, y = planted(seed, clips, width, CLASSES, signal)
    y = torch.where((torch.arange(clips) % 16 == 3), 0, y)  # classes of unequal size
    angle = y * (2 * torch.pi / CLASSES)
    return Labelled(x[0], y, torch.stack([angle.cos(), angle.sin()], dim=1), where="layer 3")


def overlap(u: Tensor, v: Tensor) -> float:
    """SAS of two spans."""
    u, v = (torch.linalg.qr(side.double())[0] for side in (u, v))
    return float((u.T @ v).square().sum()) / min(u.shape[1], v.shape[1])


def fresh_accuracy(x: Tensor, y: Tensor) -> float:
    """Of a logistic regression trained and scored on the same clips: the most that a linear reader gets."""
    return float(LogisticRegression(C=10.0, max_iter=2000).fit(x.numpy(), y.numpy()).score(x.numpy(), y.numpy()))


def chance(y: Tensor) -> float:
    return float(torch.bincount(y).max()) / len(y)


@settings(max_examples=15)
@given(seed=st.integers(0, 999), shrinkage=st.sampled_from([None, 0.0, 0.3]))
def test_after_leace_the_labels_covariance_is_zero_whatever_the_shrinkage(seed: int, shrinkage: float | None) -> None:
    data = data_of(seed)
    eraser = LeaceEraser.fit(data.moments, shrinkage)
    erased = Labelled(eraser.erase(data.x.double()).float(), data.y)
    assert float(erased.moments.class_cross.abs().max()) < 1e-5 < float(data.moments.class_cross.abs().max())
    torch.testing.assert_close(eraser.erase(eraser.erase(data.x)), eraser.erase(data.x), rtol=0, atol=1e-4)  # a projection


def test_after_leace_a_fresh_probe_is_at_chance_and_before_it_is_not() -> None:
    data = data_of(0, signal=2.0)
    erased = LeaceEraser.fit(data.moments).erase(data.x)
    assert fresh_accuracy(data.x, data.y) > 0.9
    assert fresh_accuracy(erased, data.y) <= chance(data.y) + 0.02


def test_leace_changes_activations_less_than_any_other_erasure_at_hand() -> None:
    data = data_of(1)
    span = find("diff_means", data)
    orthogonal = data.x - (data.x - span.mean) @ span.basis @ span.basis.T
    changes = {share: float((LeaceEraser.fit(data.moments, share).erase(data.x) - data.x).square().sum()) for share in (0.0, 0.3, 0.9)}
    assert changes[0.0] < changes[0.3] < changes[0.9] < float((orthogonal - data.x).square().sum())


def test_ablating_the_leace_pattern_at_full_rank_leaves_no_covariance_with_the_label() -> None:
    data = data_of(2)
    found = find("leace_pattern", data)
    ablated = data.x - (data.x - found.mean) @ found.basis @ found.basis.T
    assert float(Labelled(ablated, data.y).moments.class_cross.abs().max()) < 1e-5


@settings(max_examples=15)
@given(seed=st.integers(0, 999))
def test_coincidences_at_full_rank_are_theorems(seed: int) -> None:
    data = data_of(seed)
    means = find("diff_means", data)
    for name in ("class_pca", "lda_pattern", "leace_pattern"):
        found = find(name, data)
        assert overlap(found.basis, means.basis) == pytest.approx(1, abs=1e-5) and "diff_means" in found.provenance["coincides"]
        assert "coincides" not in find(name, data, 1).provenance
    # both filters solve with S or S_w, and S = S_w + S_b: one span without shrinkage
    assert overlap(LeaceEraser.fit(data.moments, 0.0).filters, discriminants(data.moments, 0.0)[0]) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_discriminants_are_those_of_scikit_learn_in_its_order(rank: int) -> None:
    data = data_of(3)
    oracle = LinearDiscriminantAnalysis(solver="eigen").fit(data.x.double().numpy(), data.y.numpy())
    theirs = torch.as_tensor(oracle.scalings_[:, :rank])
    assert overlap(discriminants(data.moments, 0.0)[0][:, :rank], theirs) == pytest.approx(1, abs=1e-8)


def test_shrunk_discriminants_span_scikit_learns_shrunk_coefficients() -> None:
    data = data_of(3)  # its eigen solver shrinks S_b too, so the comparison is with its least-squares solver
    oracle = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(data.x.double().numpy(), data.y.numpy())
    theirs = torch.as_tensor(oracle.coef_[1:] - oracle.coef_[:1]).T
    assert overlap(discriminants(data.moments, 0.2)[0], theirs) == pytest.approx(1, abs=1e-8)


def test_the_shrinkage_is_scikit_learns_oas() -> None:
    data = data_of(4)
    oracle = OAS().fit(data.x.double().numpy())
    share = oas_share(data.moments.covariance, data.moments.count)
    assert share == pytest.approx(oracle.shrinkage_)
    torch.testing.assert_close(shrunk(data.moments.covariance, share), torch.as_tensor(oracle.covariance_))
    assert find("leace", data).provenance["shrinkage"] == share


def test_leace_erases_what_the_concept_erasure_package_erases() -> None:
    package = pytest.importorskip("concept_erasure")
    data = data_of(5)
    x, z = data.x.double(), torch.nn.functional.one_hot(data.y, CLASSES).double()
    fitter = package.LeaceFitter(WIDTH, CLASSES, dtype=torch.float64, shrinkage=False, svd_tol=1e-6)
    theirs = fitter.update(x, z).eraser(x)
    torch.testing.assert_close(LeaceEraser.fit(data.moments, 0.0).erase(x), theirs, rtol=0, atol=1e-8)


def test_ridge_filters_are_scikit_learns_and_hold_the_circle() -> None:
    data = data_of(6, signal=2.0)
    moments = data.moments
    assert moments.cross is not None and data.values is not None
    oracle = Ridge(alpha=0.5 * moments.count).fit(data.x.double().numpy(), data.values.double().numpy())
    filters, variance = ridge_filters(moments.covariance, moments.cross, 0.5)
    assert overlap(filters, torch.as_tensor(oracle.coef_).T) == pytest.approx(1, abs=1e-8) and variance[0] >= variance[1]
    found = find("ridge_circle", data)
    assert found.rank == 2 and found.provenance["explained"] > 0.5
    assert overlap(find("ridge_circle_pattern", data).basis, moments.covariance @ found.basis.double()) == pytest.approx(1, abs=1e-5)


def test_generalised_cross_validation_follows_the_noise() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(60, 40, generator=generator)
    weights = torch.randn(40, 2, generator=generator)
    chosen = []
    for noise in (0.1, 30.0):
        values = x @ weights + noise * torch.randn(60, 2, generator=generator)
        moments = Labelled(x, torch.arange(60) % 2, values).moments
        assert moments.cross is not None and moments.values_covariance is not None
        chosen.append(gcv_strength(moments.covariance, moments.cross, float(moments.values_covariance.trace()), 60))
    assert chosen[0] < 0.1 < 1 < chosen[1]


def test_the_null_space_of_inlp_grows_by_classes_less_one_a_round_and_accuracy_falls_to_chance() -> None:
    data = data_of(7, clips=128, signal=1.5, width=24)
    found, sizes = rounds(data.moments, 23, inlp_strength(data.moments))
    assert set(sizes[:3]) == {CLASSES - 1}
    torch.testing.assert_close(found.T @ found, torch.eye(found.shape[1], dtype=torch.float64), rtol=0, atol=1e-9)
    accuracies = []
    for taken in range(0, found.shape[1] + 1, CLASSES - 1):
        basis = found[:, :taken].float()
        accuracies.append(fresh_accuracy(data.x - (data.x - data.x.mean(dim=0)) @ basis @ basis.T, data.y))
    assert found.shape[1] == 23 and len(sizes) == 8
    assert accuracies[0] > 0.9 and accuracies[:4] == sorted(accuracies[:4], reverse=True)
    assert accuracies[-1] <= chance(data.y) + 0.05


def test_inlp_stops_where_nothing_linear_is_left_and_says_so() -> None:
    data = data_of(8)
    erased = Labelled(LeaceEraser.fit(data.moments).erase(data.x.double()).float(), data.y, where="layer 3")
    # what rounding leaves of the covariance is no signal
    with pytest.raises(BadArgument, match=r"'inlp' at layer 3 spans 0 direction.*lower rank"):
        find("inlp", erased, 1)


def test_within_pca_finds_the_nuisance_and_not_the_classes() -> None:
    generator = torch.Generator().manual_seed(9)
    y = torch.arange(80) % CLASSES
    x = 0.1 * torch.randn(80, WIDTH, generator=generator)
    x[:, :CLASSES] += 20 * torch.nn.functional.one_hot(y, CLASSES)
    x[:, -2:] += torch.randn(80, 2, generator=generator)
    found = find("within_pca", Labelled(x, y), 2)
    assert overlap(found.basis, torch.eye(WIDTH)[:, -2:]) > 0.98


@pytest.mark.parametrize(
    "finder",
    ["diff_means", "class_pca", "within_pca", "ridge_circle", "lda", "lda_pattern", "leace", "leace_pattern", "inlp", "inlp_pattern"],
)
def test_subspaces_turn_with_the_basis(finder: str) -> None:
    data = data_of(10)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(1)))[0]
    plain, turned = find(finder, data, 2), find(finder, Labelled(data.x @ turn, data.y, data.values), 2)
    assert overlap(turned.basis, turn.T @ plain.basis) == pytest.approx(1, abs=1e-4)


def test_rotating_the_basis_changes_l1_support_and_its_subspace_but_not_that_of_diff_means() -> None:
    generator = torch.Generator().manual_seed(11)
    y = torch.arange(80) % CLASSES
    x = torch.randn(80, 20, generator=generator)
    x[:, :CLASSES] += 3 * torch.nn.functional.one_hot(y, CLASSES)
    turn = torch.linalg.qr(torch.randn(20, 20, generator=generator))[0]

    def both(finder: str) -> tuple[Subspace, Subspace]:
        return find(finder, Labelled(x, y)), find(finder, Labelled(x @ turn, y))

    plain, turned = both("l1_probe")
    assert plain.provenance["support"] < 0.5 < turned.provenance["support"]
    assert overlap(turn @ turned.basis, plain.basis) < 0.99
    plain, turned = both("diff_means")
    assert overlap(turn @ turned.basis, plain.basis) == pytest.approx(1, abs=1e-5)


def test_bad_input_names_the_layer_and_the_remedy() -> None:
    data = data_of(12)
    with pytest.raises(BadArgument, match=r"'ridge_circle' at layer 3 needs a variable with values.*another finder"):
        find("ridge_circle", Labelled(data.x, data.y, where="layer 3"))
    with pytest.raises(BadArgument, match=r"'das' at layer 3 trains through the network.*encoder="):
        find("das", data)
    with pytest.raises(BadArgument, match=r"'ridge_circle' cannot give rank 3 at layer 3: 2 value.*ask for 2 or less"):
        find("ridge_circle", data, 3)
    with pytest.raises(BadArgument, match=r"layer 3.*values must be finite, one row for each of the 96 clips"):
        find("lda", Labelled(data.x, data.y, data.x[:, :2] / 0, where="layer 3"))
    for finder in ("lda", "leace", "inlp", "ridge_circle", "within_pca", "das"):
        with pytest.raises(BadData, match=r"layer 3.*one class"):
            find(finder, Labelled(data.x, 0 * data.y, data.values, where="layer 3"))
        with pytest.raises(BadData, match=r"layer 3.*same activations"):
            find(finder, Labelled(torch.ones_like(data.x), data.y, data.values, where="layer 3"))
        with pytest.raises(BadData, match=r"layer 3.*NaN or infinite"):
            find(finder, Labelled(torch.where(data.x > 1, torch.inf, data.x), data.y, data.values, where="layer 3"))
