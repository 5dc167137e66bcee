"""Control tasks are functions of the scene that say nothing of the variable; permuted labels read at chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_classes import planted

from jepascope.clips.presets import directions8
from jepascope.discovery.probes.folds import exchanged
from jepascope.discovery.probes.paths import dense_probes
from jepascope.discovery.probes.selectivity import RECUR, control_labels, permuted_hits, scene_types
from jepascope.errors import BadArgument, BadData

CLIPS = directions8(per_class=20).factors
FIT = (CLIPS["split"] == "fit").to_numpy(copy=True)
OWN = ("direction", "angle")


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6), classes=st.integers(2, 8))
def test_scenes_of_one_type_have_one_label_and_classes_are_even(seed: int, classes: int) -> None:
    types = scene_types(CLIPS, FIT, OWN, classes)
    labels = control_labels(types, classes, seed)
    for one in range(types.count):
        assert len(labels[types.index == one].unique()) == 1
    counts = torch.bincount(labels, minlength=classes)
    assert counts.min() > 0
    # dealing each type to the emptiest class keeps classes within one type of each other
    assert counts.max() - counts.min() <= torch.bincount(types.index).max()
    assert torch.equal(labels, control_labels(types, classes, seed))


def test_types_recur_and_are_made_of_other_factors_only() -> None:
    types = scene_types(CLIPS, FIT, OWN, 8)
    fit, rest = torch.bincount(types.index[FIT], minlength=types.count), types.index[~FIT]
    assert int(fit.min()) >= RECUR
    assert len(rest) / types.count >= RECUR
    assert types.count >= 8 and not set(types.columns) & {*OWN, "scene", "split", "noise_seed"}
    looks = CLIPS[list(types.columns)].copy()
    for name in looks.select_dtypes("number"):
        looks[name] = looks[name] > looks[name][FIT].median()
    assert (looks.groupby(list(types.columns)).ngroup() == pd.Series(types.index.numpy())).groupby(types.index.numpy()).nunique().max() == 1
    assert looks.groupby(list(types.columns)).ngroups == types.count


def test_test_clips_have_no_say_in_where_numbers_are_cut() -> None:
    moved = CLIPS.copy()
    moved.loc[~FIT, "speed"] += 1000
    types, again = (scene_types(table, FIT, OWN, 8) for table in (CLIPS[["speed", "x", "y"]], moved[["speed", "x", "y"]]))
    assert "speed" in types.columns and torch.equal(types.index[FIT], again.index[FIT])


def test_scenes_of_several_clips_are_exchanged_whole_in_permuted_labels() -> None:
    """With latents that know the scene, labels exchanged clip by clip would be read at the share of a class; whole scenes keep theirs."""
    generator = torch.Generator().manual_seed(0)
    groups = torch.arange(60) // 3
    y = groups % 4
    for _ in range(5):
        permuted = exchanged(y, groups, generator)
        assert not torch.equal(permuted, y) and torch.equal(torch.bincount(permuted), torch.bincount(y))
        assert all(len(permuted[groups == scene].unique()) == 1 for scene in groups.unique())
    values = torch.stack([y.double(), -y.double()], dim=1)
    moved = exchanged(values, groups, generator)
    assert torch.equal(moved[0::3], moved[1::3]) and torch.equal(moved[:, 0], -moved[:, 1])
    mixed = torch.arange(60) % 3  # every scene shows every class: clips are exchanged, and scenes lose that
    permuted = exchanged(mixed, groups, generator)
    assert torch.equal(torch.bincount(permuted), torch.bincount(mixed))
    assert any(len(permuted[groups == scene].unique()) < 3 for scene in groups.unique())


def test_permuted_hits_are_those_of_exchanged_scenes() -> None:
    x, y = planted(seed=3, clips=100, classes=3)
    groups = torch.arange(60) // 2
    fit_y = groups % 3
    hits = permuted_hits({0: x[0][:60]}, fit_y, {0: x[0][60:]}, y[60:], {0: 0.1}, draws=1, seed=7, tolerance=1e-5, groups=groups)
    labels = exchanged(fit_y, groups, torch.Generator().manual_seed(7))
    alone = dense_probes({0: x[0][:60]}, labels, strengths=(0.1,), tolerance=1e-5)[0].probe
    assert int(hits[0]) == alone.correct(x[0][60:], y[60:])


def test_seeds_give_different_tasks_and_the_order_of_clips_plays_no_part() -> None:
    types = scene_types(CLIPS, FIT, OWN, 8)
    tasks = torch.stack([control_labels(types, 8, seed) for seed in range(5)])
    for a in range(5):
        for b in range(a):
            assert (tasks[a] == tasks[b]).double().mean() < 0.6
    order = np.random.default_rng(0).permutation(len(CLIPS))
    again = scene_types(CLIPS.iloc[order].reset_index(drop=True), FIT[order], OWN, 8)
    assert torch.equal(again.index, types.index[order])


def test_a_probe_of_the_variable_is_selective_and_one_of_the_scene_is_not() -> None:
    """Latents that hold the variable alone cannot tell types apart; latents that encode the other factors give every function of them."""
    types = scene_types(CLIPS, FIT, OWN, 8)
    control = control_labels(types, 8)
    g = torch.Generator().manual_seed(0)
    names = torch.from_numpy(pd.factorize(CLIPS["direction"])[0])
    layers = {
        name: 3 * torch.randn(n, 24, generator=g)[index] + torch.randn(len(CLIPS), 24, generator=g)
        for name, index, n in (("variable", names, 8), ("scene", types.index, types.count))
    }
    accuracy = {}
    for task, y in (("labels", names), ("control", control)):
        paths = dense_probes({k: x[FIT] for k, x in layers.items()}, y[FIT], folds=2)
        accuracy |= {(task, k): paths[k].probe.accuracy(x[~FIT], y[~FIT]) for k, x in layers.items()}
    assert accuracy["labels", "variable"] > 0.95 and accuracy["control", "scene"] > 0.95
    assert accuracy["labels", "variable"] - accuracy["control", "variable"] > 0.7
    assert accuracy["labels", "scene"] - accuracy["control", "scene"] < -0.6


def test_permuted_labels_are_read_at_chance_whatever_the_true_ones_are() -> None:
    x, y = planted(seed=1, clips=200, classes=4, signal=3.0, layers=2)
    layers, held = {"a": x[0, :120], "b": x[1, :120]}, {"a": x[0, 120:], "b": x[1, 120:]}
    true = dense_probes(layers, y[:120])
    hits = permuted_hits(layers, y[:120], held, y[120:], {k: path.choice.strength for k, path in true.items()}, draws=60)
    for name in layers:
        shares = hits[name].double() / 80
        assert true[name].probe.accuracy(held[name], y[120:]) > 0.9 > shares.max() + 0.2
        # the test clips of a draw share one probe: its standard error is taken from the draws
        assert abs(float(shares.mean()) - 0.25) < 3.5 * float(shares.std()) / 60**0.5


def test_a_permuted_probe_is_the_dense_probe_of_that_permutation() -> None:
    x, y = planted(seed=2, clips=100, classes=3)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(7))
    hits = permuted_hits({0: x[0][:60]}, y[:60], {0: x[0][60:]}, y[60:], {0: 0.1}, draws=1, seed=7, tolerance=1e-5)
    alone = dense_probes({0: x[0][:60]}, y[:60][order], strengths=(0.1,), tolerance=1e-5)[0].probe
    assert int(hits[0]) == alone.correct(x[0][60:], y[60:])


def test_what_is_unknown_is_a_category_and_mixed_columns_are_read() -> None:
    table = pd.DataFrame(
        {
            "scene": range(400),
            "split": ["fit", "test"] * 200,
            "who": [None, "a", "b", 3] * 100,
            "weight": [1.0, 1.0, 2.0, 2.0, np.nan, np.nan, np.nan, np.nan] * 50,
        }
    )
    table["who"] = np.random.default_rng(0).permutation(table["who"])
    types = scene_types(table, (table["split"] == "fit").to_numpy(copy=True), (), 4)
    assert types.columns == ("who", "weight")
    assert types.count == 12


def test_clips_without_other_factors_have_no_control_task() -> None:
    bare = CLIPS[["scene", "split", "direction", "angle", "noise"]]
    with pytest.raises(BadData, match=r"control task for 8 classes.*other factors make 1; add"):
        scene_types(bare, FIT, OWN, 8)
    with pytest.raises(BadData, match="Layer 5 holds NaN"):
        permuted_hits({5: torch.full((20, 3), torch.nan)}, torch.arange(20) % 2, {5: torch.ones(4, 3)}, torch.zeros(4).long(), {5: 1.0})
    with pytest.raises(BadArgument, match="at least 1 draw"):
        permuted_hits({5: torch.randn(20, 3)}, torch.arange(20) % 2, {5: torch.ones(4, 3)}, torch.zeros(4).long(), {5: 1.0}, draws=0)
