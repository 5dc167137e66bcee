"""das: it finds the plane that a network reads, through the network alone, and not with labels that are not the network's."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from plane_network import WIDTH, PlaneNetwork, on_the_plane
from torch import Tensor

from jepascope.discovery.finders import find, find_shuffled
from jepascope.discovery.finders.rotation import STEPS
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.errors import BadArgument

Planted = tuple[Labelled, PlaneNetwork, Subspace]


@pytest.fixture(scope="module")
def planted() -> Planted:
    data, network = on_the_plane(seed=0)
    return data, network, find("das", data, 2)


def recovery(found: Subspace, plane: Tensor) -> float:
    """Calibrated SAS: 0 at chance, 1 for the whole plane."""
    value = float((found.basis.T @ plane).square().sum()) / 2
    return (value - 2 / WIDTH) / (1 - 2 / WIDTH)


def test_das_finds_the_plane_that_is_read_where_linear_readers_and_class_means_do_not(planted: Planted) -> None:
    data, network, found = planted
    assert recovery(found, network.read) >= 0.95
    for finder in ("diff_means", "l1_probe"):
        assert recovery(find(finder, data, 2), network.read) < 0.93


def test_every_seed_gains_and_the_best_on_held_out_clips_is_taken(planted: Planted) -> None:
    said = planted[2].provenance
    assert len(said["losses"]) == 3 and max(said["losses"]) < said["loss_without_edit"]
    assert said["form"] == "rotation" and said["steps"] <= STEPS and said["seed_rule"] == "least loss on held-out fit clips"
    assert not any(parameter.requires_grad for parameter in (planted[1].read, planted[1].write))


def test_permuted_labels_find_little_of_the_plane_each_its_own(planted: Planted) -> None:
    data, network, _ = planted
    draws = find_shuffled("das", data, 2, draws=6, seed=0)
    assert [len(draw.provenance["losses"]) for draw in draws] == [1] * 6
    assert sum(recovery(draw, network.read) for draw in draws) / 6 < 0.4
    assert not torch.equal(draws[0].basis, draws[1].basis)


def test_the_order_of_clips_plays_no_part(planted: Planted) -> None:
    data, _, found = planted
    order = torch.randperm(len(data.y), generator=torch.Generator().manual_seed(3))
    assert data.values is not None and data.groups is not None and data.suffix is not None
    other = Labelled(data.x[order], data.y[order], data.values[order], data.groups[order], data.suffix.select(order))
    again = find("das", other, 2)
    assert float((found.basis.T @ again.basis).square().sum()) / 2 == pytest.approx(1, abs=1e-3)


def test_an_equal_run_gives_equal_digits_and_another_seed_another_frame(planted: Planted) -> None:
    data, network, found = planted
    assert torch.equal(find("das", data, 2).basis, found.basis)
    other = find("das", data, 2, seed=1)
    assert not torch.equal(other.basis, found.basis) and recovery(other, network.read) >= 0.95


def test_permuting_keeps_a_clips_label_values_and_twins_class_together(planted: Planted) -> None:
    data = planted[0]
    other = data.permuted(torch.Generator().manual_seed(0))

    def rows(one: Labelled) -> list[tuple[float, ...]]:
        assert one.suffix is not None and one.values is not None
        return [(int(y), *v.tolist(), int(t)) for y, v, t in zip(one.y, one.values, one.suffix.target, strict=True)]

    assert rows(data) != rows(other) and sorted(rows(data)) == sorted(rows(other))
    assert torch.equal(other.x, data.x) and other.groups is data.groups


def test_twins_that_are_not_these_clips_are_refused(planted: Planted) -> None:
    data, _, _ = planted
    assert data.suffix is not None
    with pytest.raises(BadArgument, match=r"'das' at layer 1, all tokens has 192 labels for 192 clips, 192 twins and 5 targets"):
        find("das", replace(data, suffix=replace(data.suffix, target=data.suffix.target[:5])), 2)
