"""Label moments: any cut gives what one batch gives, and the covariance parts into within and between."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_classes import planted

from jepascope.discovery.finders import find
from jepascope.discovery.labelled import Labelled, LabelMoments, LabelMomentsFitter
from jepascope.errors import BadData

CLIPS, WIDTH, CLASSES = 90, 10, 3


def clips(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    x, y = planted(seed, CLIPS, WIDTH, CLASSES)
    return x[0] + 100, y, torch.stack([y.float().cos(), y.float().sin()], dim=1)


def streamed(cuts: list[int], seed: int = 0) -> LabelMoments:
    x, y, values = clips(seed)
    fitter = LabelMomentsFitter(WIDTH, CLASSES, 2)
    for start, stop in zip([0, *cuts], [*cuts, CLIPS], strict=True):
        fitter.update(x[start:stop], y[start:stop], values[start:stop])
    return fitter.fit()


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, CLIPS), max_size=8))
def test_any_cut_gives_what_one_batch_gives(cuts: list[int]) -> None:
    one, other = streamed([]), streamed(sorted(cuts))
    for field in fields(LabelMoments):
        torch.testing.assert_close(getattr(other, field.name), getattr(one, field.name), rtol=1e-9, atol=1e-9)


def test_moments_are_those_of_the_definition() -> None:
    x, y, values = clips()
    moments = streamed([7, 50])
    exact = x.double()
    about = exact - torch.stack([exact[y == c].mean(dim=0) for c in range(CLASSES)])[y]
    torch.testing.assert_close(moments.within, about.T @ about / CLIPS)
    centred = exact - exact.mean(dim=0)
    torch.testing.assert_close(moments.cross, centred.T @ values.double() / CLIPS)
    torch.testing.assert_close(moments.class_cross, centred.T @ torch.nn.functional.one_hot(y, CLASSES).double() / CLIPS)
    apart = moments.means - moments.mean
    between = apart.T @ (apart * (moments.counts / moments.count)[:, None])
    torch.testing.assert_close(moments.covariance, moments.within + between)


def test_clips_that_nothing_can_be_found_in_are_refused_with_the_site() -> None:
    x, y, _ = clips()
    for values, labels, said in (
        (x, 0 * y, "one class"),
        (torch.ones_like(x), y, "same activations for every clip"),
        (x / 0, y, "NaN or infinite"),
    ):
        with pytest.raises(BadData, match=rf"layer 3.*{said}"):
            find("lda", Labelled(values, labels, where="layer 3"))
    with pytest.raises(BadData, match=r"Class 3 .* has no clip"):
        LabelMomentsFitter(WIDTH, 4).update(x, y).fit()
