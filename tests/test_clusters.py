"""Several clips of one scene: whole scenes are the units, and few of them make wide intervals."""

from __future__ import annotations

from math import isnan

import numpy as np
import pandas as pd
import pytest
import torch

from jepascope.clips.donors import drawn_elsewhere, elsewhere
from jepascope.intervention.causal_effect import ce_table
from jepascope.intervention.effects import EFFECT_COLUMNS
from jepascope.portability.alignment import split_half_ceiling
from jepascope.portability.retained import rce_rows
from jepascope.stats import Interval, causal_effect_ratio, proportion, ratio_of_means, scene_proportion, scene_sums, widened
from jepascope.stats.few import FEW

SCENES, COPIES = 12, 5


def effects(copies: int, clip: bool, seed: int = 0) -> pd.DataFrame:
    """Effects of a subspace and 20 draws of a control on some scenes, each clip ``copies`` times. ``clip``: with a column that tells copies
    of a scene apart; without, every copy claims to be a scene of its own."""
    rng = np.random.default_rng(seed)
    below, own, drawn = rng.normal(4, 1, SCENES), rng.normal(2, 0.7, SCENES), rng.normal(0.4, 0.3, (20, SCENES))
    rows = []
    for control, draw, values in [("subspace", 0, own), *(("random", i, one) for i, one in enumerate(drawn))]:
        for scene in range(SCENES):
            for copy in range(copies):
                which = scene * copies + copy
                said = {
                    "finder": "lda",
                    "rank": 2,
                    "control": control,
                    "draw": draw,
                    "dose": 1.0,
                    "judge": "probe",
                    "read": "",
                    "target": 0,
                }
                said |= {"layer": 1, "tokens": "all", "edit": "ablate", "read_layer": 4, "numerator_direct": 0.5 * values[scene]}
                said |= {"numerator": values[scene], "denominator": below[scene], "correct": scene % 2 == 0, "correct_before": True}
                said |= {"kl": abs(values[scene]), "angle_error": np.nan, "angle_error_before": np.nan}
                rows.append({**said, "scene": scene if clip else which} | ({"clip": which} if clip else {}))
    return pd.DataFrame(rows).reindex(columns=[*EFFECT_COLUMNS, *(["clip"] if clip else [])])


def test_copies_of_a_scene_change_no_interval_and_as_scenes_of_their_own_they_would_narrow_it() -> None:
    once, copied, pretended = (
        ce_table(effects(copies, clip), resamples=400) for copies, clip in ((1, False), (COPIES, True), (COPIES, False))
    )
    figures = [
        "value",
        "low",
        "high",
        "difference_low",
        "excess_low",
        "excess_high",
        "ratio",
        "ratio_low",
        "ratio_high",
        "kl_low",
        "kl_high",
    ]
    np.testing.assert_allclose(copied[figures].to_numpy(float), once[figures].to_numpy(float), rtol=1e-9)
    assert (copied["n"] == SCENES).all() and (pretended["n"] == COPIES * SCENES).all()
    width = {name: table["high"] - table["low"] for name, table in (("copied", copied), ("pretended", pretended))}
    assert width["copied"][0] > 2 * width["pretended"][0]
    assert width["copied"][1] > width["pretended"][1]  # of a control: draws vary as well, and they stay as many


def test_retained_effect_is_over_scenes_too() -> None:
    def rows(copies: int, clip: bool) -> dict[str, object]:
        table = effects(copies, clip)
        other = table[table["control"] == "subspace"].assign(finder="other", numerator=lambda one: 0.7 * one["numerator"] + 0.1)
        return rce_rows(pd.concat([table, other]), [("lda", "other")], "finder", resamples=400)[0]

    once, copied, pretended = rows(1, False), rows(COPIES, True), rows(COPIES, False)
    for name in ("value", "low", "high", "floor_random_low"):
        assert copied[name] == pytest.approx(once[name], rel=1e-9)
    assert float(str(copied["high"])) - float(str(copied["low"])) > float(str(pretended["high"])) - float(str(pretended["low"]))


def test_sums_over_scenes_leave_scenes_of_one_clip_untouched() -> None:
    values = np.array([[0.1, -0.0, 0.3]])
    assert scene_sums(values, np.array([7, 2, 5])) is values
    assert scene_sums(np.array([1.0, 2.0, 4.0]), np.array([3, 1, 3])).tolist() == [2.0, 5.0]


def test_a_share_of_copies_has_the_interval_of_the_scenes_and_one_of_single_clips_is_wilson_s() -> None:
    rng = np.random.default_rng(1)
    right = rng.random(40) < 0.6
    assert scene_proportion(right, np.arange(40)) == proportion(int(right.sum()), 40) == scene_proportion(right)
    copied, scenes = np.repeat(right, 6), np.repeat(np.arange(40), 6)
    found, naive, single = scene_proportion(copied, scenes), proportion(int(copied.sum()), 240), scene_proportion(right)
    assert found.high - found.low > 2 * (naive.high - naive.low)
    assert found.low == pytest.approx(single.low, abs=0.01) and found.high == pytest.approx(single.high, abs=0.01)
    assert isnan(scene_proportion(np.array([True, False]), np.array([4, 4])).low)
    everything = scene_proportion(np.ones(30, dtype=bool), np.repeat(np.arange(3), 10))
    assert everything.low < 0.45 and everything.high == 1  # nothing varies, but three videos are three


def test_clips_that_share_nothing_count_almost_as_single_ones() -> None:
    rng = np.random.default_rng(3)
    right, scenes = rng.random(400) < 0.5, np.repeat(np.arange(40), 10)
    found, naive = scene_proportion(right, scenes), proportion(int(right.sum()), 400)
    assert 0.8 < (found.high - found.low) / (naive.high - naive.low) < 1.6


def test_three_scenes_make_an_interval_that_covers() -> None:
    """Resamples of three never leave their range: alone they would cover in about three cases of four."""
    rng = np.random.default_rng(0)
    covered = plain = 0
    for _ in range(300):
        below, numerator = rng.normal(4, 0.3, 3), rng.normal(2, 0.6, 3)
        found = ratio_of_means(numerator, below, rng, 100)
        ratios = numerator / below
        covered += found.low <= 0.5 <= found.high
        plain += ratios.min() <= 0.5 <= ratios.max()
    assert covered >= 275 and plain <= 250


def test_a_control_beside_three_scenes_is_wide_as_well() -> None:
    rng = np.random.default_rng(0)
    below, own, drawn = np.full(3, 4.0), np.array([2.0, 2.2, 1.8]), rng.normal(0.4, 0.3, (20, 3))
    found = causal_effect_ratio(own, below, drawn, rng, 400)
    assert found.effect.low < 0.45 - 0.001 and found.effect.high > 0.55  # beyond the least and the largest scene
    assert found.difference.low < found.effect.low - found.control.value
    assert found.excess.low < found.difference.low


def test_enough_scenes_are_left_as_they_are() -> None:
    kept = Interval(1.0, 0.9, 1.1, FEW)
    assert widened(kept, np.linspace(-1, 1, FEW)) is kept
    assert widened(Interval(1.0, 0.9, 1.1, 3), np.array([-3.0, 0.0, 3.0]), bounds=(0.0, 2.0)) == Interval(1.0, 0.0, 2.0, 3)


def test_halves_of_a_clip_set_part_whole_scenes() -> None:
    scenes = torch.arange(6).repeat_interleave(4)
    y = torch.arange(24) % 2
    halves: list[set[int]] = []

    def find(clips: torch.Tensor) -> object:
        from jepascope.discovery.subspace import Subspace

        halves.append(set(scenes[clips].tolist()))
        return Subspace(torch.eye(3)[:, :1], torch.zeros(3), {})

    split_half_ceiling(find, y, 3, 0, scenes)  # type: ignore[arg-type]
    for first, second in zip(halves[::2], halves[1::2], strict=True):
        assert len(first) == len(second) == 3 and not first & second


def test_donors_are_of_other_scenes_and_these_take_turns() -> None:
    scenes = np.array([0, 0, 1, 1, 2])
    assert elsewhere(np.array([0, 1, 2]), 0, scenes).tolist() == [2]
    assert elsewhere(np.array([0, 1]), 0, scenes).tolist() == [1]  # nobody else: at least not itself
    long = np.repeat(np.arange(6), [40, 2, 2, 2, 2, 2])  # a clip drawn at random would be the long video's in four of five cases
    drawn = long[drawn_elsewhere([np.arange(50)] * 50, long, np.random.default_rng(0))]
    assert (drawn != long).all()
    assert np.ptp(np.bincount(drawn[long == 0])[1:]) <= 1 and np.bincount(drawn, minlength=6)[1:].min() >= 7


def test_where_every_clip_is_a_scene_donors_are_drawn_as_they_always_were() -> None:
    candidates = [np.array([1, 2, 3]), np.array([0, 2]), np.array([0, 1, 3]), np.array([1, 2])]
    rng = np.random.default_rng(7)
    plain = [rng.choice(rows) for rows in candidates]
    assert drawn_elsewhere(candidates, np.arange(4), np.random.default_rng(7)).tolist() == plain
