"""Finders: what each spans, when two of them must coincide, and what they refuse."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_classes import planted
from torch import Tensor

from jepascope.discovery.finders import FINDERS, find, find_shuffled, max_rank
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.probes.paths import l1_paths
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument, BadData

NO_NETWORK = [name for name in FINDERS if name != "das"]
"""das has tests of its own."""
QUICK = [pytest.param(name, marks=pytest.mark.slow if name == "l1_probe_pattern" else ()) for name in NO_NETWORK]
"""The same, without a second fit of the path of l1_probe."""


def labelled(x: Tensor, y: Tensor, **more: Any) -> Labelled:
    """With values, for finders that take them: the classes on a circle."""
    angle = y * (2 * math.pi / (int(y.max()) + 1))
    return Labelled(x, y, torch.stack([angle.cos(), angle.sin()], dim=1), **more)


def highest(name: str, data: Labelled, rank: int) -> int:
    return min(rank, max_rank(name, data.classes, data.width, data.outputs))


def alike(a: Subspace, b: Subspace) -> float:
    """SAS: mean squared cosine of the principal angles."""
    return float((a.basis.T @ b.basis).square().sum()) / min(a.rank, b.rank)


def turned(width: int, seed: int) -> Tensor:
    return torch.linalg.qr(torch.randn(width, width, generator=torch.Generator().manual_seed(seed)))[0]


@settings(max_examples=20)
@given(seed=st.integers(0, 999), classes=st.integers(2, 6))
def test_at_full_rank_diff_means_and_class_pca_coincide_and_say_so(seed: int, classes: int) -> None:
    x, y = planted(seed, classes=classes)
    one, other = find("diff_means", Labelled(x[0], y)), find("class_pca", Labelled(x[0], y))
    assert one.rank == other.rank == classes - 1
    assert alike(one, other) == pytest.approx(1, abs=1e-5)
    assert "class_pca" in one.provenance["coincides"] and "diff_means" in other.provenance["coincides"]


def test_at_rank_one_diff_means_is_the_largest_difference_and_class_pca_the_leading_axis() -> None:
    # six means on a long thin cross: the widest pair is not the axis of most variance
    means = torch.tensor([[3.0, 0], [-3, 0], [0.5, 2.5], [0.5, -2.5], [0.5, 2.6], [-1.5, -2.6]])
    x = torch.cat([means, torch.zeros(6, 3)], dim=1).repeat_interleave(4, dim=0)
    y = torch.arange(6).repeat_interleave(4)
    one, other = find("diff_means", Labelled(x, y), 1), find("class_pca", Labelled(x, y), 1)
    assert torch.allclose(one.basis[:, 0].abs(), torch.tensor([1.0, 0, 0, 0, 0]))
    assert alike(one, other) < 0.5
    assert "coincides" not in one.provenance and "coincides" not in other.provenance


def test_two_classes_give_the_classical_difference_in_means() -> None:
    x, y = planted(seed=1, classes=2)
    difference = x[0][y == 1].mean(0) - x[0][y == 0].mean(0)
    assert float((find("diff_means", Labelled(x[0], y)).basis[:, 0] @ difference) / difference.norm()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("finder", ["diff_means", "class_pca"])
def test_the_subspace_turns_with_the_basis(finder: str) -> None:
    x, y = planted(seed=2)
    turn = turned(x.shape[2], seed=3)
    plain, rotated = find(finder, Labelled(x[0], y), 2), find(finder, Labelled(x[0] @ turn, y), 2)
    assert alike(rotated, Subspace(turn.T @ plain.basis, turn.T @ plain.mean)) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("finder", QUICK)
def test_permuting_clips_changes_nothing(finder: str) -> None:
    x, y = planted(seed=4)
    groups, order = torch.arange(len(y)), torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    data = labelled(x[0], y, groups=groups)
    one = find(finder, data, highest(finder, data, 3))
    other = find(finder, labelled(x[0][order], y[order], groups=groups[order]), one.rank)
    assert alike(one, other) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("finder", ["diff_means", "class_pca"])
def test_more_clips_of_one_class_do_not_change_what_class_means_span(finder: str) -> None:
    x, y = planted(seed=5)
    extra = x[0][y == 0]
    one, other = (
        find(finder, Labelled(x[0], y), 2),
        find(finder, Labelled(torch.cat([x[0], extra, extra]), torch.cat([y, y[y == 0], y[y == 0]])), 2),
    )
    assert alike(one, other) == pytest.approx(1, abs=1e-5)


def test_ablating_the_l1_subspace_leaves_its_probe_with_constant_odds() -> None:
    x, y = planted(seed=6)
    path = l1_paths({0: x[0]}, y)[0]
    found = find("l1_probe", Labelled(x[0], y))
    ablated = x[0] - (x[0] - found.mean) @ found.basis @ found.basis.T
    logits = path.probe.logits(ablated)
    odds = logits - logits.mean(dim=1, keepdim=True)
    assert float(odds.std(dim=0).max()) < 1e-3
    assert found.provenance["strength"] == path.choice.strength


def test_a_given_path_gives_what_fitting_it_again_gives() -> None:
    x, y = planted(seed=7)
    path = l1_paths({0: x[0]}, y)[0]
    torch.testing.assert_close(find("l1_probe", Labelled(x[0], y, path=path), 3).basis, find("l1_probe", Labelled(x[0], y), 3).basis)


@pytest.mark.parametrize("finder", QUICK)
def test_shuffled_labels_give_as_many_subspaces_as_draws_at_the_same_rank_and_elsewhere(finder: str) -> None:
    x, y = planted(seed=8, clips=80, width=30, signal=2.0)
    data = labelled(x[0], y)
    true = find(finder, data, highest(finder, data, 3))
    draws = find_shuffled(finder, data, true.rank, draws=4, seed=1, layer=7)
    assert [d.provenance["draw"] for d in draws] == [0, 1, 2, 3]
    assert all(d.rank == true.rank and d.provenance["layer"] == 7 and d.provenance["labels"] == "shuffled" for d in draws)
    if finder != "within_pca":  # which knows nothing of the labels that it is without
        assert max(alike(true, d) for d in draws) < 0.7
    again = find_shuffled(finder, data, true.rank, draws=4, seed=1)
    assert all(torch.equal(a.basis, b.basis) for a, b in zip(draws, again, strict=True))


@pytest.mark.parametrize("finder", NO_NETWORK)
def test_provenance_carries_finder_form_rank_and_what_the_caller_adds(finder: str) -> None:
    x, y = planted(seed=9)
    found = find(finder, labelled(x[0], y), 2, layer=7, tokens="object")
    said = {"finder": finder, "rank": 2, "layer": 7, "tokens": "object"}
    assert said.items() <= found.provenance.items() and found.rank == 2
    filters = ("l1_probe", "ridge_circle", "lda", "leace", "inlp")
    assert found.provenance["form"] == ("filter" if finder in filters else "pattern")
    torch.testing.assert_close(found.mean, x[0].mean(0))


@pytest.mark.parametrize("finder", QUICK)
@pytest.mark.parametrize("rank", [1, pytest.param(2, marks=pytest.mark.slow), 3, 7, 16])
def test_every_rank_up_to_the_largest_is_given_and_none_above(finder: str, rank: int) -> None:
    x, y = planted(seed=12, clips=160, width=24, classes=8)
    data = labelled(x[0], y, where="layer 3")
    most = max_rank(finder, 8, 24, 2)
    if rank <= most:
        assert find(finder, data, rank).rank == rank
    else:
        with pytest.raises(BadArgument, match=rf"'{finder}' cannot give rank {rank} at layer 3: .*ask for {most} or less"):
            find(finder, data, rank)


NESTED = [name for name in NO_NETWORK if name not in ("l1_probe_pattern", "ridge_circle_pattern", "inlp_pattern")]


@pytest.mark.parametrize("finder", NESTED)
def test_a_lower_rank_is_the_leading_part_of_a_higher_one(finder: str) -> None:
    x, y = planted(seed=13)
    data = labelled(x[0], y)
    low, high = find(finder, data, 1), find(finder, data, 2)
    assert alike(low, high) == pytest.approx(1, abs=1e-5)


def test_a_sparse_probe_at_chance_walks_down_the_path_and_says_so() -> None:
    x, y = planted(seed=10)
    path = l1_paths({0: x[0]}, y)[0]
    at_chance = replace(path, chosen=0)  # the strongest strength, which keeps no coordinate
    found = find("l1_probe", Labelled(x[0], y, path=at_chance), 3)
    assert at_chance.probe.support == 0 and found.rank == 3
    assert "first strength on the path" in found.provenance["strength_rule"]


def test_what_labels_do_not_allow_is_refused_with_the_remedy() -> None:
    x, y = planted(seed=11)
    with pytest.raises(BadArgument, match=r"no finder 'pca'; known are diff_means, class_pca, within_pca"):
        find("pca", Labelled(x[0], y))
    with pytest.raises(BadArgument, match=r"the activations: 4 classes in width 12 allow ranks 1\.\.3; ask for 3 or less"):
        find("diff_means", Labelled(x[0], y), 4)
    with pytest.raises(BadData, match="one class"):
        find("class_pca", Labelled(x[0], 0 * y))
    with pytest.raises(BadData, match=r"layer 7.*NaN"):
        find("class_pca", Labelled(x[0] / 0, y, where="layer 7"))
    with pytest.raises(BadArgument, match="at least one draw"):
        find_shuffled("diff_means", Labelled(x[0], y), 2, draws=0)
    flat = torch.nn.functional.one_hot(y % 2, 12).float()
    with pytest.raises(BadArgument, match=r"differ in 1 direction.*lower rank"):
        find("diff_means", Labelled(flat, y), 3)


@pytest.mark.parametrize("finder", NO_NETWORK)
def test_every_refusal_names_the_layer(finder: str) -> None:
    x, y = planted(seed=12)
    alone = labelled(x[0], y, where="layer 7")
    one_class, nothing = replace(alone, y=0 * y), replace(alone, x=x[0][:0], y=y[:0], values=torch.empty(0, 2))
    for data, message in ((one_class, "layer 7.*one class"), (nothing, "layer 7.*no clips.*split is not empty")):
        with pytest.raises(BadData, match=message):
            find(finder, data)
    with pytest.raises(BadData, match=r"layer 7.*one class"):
        _ = one_class.classes


def test_too_few_scenes_to_cross_validate_and_too_few_directions_name_the_layer() -> None:
    x, y = planted(seed=12)
    few = torch.cat([torch.nonzero(y == label).flatten()[:2] for label in range(4)])
    with pytest.raises(BadData, match=r"layer 7: Class 0 has clips of 2 scene.*add scenes"):
        find("l1_probe", Labelled(x[0][few], y[few], where="layer 7"))
    flat = torch.nn.functional.one_hot(y % 2, 12).float()
    with pytest.raises(BadArgument, match=r"'class_pca' at layer 7: .*span rank 1"):
        find("class_pca", Labelled(flat, y, where="layer 7"), 3)
