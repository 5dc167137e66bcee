"""Probes of many layers: choice of strength, invariances, and what is refused."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_classes import planted

from jepascope.discovery.probes.folds import scene_folds
from jepascope.discovery.probes.paths import LinearProbe, dense_probes, l1_paths
from jepascope.errors import BadArgument, BadData
from jepascope.intervention.judges import margin


@settings(max_examples=30)
@given(seed=st.integers(0, 99), folds=st.integers(2, 5), size=st.integers(1, 3))
def test_folds_keep_scenes_whole_and_classes_even(seed: int, folds: int, size: int) -> None:
    groups = torch.arange(60) // size
    y = groups % 3
    fold = scene_folds(y, groups, folds, seed)
    for scene in groups.unique():
        assert len(fold[groups == scene].unique()) == 1
    counts = torch.stack([torch.bincount(y[fold == one], minlength=3) for one in range(folds)])
    assert int((counts.amax(0) - counts.amin(0)).max()) <= size


def test_folds_do_not_depend_on_the_order_of_clips() -> None:
    groups, y = torch.arange(40) // 2, (torch.arange(40) // 2) % 4
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    assert torch.equal(scene_folds(y, groups, 5, 3)[order], scene_folds(y[order], groups[order], 5, 3))


def test_separated_classes_are_read_and_shuffled_labels_are_not() -> None:
    x, y = planted(seed=1, clips=80, signal=3.0)
    noise = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
    fresh, fresh_y = x[0][60:], y[60:]
    path = dense_probes({"good": x[0][:60]}, y[:60])["good"]
    assert path.choice.cv_accuracy > 0.95
    assert path.probe.accuracy(fresh, fresh_y) > 0.9
    assert margin(path.probe.logits(fresh).double(), fresh_y).mean() > 0
    assert dense_probes({"good": x[0]}, noise)["good"].choice.cv_accuracy < 0.5


def test_the_probe_reads_raw_activations_whatever_their_units() -> None:
    x, y = planted(seed=2)
    units = torch.logspace(-2, 2, x.shape[2])
    raw = x[0] * units + 5 * units
    plain, scaled = dense_probes({0: x[0]}, y)[0], dense_probes({0: raw}, y)[0]
    assert plain.chosen == scaled.chosen
    torch.testing.assert_close(plain.probe.logits(x[0]), scaled.probe.logits(raw), rtol=0, atol=2e-2)


def test_margin_is_the_true_logit_less_the_mean_of_the_others() -> None:
    probe = LinearProbe(torch.eye(3), torch.tensor([0.0, 1.0, 2.0]))
    assert margin(probe.logits(torch.tensor([[4.0, 0.0, 0.0]])).double(), torch.tensor([0])).tolist() == [4.0 - 1.5]


def test_layers_are_fitted_as_if_alone_and_come_back_under_their_names() -> None:
    x, y = planted(seed=3, layers=2)
    wide, _ = planted(seed=3, width=20)
    layers = {"a": x[0], "wide": wide[0], "b": x[1]}
    shares = (1.0, 0.5, 0.2)
    together = l1_paths(layers, y, shares=shares)
    assert list(together) == ["a", "wide", "b"]
    for name in layers:
        single = l1_paths({name: layers[name]}, y, shares=shares)[name]
        assert single.chosen == together[name].chosen
        torch.testing.assert_close(single.probe.weights, together[name].probe.weights, rtol=0, atol=1e-4)


def test_permuting_clips_changes_nothing() -> None:
    x, y = planted(seed=4)
    groups = torch.arange(len(y))
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(1))
    strengths = (0.5, 0.2, 0.05)
    for fit in (dense_probes, l1_paths):
        one = fit({0: x[0]}, y, groups, 5, strengths, tolerance=1e-5)[0]
        other = fit({0: x[0][order]}, y[order], groups[order], 5, strengths, tolerance=1e-5)[0]
        assert [p.cv_accuracy for p in one.points] == pytest.approx([p.cv_accuracy for p in other.points])
        torch.testing.assert_close(one.probe.weights, other.probe.weights, rtol=0, atol=1e-3)


def test_the_l1_choice_is_the_sparsest_within_one_standard_error_and_its_gap_is_certified() -> None:
    x, y = planted(seed=5, clips=80)
    path = l1_paths({0: x[0]}, y)[0]
    best = max(path.points, key=lambda p: p.cv_accuracy)
    assert path.choice.cv_accuracy >= best.cv_accuracy - best.cv_se - 1e-9
    assert all(p.cv_accuracy < best.cv_accuracy - best.cv_se for p in path.points[: path.chosen])
    assert path.points[0].support == 0
    assert all(p.gap <= 1e-3 for p in path.points)
    assert [p.strength for p in path.points] == sorted((p.strength for p in path.points), reverse=True)


def test_a_row_path_certifies_its_gap_begins_empty_and_uses_each_coordinate_for_all_classes() -> None:
    x, y = planted(seed=9, clips=80)
    path = l1_paths({0: x[0]}, y, penalty="row", shares=(1.0, 0.4, 0.1))[0]
    assert path.kind == "row"
    assert path.points[0].support == 0 < path.points[1].support
    assert all(point.gap <= 1e-3 for point in path.points)
    used = path.points[1].probe.weights != 0
    assert torch.equal(used.any(dim=0), used.all(dim=0))


def test_rotating_the_basis_changes_l1_support_but_not_the_dense_accuracy() -> None:
    generator = torch.Generator().manual_seed(6)
    y = torch.arange(80) % 4
    x = torch.randn(80, 20, generator=generator)
    x[:, :4] += 3 * torch.nn.functional.one_hot(y, 4)
    turn = torch.linalg.qr(torch.randn(20, 20, generator=generator))[0]
    plain, turned = l1_paths({0: x}, y)[0], l1_paths({0: x @ turn}, y)[0]
    assert plain.choice.support < 0.5 < turned.choice.support


def test_bad_input_names_the_layer_and_the_remedy() -> None:
    x, y = planted(seed=7)
    good = x[0]
    with pytest.raises(BadData, match=r"Layer 3 holds NaN.*capture"):
        dense_probes({3: torch.where(good > 0, torch.nan, good)}, y)
    with pytest.raises(BadData, match=r"'layer 7, object tokens' has the same activations.*leave it out"):
        dense_probes({"layer 7, object tokens": torch.ones_like(good)}, y)
    with pytest.raises(BadData, match="one class"):
        dense_probes({0: good}, torch.zeros_like(y))
    with pytest.raises(BadData, match=r"too few for 5-fold.*add scenes"):
        dense_probes({0: good}, y, torch.arange(len(y)) % 8)
    with pytest.raises(BadData, match="has no clip"):
        dense_probes({0: good}, torch.where(y == 2, 3, y))
    for strengths in ([], [0.5, -0.1]):
        with pytest.raises(BadArgument, match="at least one strength, each above 0"):
            dense_probes({0: good}, y, strengths=strengths)
        with pytest.raises(BadArgument, match="at least one strength, each above 0"):
            l1_paths({0: good}, y, shares=strengths)
    with pytest.raises(BadData, match=r"Layer 3 holds NaN"):
        l1_paths({0: good, 3: torch.full_like(good, torch.inf)}, y, penalty="row")


def test_a_dead_coordinate_is_never_used() -> None:
    x, y = planted(seed=8)
    dead = torch.cat([x[0], torch.full((len(y), 1), 0.3)], dim=1)
    for fit in (dense_probes, l1_paths):
        assert fit({0: dead}, y)[0].probe.weights[:, -1].abs().max() == 0


def test_labels_that_cannot_be_probed_name_the_layers() -> None:
    x, y = planted(0, layers=3)
    layers = dict(enumerate(x))
    with pytest.raises(BadData, match=r"Layers 0 to 2: All clips are of one class.*take clips"):
        dense_probes(layers, 0 * y)
    with pytest.raises(BadData, match=r"Layer 7: Class 0 has clips of 1 scene.*add scenes"):
        l1_paths({7: x[0]}, y, groups=y, folds=5)
