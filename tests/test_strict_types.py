"""The checks of the tests themselves: what is called with another type or shape than its annotations say fails in the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from jaxtyping import TypeCheckError

from jepascope.intervention.edits import class_means
from jepascope.portability.exchange import Exchange
from strict_types import CALLS, checking, checks


@pytest.fixture
def switched() -> Iterator[None]:
    before = checking()
    yield
    checks(before)


def test_a_wrong_type_and_sizes_that_disagree_are_refused() -> None:
    with pytest.raises(TypeCheckError, match="class_means"):
        class_means([[1.0]], torch.tensor([0]), 1)
    with pytest.raises(TypeCheckError, match="class_means"):
        class_means(torch.zeros(3, 2), torch.tensor([0, 0]), 1)


def test_so_is_a_field_of_a_dataclass() -> None:
    with pytest.raises(TypeCheckError):
        Exchange("no tensor")


def test_with_the_checks_off_nothing_is_refused(switched: None) -> None:
    checks(False)
    assert class_means(torch.zeros(3, 2), torch.tensor([0, 0, 0]), 1).shape == (1, 2)
    with pytest.raises(AttributeError):
        class_means([[1.0]], torch.tensor([0]), 1)


def test_of_many_calls_the_first_are_checked_and_anew_in_another_test(switched: None) -> None:
    for _ in range(CALLS):
        class_means(torch.zeros(1, 2), torch.tensor([0]), 1)
    with pytest.raises(AttributeError):
        class_means([[1.0]], torch.tensor([0]), 1)
    checks(True)
    with pytest.raises(TypeCheckError):
        class_means([[1.0]], torch.tensor([0]), 1)
