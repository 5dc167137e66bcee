"""Margins are what they are said to be, and splits never meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from jepascope.errors import BadArgument, BadData
from jepascope.intervention.judges import ProbeJudge, correct, margin, require_disjoint, target_margin


@dataclass(frozen=True)
class Scaled:
    """A probe whose logits are the activation times a number."""

    by: float = 1.0

    def logits(self, x: Tensor) -> Tensor:
        return x * self.by


def test_the_margin_is_the_logit_over_the_mean_of_the_others() -> None:
    logits = torch.tensor([[3.0, 1.0, 2.0], [0.0, 0.0, 6.0]], dtype=torch.float64)
    label = torch.tensor([0, 1])
    assert margin(logits, label).tolist() == [1.5, -3.0]
    assert target_margin(logits, label, torch.tensor([2, 2])).tolist() == [-1.0, 6.0]
    assert correct(logits, label).tolist() == [True, False]
    assert torch.equal(margin(logits.expand(4, 2, 3), label), margin(logits, label).expand(4, 2))


def test_margins_ignore_what_all_classes_share() -> None:
    logits, label = torch.randn(5, 4, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0])
    torch.testing.assert_close(margin(logits + 7.0, label), margin(logits, label))
    torch.testing.assert_close(target_margin(logits + 7.0, label, label.flip(0)), target_margin(logits, label, label.flip(0)))


def test_a_judge_reads_any_number_of_conditions() -> None:
    pooled = torch.randn(3, 4, 5)
    torch.testing.assert_close(ProbeJudge(Scaled(2.0)).logits(pooled), 2 * pooled.double())


def test_logits_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(BadData, match="NaN or infinite logits"):
        ProbeJudge(Scaled(float("inf"))).logits(torch.ones(2, 3))
    with pytest.raises(BadArgument, match="no token selection"):
        ProbeJudge(Scaled(), tokens="sky")


def test_splits_that_share_a_scene_are_refused() -> None:
    require_disjoint({"fit": np.arange(3), "judge": np.arange(3, 6), "test": np.arange(6, 9)})
    with pytest.raises(BadData, match=r"scene 5, lie both in 'judge' and in 'test'"):
        require_disjoint({"fit": np.arange(3), "judge": np.arange(3, 6), "test": np.arange(5, 9)})
