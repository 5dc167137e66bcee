"""The checks of the tests themselves: what is called with another type or shape than its annotations say fails in the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from jaxtyping import Float, TypeCheckError
from torch import Tensor

from jepascope.intervention.edits import class_means
from jepascope.portability.exchange import Exchange
from strict_types import CALLS, checked, checking, checks


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


@checked
def summed(x: Float[Tensor, "rows columns"], *more: Float[Tensor, " columns"], scale: float = 1, **named: str) -> Float[Tensor, " rows"]:
    return scale * (x + sum(more)).sum(dim=0 if "wrong" in named else 1)


def test_every_kind_of_argument_is_checked_and_what_is_returned() -> None:
    x, row = torch.zeros(2, 3), torch.zeros(3)
    assert summed(x, row, row, scale=2, of="it").shape == (2,)
    for name, given, named in (
        ("more", (x, row, torch.zeros(1)), {}),
        ("scale", (x,), {"scale": "2"}),
        ("named", (x,), {"of": 3}),
        ("return", (x,), {"wrong": "axis"}),
    ):
        with pytest.raises(TypeCheckError, match=rf"summed: {name} is no"):
            summed(*given, **named)


def test_a_closure_is_checked_wherever_it_is_made() -> None:
    def closure(by: float) -> object:
        @checked
        def scaled(x: Float[Tensor, "a b"]) -> Float[Tensor, "a b"]:
            return x * by

        return scaled

    for by in (2.0, 3.0):
        made = closure(by)
        assert made(torch.ones(1, 1)) == by
        with pytest.raises(TypeCheckError, match="scaled: x is no"):
            made(torch.ones(2))


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
