"""Planted networks with a known answer. Lets the tests of this folder import ``known_ground``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from known_ground import Known, known


@pytest.fixture(scope="session")
def degenerate() -> Known:
    """Reads u = c + b^3 off two planes C and B, cut to length 1: either one is enough."""
    return known("degenerate")


@pytest.fixture(scope="session")
def clean() -> Known:
    """Reads the plane C."""
    return known("clean")
