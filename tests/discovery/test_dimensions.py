"""In how many directions class means differ more than those of permuted labels."""

from __future__ import annotations

import pytest
import torch

from jepascope.discovery.dimensions import dimension_count, dimensions
from jepascope.discovery.labelled import Labelled
from jepascope.errors import BadArgument

CLASSES, WIDTH = 6, 24


def clips(spread: tuple[float, ...], seed: int = 0, per_class: int = 30) -> Labelled:
    """Classes whose means spread so far along the first axes, in noise that is wide along others."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.arange(CLASSES).repeat_interleave(per_class)
    means = torch.linalg.qr(torch.randn(CLASSES, CLASSES, generator=generator)).Q[:, : len(spread)] * torch.tensor(spread)
    x = torch.randn(len(y), WIDTH, generator=generator)
    x[:, 10:14] *= 3
    x[:, : len(spread)] += means[y]
    return Labelled(x, y)


@pytest.mark.parametrize("spread", [(9.0,), (9.0, 8.0), (9.0, 8.0, 7.0)])
def test_as_many_as_class_means_were_moved_along(spread: tuple[float, ...]) -> None:
    counts = [dimension_count(one.p for one in dimensions(clips(spread, seed))) for seed in range(6)]
    assert counts.count(len(spread)) >= 5, counts


@pytest.mark.slow
def test_permuted_labels_have_none_in_nineteen_of_twenty_cases() -> None:
    found = []
    for seed in range(60):
        data = clips((6.0, 5.0), seed).permuted(torch.Generator().manual_seed(seed))
        found.append(dimensions(data, permutations=99, seed=seed)[0].p <= 0.05)
    assert sum(found) <= 8, "a binomial of 60 and 0.05 exceeds 8 once in 150"


def test_every_direction_has_a_line_the_widest_first_and_seeds_decide() -> None:
    found = dimensions(clips((6.0, 5.0)))
    assert len(found) == CLASSES - 1 and [one.spread for one in found] == sorted((one.spread for one in found), reverse=True)
    assert found == dimensions(clips((6.0, 5.0))) and found[0].p == 1 / 200 and found[-1].p > 0.05
    assert dimension_count([0.01, 0.2, 0.01]) == 1 and dimension_count([0.5]) == 0


def test_without_permutations_there_is_nothing_to_hold_it_against() -> None:
    with pytest.raises(BadArgument, match="0 is no number of them"):
        dimensions(clips((6.0,)), permutations=0)
