"""A tiny random encoder, and the same tests on the two shipped ones; lets the tests of this folder import ``encoders_at_hand``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from encoders_at_hand import SHIPPED, tiny_config

from jepascope.encoders.load import load_encoder
from jepascope.encoders.vjepa2 import VJepa2Encoder


@pytest.fixture
def tiny() -> VJepa2Encoder:
    """A fresh one for every test: some of them damage it."""
    return VJepa2Encoder.from_config(tiny_config(), seed=0)


@pytest.fixture(scope="module", params=["tiny", *SHIPPED])
def encoder(request: pytest.FixtureRequest) -> VJepa2Encoder:
    return VJepa2Encoder.from_config(tiny_config(), seed=0) if request.param == "tiny" else load_encoder(request.param)
