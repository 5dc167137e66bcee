"""das: it finds the plane that a network reads, through the network alone, and not with labels that are not the network's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from plane_network import WIDTH, PlaneNetwork, on_the_plane
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from jepascope.discovery.finders import find, find_shuffled
from jepascope.discovery.finders.rotation import STEPS
from jepascope.discovery.labelled import Labelled
from jepascope.discovery.subspace import Subspace
from jepascope.encoders.budget import hidden_bytes
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


@pytest.mark.slow
def test_long_clips_are_trained_on_few_at_a_time_and_blocks_run_again(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    data, network, _ = planted
    monkeypatch.setattr("jepascope.discovery.finders.rotation.STEPS", 5)
    found = find("das", data, 2)
    ran = list[int]()

    def again(block: Callable[..., Tensor], index: int, hidden: Tensor, **how: bool) -> Tensor:
        ran.append(len(hidden))
        return checkpoint(block, index, hidden, **how)  # type: ignore[no-any-return]

    monkeypatch.setattr("jepascope.encoders.budget.AT_WORK", 3 * hidden_bytes(network.card.tokens, network.card.width))
    monkeypatch.setattr("jepascope.activations.way_back.checkpoint", again)
    assert recovery(find("das", data, 2), found.basis) > 0.999
    assert {*ran} == {1}


@pytest.mark.slow
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


@pytest.mark.slow
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


# with something ablated


def test_what_is_gone_is_ablated_in_clips_and_twins_and_nothing_else_changes(planted: Planted) -> None:
    data, network, _ = planted
    gone, mean = torch.cat([network.read[:, :1], network.noise[:, :3]], dim=1), data.x.mean(dim=0)
    left = data.without(gone, mean)
    assert left.suffix is not None and data.suffix is not None
    assert left.path is None and torch.equal(left.y, data.y) and torch.equal(left.suffix.target, data.suffix.target)
    rows = torch.arange(5)
    rest = network.noise[:, 3:]
    for tokens, before, stays in zip(left.suffix.exchanged(rows), data.suffix.exchanged(rows), (mean, 0 * mean), strict=True):
        torch.testing.assert_close(tokens @ gone, (stays @ gone).expand(*tokens.shape[:2], -1), atol=1e-5, rtol=0)
        torch.testing.assert_close(tokens @ rest, before @ rest, atol=1e-5, rtol=0)
    torch.testing.assert_close(left.x @ gone, (mean @ gone).expand(len(left.y), -1), atol=1e-5, rtol=0)
    torch.testing.assert_close(left.x, left.suffix.source.pooled(1) - (data.x - mean) @ gone @ gone.T, atol=1e-5, rtol=0)


@pytest.mark.slow
def test_what_is_trained_is_orthogonal_to_what_is_gone_and_finds_what_is_left(planted: Planted) -> None:
    data, network, _ = planted
    gone = torch.cat([network.read[:, :1], network.noise[:, :3]], dim=1)
    found = find("das", data.without(gone, data.x.mean(dim=0)), 1)
    assert float((found.basis.T @ gone).abs().max()) < 1e-5
    assert float((found.basis.T @ network.read[:, 1:]).square().sum()) > 0.9
    assert min(found.provenance["losses"]) < 0.95 * found.provenance["loss_without_edit"]


@pytest.mark.slow
def test_where_all_that_is_read_is_gone_nothing_gains(planted: Planted) -> None:
    data, network, whole = planted
    found = find("das", data.without(network.read, data.x.mean(dim=0)), 2)
    assert float((found.basis.T @ network.read).abs().max()) < 1e-5
    before = found.provenance["loss_without_edit"]
    assert min(found.provenance["losses"]) > 0.99 * before
    assert min(whole.provenance["losses"]) < 0.9 * whole.provenance["loss_without_edit"]
