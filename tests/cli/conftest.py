"""Commands run in the test's own process: what they say does not depend on how long imports take on this machine."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def nothing_said_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line that a pipe gets after a second (tests/cli/test_display.py asks for it): a refusal may come later where libraries are loaded
    for the first time."""
    monkeypatch.setattr("jepascope.cli.display.SOON", 60.0)
