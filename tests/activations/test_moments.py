"""Streaming moments equal those of one batch, wherever the stream is cut."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepascope.activations.moments import Moments, MomentsFitter
from jepascope.errors import BadData
from jepascope.intervention.controls import removed_variance


@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, 60), max_size=5), seed=st.integers(0, 1000))
def test_streaming_equals_batch(cuts: list[int], seed: int) -> None:
    x = torch.randn(60, 5, generator=torch.Generator().manual_seed(seed)) * 3 + 1000  # a mean far from zero: the hard case
    fitter = MomentsFitter(5)
    for start, stop in zip([0, *sorted(cuts)], [*sorted(cuts), 60], strict=True):
        fitter.update(x[start:stop])
    streamed, batch = fitter.fit(), Moments.of(x)
    assert streamed.count == batch.count == 60
    torch.testing.assert_close(streamed.mean, batch.mean)
    torch.testing.assert_close(streamed.covariance, batch.covariance)
    torch.testing.assert_close(batch.covariance, torch.cov(x.T.double(), correction=0))


def test_the_variance_in_all_directions_is_the_total() -> None:
    moments = Moments.of(torch.randn(50, 6))
    q = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64)).Q
    assert sum(removed_variance(part, moments.covariance) for part in (q[:, :2], q[:, 2:])) == pytest.approx(
        float(moments.covariance.trace())
    )


def test_no_vectors_have_no_moments() -> None:
    with pytest.raises(BadData, match="at least one"):
        MomentsFitter(3).fit()
