"""Stability selection finds planted coordinates again and again, keeps noise under its bound, and treats layers as if alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from jepascope.discovery.probes.folds import complementary_halves, exchanged_within
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.probes.stability import _point, expected_false, stability_selection
from jepascope.errors import BadArgument, BadData

PLANTED = 4


def marked(seed: int, clips: int = 80, width: int = 40) -> tuple[Tensor, Tensor]:
    """Independent noise; each of four classes is marked by one coordinate of the first four."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(clips) % PLANTED
    x = torch.randn(clips, width, generator=generator)
    x[:, :PLANTED] += 2.5 * torch.nn.functional.one_hot(y, PLANTED)
    return x, y


def test_halves_part_the_clips_evenly_and_keep_scenes_whole() -> None:
    groups = torch.arange(60) // 2
    y = groups % 3
    halves = complementary_halves(y, groups, pairs=6, seed=1)
    assert torch.equal(halves[0::2], ~halves[1::2])
    assert len({tuple(half.tolist()) for half in halves[0::2]}) == 6
    for half in halves:
        assert torch.equal(half[0::2], half[1::2])
        assert set(torch.bincount(y[half]).tolist()) == {10}


def test_permuted_labels_keep_the_classes_of_the_half_and_scenes_of_one_class() -> None:
    groups = torch.arange(60) // 2
    y = groups % 3
    half = complementary_halves(y, groups, pairs=1)[0]
    permuted = exchanged_within(half, y, groups, torch.Generator().manual_seed(0))
    assert torch.equal(torch.bincount(permuted[half]), torch.bincount(y[half]))
    assert torch.equal(permuted[0::2], permuted[1::2])
    assert torch.equal(permuted[~half], y[~half])
    assert not torch.equal(permuted, y)


def test_planted_coordinates_are_stable_and_noise_stays_under_the_bound() -> None:
    x, y = marked(seed=1)
    found = stability_selection({0: x}, y, pairs=12, permuted=6)[0]
    assert [p.strength for p in found.points] == sorted((p.strength for p in found.points), reverse=True)
    first = found.points[0]
    assert bool((first.frequencies[:PLANTED] >= 0.95).all())
    assert first.frequencies[PLANTED:].mean() < 0.5
    for point in found.points:
        falsely = int((point.frequencies[PLANTED:] >= found.threshold).sum())
        assert falsely <= (point.false_bound if point.false_bound == point.false_bound else x.shape[1])
        assert point.support_low <= point.support <= point.support_high
        assert point.selected == pytest.approx(point.support * x.shape[1])
        assert point.selected == pytest.approx(float(point.frequencies.sum()), rel=1e-5)
        assert point.stable == pytest.approx(float((point.frequencies >= 0.9 - 1e-9).float().mean()))
        assert 0 <= point.permuted_support <= 1
    assert found.halves == 24


def test_permuting_clips_changes_nothing() -> None:
    x, y = marked(seed=2)
    groups = torch.arange(len(y))
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(3))
    one = stability_selection({0: x}, y, groups, strengths=2, pairs=4, permuted=0, tolerance=1e-5)[0]
    other = stability_selection({0: x[order]}, y[order], groups[order], strengths=2, pairs=4, permuted=0, tolerance=1e-5)[0]
    for a, b in zip(one.points, other.points, strict=True):
        assert a.strength == pytest.approx(b.strength, rel=1e-4)
        assert (a.frequencies - b.frequencies).abs().mean() < 0.01
        assert math.isnan(a.permuted_support)


def test_layers_together_equal_each_alone_whatever_their_widths() -> None:
    x, y = marked(seed=4)
    layers = {"a": x, "narrow": x[:, :20], "b": x.flip(1)}
    together = stability_selection(layers, y, strengths=2, pairs=3, permuted=2)
    assert list(together) == ["a", "narrow", "b"]
    for name, layer in layers.items():
        single = stability_selection({name: layer}, y, strengths=2, pairs=3, permuted=2)[name]
        for a, b in zip(together[name].points, single.points, strict=True):
            assert (a.frequencies - b.frequencies).abs().mean() < 0.01
            assert a.support == pytest.approx(b.support, abs=0.01)


def test_the_choice_of_a_path_is_among_the_strengths() -> None:
    x, y = marked(seed=5)
    paths = l1_paths({0: x}, y, penalty="row")
    found = stability_selection({0: x}, y, paths=paths, pairs=2, permuted=1, penalty="row")[0]
    assert found.chosen is not None
    assert found.points[found.chosen].strength == paths[0].choice.strength
    assert {p.strength for p in found.points} <= {p.strength for p in paths[0].points}


def test_a_count_at_the_threshold_is_stable_by_the_stored_frequency_too() -> None:
    """45 of 50 is 0.9, which float32 would store as less."""
    support = torch.zeros(50, 4, dtype=torch.bool)
    support[:45, 0] = support[:44, 1] = support[:, 2] = True
    point = _point(1.0, support, 50, 0.9)
    assert point.stable == 0.5
    assert [frequency >= 0.9 for frequency in point.frequencies.tolist()] == [True, False, True, False]


def test_the_bound_is_that_of_the_papers_and_void_where_it_says_nothing() -> None:
    assert expected_false(10, 100, 0.9) == pytest.approx(10**2 / (0.8 * 100))
    assert math.isnan(expected_false(10, 100, 0.5))
    assert math.isnan(expected_false(95, 100, 0.9))


def test_bad_input_names_the_layer_and_the_remedy() -> None:
    x, y = marked(seed=6)
    with pytest.raises(BadData, match=r"Layer 3 holds NaN"):
        stability_selection({3: x / 0 * 0}, y)
    with pytest.raises(BadData, match=r"Layer 3 has the same activations"):
        stability_selection({3: torch.ones_like(x)}, y)
    with pytest.raises(BadData, match="one class"):
        stability_selection({3: x}, torch.zeros_like(y))
    with pytest.raises(BadData, match=r"Class 2 has clips of a single scene.*add scenes"):
        stability_selection({3: x}, y, torch.where(y == 2, 1000, torch.arange(len(y))))
    with pytest.raises(BadArgument, match="at least one pair"):
        stability_selection({3: x}, y, pairs=0)
    with pytest.raises(BadArgument, match="at least one strength"):
        stability_selection({3: x}, y, strengths=0)
