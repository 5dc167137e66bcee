"""Interchange-intervention training: what is exchanged, what the losses are zero for, and that a training goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from jepascope.bench.interchange import network as module
from jepascope.bench.interchange.losses import exchanged, moved_by_the_rest, off_the_code, outside_the_planes
from jepascope.bench.interchange.network import TrainedNetwork, network_folder, trained_network
from jepascope.bench.interchange.recipe import DECOY, RECIPES, recipe_named
from jepascope.bench.interchange.train import InterchangeTrainer, planes, training_scenes
from jepascope.clips.presets import directions8
from jepascope.errors import BadArgument, RunFolderError

TINY = replace(RECIPES[DECOY], per_class=5, steps=3, batch=4, warmup=1)


def test_what_is_exchanged_inside_a_plane_and_outside_it_adds_up_to_the_whole() -> None:
    hidden, other = torch.randn(2, 5, 3, 8).unbind(0)
    plane = torch.linalg.qr(torch.randn(8, 2)).Q
    put, kept = exchanged(hidden, other, plane)
    torch.testing.assert_close(put @ plane, other @ plane)
    torch.testing.assert_close(kept @ plane, hidden @ plane)
    torch.testing.assert_close(put + kept, hidden + other)


def test_losses_are_zero_for_what_they_ask_for_and_not_otherwise() -> None:
    labels = torch.arange(8).repeat(4)
    angle = labels * (torch.pi / 4)
    code = torch.stack([angle.cos(), angle.sin()], dim=1)
    noise = torch.randn(4, 6).repeat_interleave(8, dim=0)  # the same in all classes
    pooled = torch.cat([code, 2 * code, noise], dim=1)
    axes = torch.eye(10)
    assert float(off_the_code(pooled, labels, axes[:, 2:4], axes[:, :2], 2.0)) < 1e-10
    assert float(off_the_code(pooled, labels, axes[:, 2:4], axes[:, :2], 1.0)) > 0.5
    assert float(outside_the_planes(pooled, labels, axes[:, :4])) < 1e-10
    assert float(outside_the_planes(pooled, labels, axes[:, :2])) > 0.1
    last = torch.stack([pooled, pooled.flip(0), pooled])
    assert float(moved_by_the_rest(last)) == 0 and float(moved_by_the_rest(last.roll(1, 0))) > 0.1


def test_planes_are_orthogonal_and_a_recipes_own_and_training_scenes_are_no_studys() -> None:
    plane, decoy = planes(TINY)
    both = torch.cat([plane, decoy], dim=1)
    torch.testing.assert_close(both.T @ both, torch.eye(4))
    assert not torch.equal(plane, planes(replace(TINY, seed=2))[0])
    drawn = training_scenes(TINY).factors
    for seed in range(5):
        assert not set(drawn["noise_seed"]) & set(directions8(seed, 5).factors["noise_seed"])


def test_a_restored_trainer_goes_on_bit_for_bit(tmp_path: Path) -> None:
    straight, first, second = (InterchangeTrainer(TINY) for _ in range(3))
    expected = [straight.step().item() for _ in range(3)]
    found = [first.step().item()]
    torch.save(first.state(), tmp_path / "state.pt")
    second.restore(torch.load(tmp_path / "state.pt", weights_only=True))
    found += [second.step().item() for _ in range(2)]
    assert found == expected
    assert straight.encoder.card.digest != straight.shipped().card.digest  # trained, and not what it started from


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JEPASCOPE_CACHE", str(cache))
        trained_network(TINY)
    return cache


@pytest.fixture
def tiny(cache: Path, monkeypatch: pytest.MonkeyPatch) -> TrainedNetwork:
    monkeypatch.setenv("JEPASCOPE_CACHE", str(cache))
    monkeypatch.setattr(module, "train", None)  # a second training would fail
    return trained_network(TINY)


def test_a_network_is_trained_once_and_is_an_encoder_like_any_other(tiny: TrainedNetwork) -> None:
    again = trained_network(TINY)
    assert again.card == tiny.card and again.encoder.card == tiny.encoder.card
    assert torch.equal(again.answer.causal, planes(TINY)[0]) and again.answer.decoy
    assert set(again.card["measured"]) == {"task", "interchange", "complement", "decoy"}
    assert not again.encoder.card.has_predictor and (again.encoder.card.frames, again.encoder.card.size) == (8, 32)
    assert "Model card" in (network_folder(TINY) / "card.md").read_text()


def test_a_damaged_network_is_refused_with_what_makes_it_again(tiny: TrainedNetwork) -> None:
    known = network_folder(TINY) / "known.safetensors"
    whole = known.read_bytes()
    for damaged in (b"half", whole[:-4]):
        known.write_bytes(damaged)
        with pytest.raises(RunFolderError, match="rm -r "):
            trained_network(TINY)
    known.write_bytes(whole)
    assert trained_network(TINY).card == tiny.card


def test_another_recipe_is_another_folder() -> None:
    assert len({recipe.digest for recipe in (TINY, *RECIPES.values(), replace(TINY, seed=3))}) == 4
    with pytest.raises(BadArgument, match="plain, decoy"):
        recipe_named("other")
