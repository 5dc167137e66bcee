"""circle: angles anywhere, classes that are their nearest directions, and turns that are exact."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.clips.degrade import end_position_limit
from jepascope.clips.factors import (
    SECTOR,
    STEP,
    angle_within,
    any_angle,
    direction_angle,
    direction_offset,
    displacement,
    nearest_direction,
    opposite,
)
from jepascope.clips.presets import PRESETS, circle, directions8, preset, reverse_twins, twins
from jepascope.clips.ranges import DIRECTION_NAMES
from jepascope.errors import BadArgument

SEEDS = st.integers(0, 2**31)


@settings(max_examples=25)
@given(seed=SEEDS, twin_seed=SEEDS)
def test_the_class_is_the_nearest_direction_of_clips_and_of_every_twin(seed: int, twin_seed: int) -> None:
    clips = circle(seed, per_class=5)
    for some in (clips, twins(clips, seed=twin_seed), reverse_twins(clips), twins(clips, "speed", twin_seed)):
        labels, names = some.labels("direction")
        assert (np.array(names)[labels] == nearest_direction(some.factors["angle"].to_numpy())).all()


def test_angles_are_uniform_within_their_sectors_and_fill_the_circle() -> None:
    factors = circle(per_class=500).factors
    assert factors["direction"].value_counts().eq(500).all()
    offset = direction_offset(factors["angle"].to_numpy())
    assert np.abs(offset).max() <= SECTOR / 2
    counts = np.histogram(offset, bins=10, range=(-SECTOR / 2, SECTOR / 2))[0]
    assert ((counts - 400) ** 2 / 400).sum() < 33.7  # chi-square, 9 degrees of freedom, 1 in 10,000
    assert factors["angle"].nunique() == len(factors)
    assert factors["angle"].min() >= 0 and factors["angle"].max() < 2 * np.pi


def test_twins_of_another_class_keep_their_place_within_the_sector_bit_for_bit() -> None:
    clips = circle(per_class=50)
    for seed in range(3):
        other = twins(clips, seed=seed)
        assert (other.factors["direction"] != clips.factors["direction"]).all()
        before, after = (direction_offset(some.factors["angle"].to_numpy()) for some in (clips, other))
        assert (before == after).all() and (before != 0).all()


@settings(max_examples=50)
@given(seed=SEEDS)
def test_half_a_turn_and_back_is_exact_and_moves_exactly_the_other_way(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.concatenate(
        [any_angle(50, rng), angle_within(direction_angle(np.array(DIRECTION_NAMES)), rng), STEP * rng.integers(1, 9, 20)]
    )
    assert (opposite(opposite(angle)) == angle).all()
    speed = rng.uniform(0.1, 0.3, len(angle))
    for there, back in zip(displacement(angle, speed), displacement(opposite(angle), speed), strict=True):
        assert (there == -back).all()


def test_a_displacement_is_along_its_angle_y_downwards() -> None:
    angle = any_angle(200, np.random.default_rng(0))
    x, y = displacement(angle, np.full(200, 0.2))
    np.testing.assert_allclose(x - 1j * y, 0.2 * np.exp(1j * angle), atol=1e-7)


@pytest.mark.parametrize("frames", [5, 8])
def test_reverse_twins_show_the_same_frames_in_the_opposite_order_bit_for_bit(frames: int) -> None:
    clips = circle(per_class=5, frames=frames, size=32)
    other = reverse_twins(clips)
    assert torch.equal(other.video(), clips.video().flip(1))
    assert (other.factors["angle"] == opposite(clips.factors["angle"].to_numpy())).all()
    assert ((other.labels("direction")[0] - clips.labels("direction")[0]) % 8 == 4).all()
    assert reverse_twins(other).digest == clips.digest


def test_no_clip_and_no_twin_touches_the_border_of_the_frame() -> None:
    clips = circle(per_class=10, frames=4)
    border = torch.ones(64, 64, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    for some in (clips, twins(clips)):
        assert some.source.coverage(some.factors, 4, 64)[..., border].max() == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_no_other_factor_carries_the_angle(seed: int) -> None:
    factors = circle(seed, per_class=100).factors
    turn = np.exp(1j * factors["angle"].to_numpy())
    for name in ("x", "y", "speed", "size", "hue", "lightness", "background"):
        values = (factors[name] - factors[name].mean()) / factors[name].std()
        power = np.abs(values.to_numpy() @ turn) ** 2 / len(factors)  # exponential with mean 1 for independent draws
        assert power < 9, name  # 1 in 8,000; 14 of them here


def test_all_else_is_drawn_as_in_directions8() -> None:
    there, here = directions8(per_class=100).factors, circle(per_class=100).factors
    assert list(there) == list(here)
    for name in ("x", "y", "speed", "size", "hue", "lightness", "background"):
        for quantile in (0.0, 0.25, 0.5, 0.75, 1.0):
            spread = there[name].max() - there[name].min()
            assert here[name].quantile(quantile) == pytest.approx(there[name].quantile(quantile), abs=0.1 * spread)


def test_sets_of_one_seed_share_no_scene() -> None:
    tables = {name: preset(name, 5, per_class=20).factors for name in PRESETS}
    for one, other in combinations(tables.values(), 2):
        for column in ("x", "y", "speed", "size", "hue", "background", "noise_seed"):
            assert not np.isin(one[column], other[column]).any()


def test_a_seed_names_one_table_for_good() -> None:
    """Stores and tables of earlier studies are addressed by these digests."""
    found = {name: preset(name, 0, per_class=5).digest for name in PRESETS}
    assert found == {"directions8": "208dfad13f922227", "circle": "d21e7c12b21e1732", "complex": "4371906a2b641ce4"}
    clips = preset("directions8", 0, per_class=5)
    digests = [twins(clips, name, 3).digest for name in ("direction", "speed", "position", "size", "shape", "colour")]
    assert digests == [
        "2e936cecb2c6d798",
        "ccbceb8c6d16e0fe",
        "31689ee2a7beeaf1",
        "8bc30b8706800ed6",
        "0f93205a9d83a2e8",
        "4b339fcbf3ca0636",
    ]
    assert reverse_twins(clips).digest == "a223593f88f43972"


def test_the_pixels_of_directions8_have_not_changed() -> None:
    """A fingerprint that every pixel counts in, taken before other clip sets were added."""
    video = preset("directions8", 0, per_class=5).video().double().flatten()
    weights = torch.arange(len(video), dtype=torch.float64).mul(0.618033988749895).frac()
    assert (video @ weights).item() == pytest.approx(1436507.7939298202, rel=1e-9)


def test_continuous_angles_leave_an_end_position_less_to_tell() -> None:
    assert 1 / 8 < end_position_limit(continuous=True) < end_position_limit(continuous=False)


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_too_few_clips_for_three_splits_are_refused(name: str) -> None:
    with pytest.raises(BadArgument, match=f"{name} needs at least 5 clips per direction"):
        preset(name, per_class=4)
