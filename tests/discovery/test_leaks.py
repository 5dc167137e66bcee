"""The leak check finds a planted shortcut and passes features without one."""

from __future__ import annotations

import pytest
import torch
from planted_classes import planted

from jepascope.discovery.probes.leaks import leak_check, leak_words, unseen
from jepascope.errors import BadArgument, BadData


def test_a_planted_shortcut_leaks() -> None:
    x, y = planted(seed=1, clips=120, signal=2.0)
    clips = torch.arange(120)
    (row,) = leak_check({"shortcut": x[0].unflatten(1, (3, 4))}, y, clips[:60], clips[60:], clips)  # features are flattened
    assert row.leak and row.chance == pytest.approx(0.25) and row.n == 60
    assert row.chance < row.low <= row.accuracy <= row.high


def test_noise_is_called_a_leak_about_as_seldom_as_a_95_percent_interval_says() -> None:
    generator, clips = torch.Generator().manual_seed(2), torch.arange(120)
    noise = {str(draw): torch.randn(120, 6, generator=generator) for draw in range(30)}
    rows = leak_check(noise, clips % 4, clips[:60], clips[60:], clips)
    assert abs(sum(r.accuracy for r in rows) / 30 - 0.25) < 0.04
    assert sum(r.leak for r in rows) <= 4  # 0.75 are expected


def test_a_scene_in_both_splits_is_refused() -> None:
    x, y = planted(seed=3)
    clips = torch.arange(len(y))
    with pytest.raises(BadData, match="Scene 15 lies in both"):
        leak_check({"a": x[0]}, y, clips[:31], clips[31:], clips // 2)
    with pytest.raises(BadArgument, match="no test clips"):
        leak_check({"a": x[0]}, y, clips, clips[:0], clips)


def row(accuracy: float, low: float, high: float, leak: bool = False, n: int = 80) -> dict[str, object]:
    return {"baseline": "first_frame", "accuracy": accuracy, "low": low, "high": high, "n": n, "chance": 0.125, "leak": leak}


def test_no_leak_says_what_is_not_ruled_out_and_is_no_power_where_that_is_large() -> None:
    few, many = row(0.125, 0.03, 0.36, n=16), row(0.125, 0.07, 0.21)
    assert not unseen(many) and unseen(few) and not unseen(row(0.5, 0.4, 0.6, leak=True))
    assert leak_words([many], "direction").endswith("above chance; 21.0\u00a0% is not ruled out (first_frame, n = 80, chance 12.5\u00a0%).")
    assert leak_words([many, few], "direction").endswith("no power to exclude a large leak.")
    nan = float("nan")
    assert leak_words([row(0.1, nan, nan)], "direction") == "None of 1 motionless baselines is shown to read the direction above chance."
